package postgres

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgqrs/pgqrs/core/engine"
)

// store is the engine: one pool, one schema.
type store struct {
	pool    *pgxpool.Pool
	owned   bool // Close closes the pool
	pooled  bool // a transaction pooler stands in between
	named   bool // statements have names, and so tell the types of their parameters
	queries *statements
	hints   hints
	streams sync.Map // *stream by the id of its queue
	log     *slog.Logger

	connectTimeout time.Duration
	writeTimeout   time.Duration
	listenCheck    time.Duration // silence after which a listener asks whether the server is there
	probePatience  time.Duration // what a notification to oneself may take

	life     context.Context // ends with Close; what Listen lives by
	endLife  context.CancelFunc
	closing  sync.Mutex     // guards closed, and calls.Add against calls.Wait
	closed   bool           // no new calls
	calls    sync.WaitGroup // calls in flight
	shutdown sync.Once
}

var _ engine.Engine = (*store)(nil)

// Open connects to PostgreSQL. It needs no installed schema, but a server that
// answers: an unreachable host or a refused login is fault.Connect within
// Config.ConnectTimeout, a bad connection string fault.Config.
func Open(ctx context.Context, config Config) (engine.Engine, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	settings, err := config.pool()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, config.ConnectTimeout)
	defer cancel()
	pool, pooled, err := connect(ctx, settings, config)
	if err != nil {
		return nil, err
	}
	if pooled && config.Pooler == PoolerProbe {
		// The pool was made for named statements, which die behind a pooler.
		pool.Close()
		config.Pooler = PoolerTransaction
		useUnnamedStatements(settings)
		if pool, pooled, err = connect(ctx, settings, config); err != nil {
			return nil, err
		}
	}
	return newStore(pool, true, pooled, config), nil
}

// New makes an engine on a pool of the caller, which Close leaves open. The
// pool's size and its mode of execution stay as they are: behind a transaction
// pooler the caller configures pgx.QueryExecModeExec.
func New(ctx context.Context, pool *pgxpool.Pool, config Config) (engine.Engine, error) {
	config.MaxConnections = pool.Config().MaxConns
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, config.ConnectTimeout)
	defer cancel()
	pooled, err := behindPooler(ctx, pool, config)
	if err != nil {
		return nil, err
	}
	return newStore(pool, false, pooled, config), nil
}

func connect(ctx context.Context, settings *pgxpool.Config, config Config) (*pgxpool.Pool, bool, error) {
	pool, err := pgxpool.NewWithConfig(ctx, settings.Copy())
	if err != nil {
		return nil, false, configFault("dsn", "%v", err)
	}
	pooled, err := behindPooler(ctx, pool, config)
	if err != nil {
		pool.Close()
		return nil, false, err
	}
	return pool, pooled, nil
}

func newStore(pool *pgxpool.Pool, owned, pooled bool, config Config) *store {
	s := &store{
		pool: pool, owned: owned, pooled: pooled,
		named:   pool.Config().ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement,
		queries: newStatements(config.Schema).qualified(), log: config.Logger,
		connectTimeout: config.ConnectTimeout, writeTimeout: max(config.ConnectTimeout, leastWriteTimeout),
		listenCheck: defaultListenCheck, probePatience: defaultProbePatience,
	}
	s.life, s.endLife = context.WithCancel(context.Background())
	return s
}

// Capabilities implements engine.Engine.
func (s *store) Capabilities() engine.Capabilities {
	return engine.Capabilities{
		Name: "postgres", Push: !s.pooled, Writers: int(s.pool.Stat().MaxConns()),
		MaxFlushRows: 1000, MaxFlushBytes: 8 << 20, HeldFor: s.writeTimeout,
	}
}

// Ping implements engine.Engine.
func (s *store) Ping(ctx context.Context) error {
	return s.read(ctx, s.step("Ping", nil))
}

// Close implements engine.Engine.
func (s *store) Close() {
	s.closing.Lock()
	s.closed = true
	s.closing.Unlock()
	s.shutdown.Do(s.endLife)
	s.calls.Wait()
	if s.owned {
		s.pool.Close()
	}
}

// enter admits a call; leave must follow.
func (s *store) enter() error {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.closed {
		return closedFault()
	}
	s.calls.Add(1)
	return nil
}

func (s *store) leave() { s.calls.Done() }
