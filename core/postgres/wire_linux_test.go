package postgres

import (
	"net"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
)

// TestWire: what the kernel was told about a real connection.
func TestWire(t *testing.T) {
	dsn := testdb.NewProxy(t, testdb.Postgres(t)).DSN // TCP, whatever the server listens on
	for _, c := range []struct {
		parameters                 string
		user, alive, idle, between int
	}{
		{"", int(defaultUserTimeout.Milliseconds()), 1, -1, -1},
		{"&tcp_user_timeout=2500&keepalives_idle=40&keepalives_interval=6", 2500, 1, 40, 6},
		{"&tcp_user_timeout=0&keepalives=0", 0, 0, -1, -1},
	} {
		pool, err := pgxpool.NewWithConfig(t.Context(), parsed(t, dsn+c.parameters))
		require.NoError(t, err)
		conn, err := pool.Acquire(t.Context())
		require.NoError(t, err)
		raw, err := conn.Conn().PgConn().Conn().(*net.TCPConn).SyscallConn()
		require.NoError(t, err)
		option := func(level, name int) (value int) {
			require.NoError(t, raw.Control(func(fd uintptr) { value, err = syscall.GetsockoptInt(int(fd), level, name) }))
			require.NoError(t, err)
			return value
		}
		require.Equal(t, c.user, option(syscall.IPPROTO_TCP, tcpUserTimeout), c.parameters)
		require.Equal(t, c.alive, option(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE), c.parameters)
		if c.idle > 0 {
			require.Equal(t, c.idle, option(syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE))
			require.Equal(t, c.between, option(syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL))
		}
		conn.Release()
		pool.Close()
	}
}
