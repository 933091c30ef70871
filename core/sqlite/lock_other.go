//go:build !linux

package sqlite

import "time"

// Elsewhere waiters leave no mark, and the queue is less fair.
const (
	markWaiting = 0
	markNone    = 0
)

func (l *fileLock) mark(int16) {}

func (l *fileLock) contended() bool { return false }

func pause(d time.Duration) { time.Sleep(d) }
