//go:build !linux

package postgres

import (
	"net"
	"time"
)

// setUserTimeout does nothing where the system has no such option, as in libpq.
func setUserTimeout(*net.TCPConn, time.Duration) error { return nil }
