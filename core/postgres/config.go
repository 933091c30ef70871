package postgres

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// The poolers that Config.Pooler names.
const (
	PoolerProbe       = ""            // find out when connecting
	PoolerTransaction = "transaction" // a connection may change behind every transaction
	PoolerNone        = "none"        // the server itself, or a pooler in session mode
)

// Config says which database and schema to use. Only ConnString is needed, and
// not even that where the PG* environment variables say enough.
type Config struct {
	// ConnString is a PostgreSQL URL or keyword/value string with any parameter
	// libpq knows, several hosts included.
	ConnString string
	// Schema holds the tables; the default is "public". It is quoted wherever it
	// is used, so any name of at most 63 bytes will do.
	Schema string
	// MaxConnections bounds the pool; the default is 16. Listen uses one more.
	MaxConnections int32
	// ConnectTimeout bounds connecting, and waiting for a free connection; the
	// default is 30 s. A write in flight may take as long, and at least 30 s.
	ConnectTimeout time.Duration
	// Pooler is what stands between this process and the server. An explicit
	// value always wins over the probe.
	Pooler string
	// Logger receives what no caller is told; the default discards it.
	Logger *slog.Logger
	// Report receives panics of goroutines the engine starts (it starts none of
	// its own at present); nil panics again.
	Report spawn.Report
}

const (
	defaultSchema         = "public"
	defaultMaxConnections = 16
	defaultConnectTimeout = 30 * time.Second
	leastWriteTimeout     = 30 * time.Second
	maxIdentifierBytes    = 63 // NAMEDATALEN - 1: PostgreSQL cuts longer names silently
)

// functionQuote is the dollar quote around function bodies in migrations/*.sql,
// which hold the schema's name.
const functionQuote = "$pgqrs$"

func (c Config) withDefaults() (Config, error) {
	if c.Schema == "" {
		c.Schema = defaultSchema
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = defaultMaxConnections
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = defaultConnectTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case len(c.Schema) > maxIdentifierBytes:
		return c, configFault("schema", "a PostgreSQL name has at most 63 bytes, this one has %d", len(c.Schema))
	case strings.ContainsRune(c.Schema, 0) || strings.Contains(c.Schema, functionQuote):
		return c, configFault("schema", "the name contains a NUL or %s", functionQuote)
	case c.MaxConnections < 0:
		return c, configFault("max_connections", "%d is not positive", c.MaxConnections)
	case c.ConnectTimeout < 0:
		return c, configFault("connection_timeout_seconds", "%v is not positive", c.ConnectTimeout)
	case c.Pooler != PoolerProbe && c.Pooler != PoolerTransaction && c.Pooler != PoolerNone:
		return c, configFault("pgqrs_pooler", "%q is not known, use %q or %q", c.Pooler, PoolerTransaction, PoolerNone)
	}
	return c, nil
}

func configFault(field, format string, args ...any) *fault.Error {
	e := fault.New(fault.Config, field+": "+format, args...)
	e.Field, e.Safe = field, true
	return e
}

// pool turns the connection string into the settings of a pool.
func (c Config) pool() (*pgxpool.Config, error) {
	p, err := pgxpool.ParseConfig(c.ConnString)
	if err != nil {
		// The parser's text may repeat parts of a password it could not tell from
		// a host or a port, and its error keeps the whole string.
		return nil, configFault("dsn", "not a PostgreSQL connection string; check scheme, host, port and parameters, "+
			"and percent-encode special characters in user and password")
	}
	if err := honourLibpq(&p.ConnConfig.Config); err != nil {
		return nil, err
	}
	p.MaxConns = c.MaxConnections
	p.MinConns, p.MinIdleConns = 0, 0
	if p.ConnConfig.ConnectTimeout == 0 || p.ConnConfig.ConnectTimeout > c.ConnectTimeout {
		p.ConnConfig.ConnectTimeout = c.ConnectTimeout
	}
	p.PingTimeout = c.ConnectTimeout
	p.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		useColumns(conn.TypeMap())
		return nil
	}
	if c.Pooler == PoolerTransaction {
		useUnnamedStatements(p)
	}
	return p, nil
}

// useUnnamedStatements makes every statement complete in itself, because the
// next transaction may meet another server connection. Results then come as
// text, so the style of dates must be the one the driver reads; poolers know
// this parameter and keep it per client.
func useUnnamedStatements(p *pgxpool.Config) {
	p.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	p.ConnConfig.StatementCacheCapacity = 0
	p.ConnConfig.DescriptionCacheCapacity = 0
	p.ConnConfig.RuntimeParams["datestyle"] = "ISO"
}
