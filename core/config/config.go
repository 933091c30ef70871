package config

import (
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config says which store to open and how. [Default] returns one with every
// default filled in; [Load] returns one that is ready to open. The zero value of
// a field is valid only where its comment says so.
type Config struct {
	// DSN names the store: see [Parse]. No default. Load leaves it without its
	// pgqrs_ parameters, which have become the other fields.
	DSN string
	// Schema is the PostgreSQL schema that holds the tables: 1 to 63 bytes, not
	// beginning with pg_. Default "public". SQLite ignores it.
	Schema string
	// Pooler says what stands between pgqrs and PostgreSQL: "auto" looks at
	// connect, "transaction" is a pooler such as PgBouncer in transaction mode
	// (no LISTEN, no session state), "none" is a direct connection. Default "auto".
	Pooler string
	// MaxConnections limits the connections of a store, 1 to 1000. Default 16.
	MaxConnections int
	// ConnectionTimeout limits how long opening a connection, or waiting for a
	// free one, may take: 1 ms to 1 hour. Default 30 seconds.
	ConnectionTimeout time.Duration
	// DefaultLockTime is how long a lease lasts when the call does not say: 1 ms
	// to 365 days. Default 5 seconds.
	DefaultLockTime time.Duration
	// DefaultMaxBatchSize is how many messages helpers take at once when the call
	// does not say, 1 to 100,000; larger requests are allowed. Default 100.
	DefaultMaxBatchSize int
	// MaxReadCt is how often a message may be leased before it becomes a dead
	// letter, 1 to 1,000,000,000, for queues that are created without their own
	// number. Default 5.
	MaxReadCt int
	// MaxLease limits how long the library keeps one lease alive by itself: 1
	// second to 365 days. Default 43200 seconds (12 hours).
	MaxLease time.Duration
	// ArchiveRetention is how long archived messages are kept: 1 second to 100
	// years, or zero: for ever. Default: for ever.
	ArchiveRetention time.Duration
	// DedupRetention is how long a dedup key is remembered at least: 1 second to 100
	// years. Default 86400 seconds (24 hours).
	DedupRetention time.Duration
	// HeartbeatInterval is how often workers report that they live: 100 ms to 1
	// hour. Default 5 seconds.
	HeartbeatInterval time.Duration
	// PollInterval is how often a waiting consumer looks where the engine cannot
	// push: 1 ms to 60 seconds. Default 250 ms.
	PollInterval time.Duration
	// MaxPayloadSizeBytes limits a payload, 1 byte to 32 MiB. Default 1048576.
	MaxPayloadSizeBytes int
	// MaxStringLength limits every string of a payload, in characters: 1 to
	// 33,554,432, or zero: no limit. Default: no limit.
	MaxStringLength int
	// MaxObjectDepth limits how many arrays and objects of a payload may lie
	// inside each other, 1 to 1000. Default 64.
	MaxObjectDepth int
	// ForbiddenKeys may stand in no object of a payload. Default: none.
	ForbiddenKeys []string
	// RequiredKeys must stand in every payload, at its top level. Default: none.
	RequiredKeys []string
	// MaxEnqueuePerSecond limits how many messages a producer may enqueue a
	// second: 0.001 to 1,000,000,000, or zero: no limit. Default: no limit.
	MaxEnqueuePerSecond float64
	// MaxEnqueueBurst is how many messages may exceed that rate at once, 1 to
	// 1,000,000,000, or zero: one second's worth. It needs MaxEnqueuePerSecond.
	// Default: one second's worth.
	MaxEnqueueBurst int
}

// Default returns the documented defaults, without a DSN.
func Default() Config {
	var c Config
	for i := range properties {
		p := &properties[i]
		if p.Default == "" {
			continue
		}
		if why := p.set(&c, text(p.Default)); why != "" {
			// Unreachable: a test sets every default. Config has no error to return.
			panic("config: default of " + p.Name + ": " + why)
		}
	}
	return c
}

// Validate checks every property and what they demand of each other. The error
// is fault.Config and names the property.
func (c Config) Validate() error {
	for i := range properties {
		p := &properties[i]
		if why := p.check(&c); why != "" {
			return bad(p.Name, p.Name, why)
		}
	}
	target, err := Parse(c.DSN)
	if err != nil {
		return err
	}
	if len(target.Params) > 0 {
		return bad("dsn", "dsn", "still holds pgqrs_ parameters, which nothing has applied; build the Config with Load")
	}
	for _, key := range c.RequiredKeys {
		if slices.Contains(c.ForbiddenKeys, key) {
			return bad("required_keys", "required_keys", "requires a key that forbidden_keys forbids, so that no payload could pass; remove it from one of them")
		}
	}
	if c.MaxEnqueueBurst != 0 && c.MaxEnqueuePerSecond == 0 {
		return bad("max_enqueue_burst", "max_enqueue_burst", "has no meaning without max_enqueue_per_second; give both")
	}
	return nil
}

// Key returns a string that is equal for equal Configs and different for
// different ones, for the registry of shared stores. Two spellings of one SQLite
// file are equal, and so are two in-memory databases. The key holds the password
// of the DSN: never print it.
func (c Config) Key() string {
	if target, err := Parse(c.DSN); err == nil && target.Engine == SQLite {
		c.DSN = memoryDSN
		if target.Path != "" {
			c.DSN = "file " + target.Path
			if path, err := filepath.Abs(target.Path); err == nil {
				c.DSN = "file " + path
			}
		}
	}
	var key strings.Builder
	for i := range properties {
		for _, s := range properties[i].get(&c) {
			key.WriteString(strconv.Quote(s))
		}
		key.WriteByte(';')
	}
	return key.String()
}

// String lists the properties that differ from their defaults, with the password
// of the DSN hidden.
func (c Config) String() string {
	defaults := Default()
	var out strings.Builder
	out.WriteString("Config(dsn=" + strconv.Quote(RedactDSN(c.DSN)))
	for i := range properties {
		p := &properties[i]
		if got := p.get(&c); p.Name != "dsn" && !slices.Equal(got, p.get(&defaults)) {
			out.WriteString(" " + p.Name + "=" + strings.Join(got, ","))
		}
	}
	out.WriteByte(')')
	return out.String()
}

// GoString is String, so that %#v shows no password either.
func (c Config) GoString() string { return c.String() }

// LogValue is String, so that structured logs show no password either.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }
