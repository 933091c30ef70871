package core

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgqrs/pgqrs/core/config"
	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/postgres"
	"github.com/pgqrs/pgqrs/core/sqlite"
)

// Open opens the store a DSN names; every other property comes from the DSN, the
// environment, the configuration file or its default, in this order (package
// config).
//
// A PostgreSQL host that cannot be reached fails here, within the connection
// timeout; missing tables do not, so that Install can follow. Equal
// configurations share one pool, listener and heartbeat in a process.
func Open(ctx context.Context, dsn string, opts ...Option) (*Store, error) {
	cfg, err := config.Load(dsn)
	if err != nil {
		return nil, named("open", "", err)
	}
	return OpenConfig(ctx, cfg, opts...)
}

// OpenConfig opens the store of a complete configuration.
func OpenConfig(ctx context.Context, cfg config.Config, opts ...Option) (*Store, error) {
	return open(ctx, cfg, cfg.Key(), opts, func(ctx context.Context, o options) (*backend, error) {
		e, err := openEngine(ctx, cfg, o)
		if err != nil {
			return nil, err
		}
		return newBackend(cfg, e, o), nil
	})
}

// OpenPool opens the PostgreSQL store behind a pool of the caller, which stays
// the caller's to close, after the store. Everything but the connection comes
// from the environment, the configuration file or the defaults. Behind a
// transaction pooler the pool must use pgx.QueryExecModeExec.
func OpenPool(ctx context.Context, pool *pgxpool.Pool, opts ...Option) (*Store, error) {
	cfg, err := config.Load(pool.Config().ConnString())
	if err != nil {
		return nil, named("open", "", err)
	}
	key := fmt.Sprintf("pool %p", pool)
	return open(ctx, cfg, key, opts, func(ctx context.Context, o options) (*backend, error) {
		e, err := postgres.New(ctx, pool, postgresConfig(cfg, "", o))
		if err != nil {
			return nil, err
		}
		return newBackend(cfg, e, o), nil
	})
}

// open shares or opens a backend and gives it a name.
func open(
	ctx context.Context, cfg config.Config, key string, opts []Option,
	engine func(context.Context, options) (*backend, error),
) (*Store, error) {
	o := options{log: slog.New(slog.DiscardHandler)}
	for _, opt := range opts {
		opt(&o)
	}
	o.log = storeLog(o.log, cfg)
	b, err := stores.acquire(ctx, key, func(ctx context.Context) (*backend, error) { return engine(ctx, o) })
	if err != nil {
		return nil, named("open", "", err)
	}
	s := &Store{b: b, workers: map[*worker]struct{}{}}
	if o.bootstrap {
		if err := s.Install(ctx); err != nil {
			s.Detach()
			return nil, err
		}
	}
	return s, nil
}

// storeLog is a log whose lines say which store they are about.
func storeLog(log *slog.Logger, cfg config.Config) *slog.Logger {
	log = log.With("store", config.RedactDSN(cfg.DSN))
	if target, err := config.Parse(cfg.DSN); err == nil && target.Engine == config.Postgres {
		log = log.With("schema", cfg.Schema)
	}
	return log
}

// CloseAll closes every open store of the process: what was accepted is flushed,
// what workers hold is released. It returns when all are closed, or with Timeout
// when ctx ends first.
func CloseAll(ctx context.Context) error { return named("close", "", stores.closeAll(ctx)) }

// openEngine is the one place that chooses between the engines.
func openEngine(ctx context.Context, cfg config.Config, o options) (engine.Engine, error) {
	target, err := config.Parse(cfg.DSN)
	if err != nil {
		return nil, err
	}
	if target.Engine == config.SQLite {
		return sqlite.Open(ctx, sqlite.Config{Path: target.Path, Logger: o.log, Report: o.report})
	}
	return postgres.Open(ctx, postgresConfig(cfg, target.ConnString, o))
}

func postgresConfig(cfg config.Config, connString string, o options) postgres.Config {
	pooler := cfg.Pooler
	if pooler == "auto" {
		pooler = postgres.PoolerProbe
	}
	return postgres.Config{
		ConnString: connString, Schema: cfg.Schema, MaxConnections: int32(cfg.MaxConnections),
		ConnectTimeout: cfg.ConnectionTimeout, Pooler: pooler, Logger: o.log, Report: o.report,
	}
}
