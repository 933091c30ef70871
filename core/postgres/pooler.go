package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// behindPooler makes the first connection of a pool and reports whether a
// transaction pooler must be assumed.
//
// The probe compares the process id that the other side announced with the keys
// for cancelling, when the connection was made, with the process id of the
// server process that answers a query. A server announces itself, so on a direct
// connection they agree always. A pooler hands out keys of its own making,
// because clients and server connections are not tied together; it may be in
// session mode, but nothing that a client can see says so, and to assume
// transaction mode costs only push wake-ups and named statements. A pooler that
// passes the server's keys through stays unseen: Config.Pooler names it.
func behindPooler(ctx context.Context, pool *pgxpool.Pool, config Config) (bool, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return false, connectFault(ctx, err)
	}
	defer conn.Release()
	var serving uint32
	if err := conn.QueryRow(ctx, catalog()["BackendPID"], pgx.QueryExecModeExec).Scan(&serving); err != nil {
		return false, connectFault(ctx, err)
	}
	switch config.Pooler {
	case PoolerTransaction:
		return true, nil
	case PoolerNone:
		return false, nil
	}
	pooled := serving != conn.Conn().PgConn().PID()
	if pooled {
		config.Logger.Info("a connection pooler was detected: unnamed statements, polling instead of LISTEN; " +
			"set pgqrs_pooler=none if it runs in session mode")
	}
	return pooled, nil
}
