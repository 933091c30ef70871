package core

import (
	"context"
	"log/slog"

	"github.com/pgqrs/pgqrs/core/config"
	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/postgres"
	"github.com/pgqrs/pgqrs/core/spawn"
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
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	b, err := stores.acquire(ctx, cfg, o)
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

// CloseAll closes every open store of the process: what was accepted is flushed,
// what workers hold is released. It returns when all are closed, or with Timeout
// when ctx ends first.
func CloseAll(ctx context.Context) error { return named("close", "", stores.closeAll(ctx)) }

// openEngine is the one place that knows both engines.
func openEngine(ctx context.Context, cfg config.Config, log *slog.Logger, report spawn.Report) (engine.Engine, error) {
	target, err := config.Parse(cfg.DSN)
	if err != nil {
		return nil, err
	}
	if target.Engine == config.SQLite {
		return sqlite.Open(ctx, sqlite.Config{Path: target.Path, Logger: log, Report: report})
	}
	pooler := cfg.Pooler
	if pooler == "auto" {
		pooler = "" // the engine looks for itself
	}
	return postgres.Open(ctx, postgres.Config{
		ConnString: target.ConnString, Schema: cfg.Schema, MaxConnections: int32(cfg.MaxConnections),
		ConnectTimeout: cfg.ConnectionTimeout, Pooler: pooler, Logger: log, Report: report,
	})
}
