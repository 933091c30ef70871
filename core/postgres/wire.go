package postgres

import (
	"context"
	"net"
	"time"
)

// defaultUserTimeout is how long the network may swallow what was sent before the
// connection counts as lost. The system would try for a quarter of an hour, and
// meanwhile the calls on that connection wait for their write timeout.
const defaultUserTimeout = 10 * time.Second

// wire is how TCP connections to the server are made.
type wire struct {
	keepAlive   net.KeepAliveConfig
	userTimeout time.Duration // TCP_USER_TIMEOUT; 0: the system's
}

// dial is a pgconn.DialFunc. The driver bounds its time.
func (w wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{KeepAlive: -1, KeepAliveConfig: w.keepAlive}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok && w.userTimeout > 0 {
		if err := setUserTimeout(tcp, w.userTimeout); err != nil {
			_ = conn.Close() // the error above is what counts
			return nil, err
		}
	}
	return conn, nil
}
