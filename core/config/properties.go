package config

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind says what values a property takes.
type Kind string

// The kinds of properties.
const (
	Text     Kind = "text"
	Integer  Kind = "integer"
	Number   Kind = "number"   // a decimal number
	Duration Kind = "duration" // a decimal number of Unit
	List     Kind = "list"     // of texts
)

// Property is one row of the table of properties.
type Property struct {
	Name string // as in files and options: "max_connections"
	Kind Kind
	Unit string // "seconds", "milliseconds", "bytes", "characters"; empty: a plain number or text
	// Default is the value as a file would state it; empty means none, or for a
	// list the empty list.
	Default  string
	Min, Max float64  // in Unit, both allowed; for Integer, Number and Duration
	Optional bool     // "none" is a value: the field is zero
	Words    []string // the only texts allowed; empty: any

	field func(*Config) any // the address of the field
	valid func(string) string
}

var properties = []Property{
	{Name: "dsn", Kind: Text, field: func(c *Config) any { return &c.DSN }},
	{Name: "schema", Kind: Text, Default: "public", valid: validSchema, field: func(c *Config) any { return &c.Schema }},
	{Name: "pooler", Kind: Text, Default: "auto", Words: []string{"auto", "transaction", "none"}, field: func(c *Config) any { return &c.Pooler }},
	{Name: "max_connections", Kind: Integer, Default: "16", Min: 1, Max: 1000, field: func(c *Config) any { return &c.MaxConnections }},
	{Name: "connection_timeout_seconds", Kind: Duration, Unit: "seconds", Default: "30", Min: 0.001, Max: 3600, field: func(c *Config) any { return &c.ConnectionTimeout }},
	{Name: "default_lock_time_seconds", Kind: Duration, Unit: "seconds", Default: "5", Min: 0.001, Max: 365 * 86400, field: func(c *Config) any { return &c.DefaultLockTime }},
	{Name: "default_max_batch_size", Kind: Integer, Default: "100", Min: 1, Max: 100_000, field: func(c *Config) any { return &c.DefaultMaxBatchSize }}, // twin: validate.MaxBatch
	{Name: "max_read_ct", Kind: Integer, Default: "5", Min: 1, Max: 1e9, field: func(c *Config) any { return &c.MaxReadCt }},
	{Name: "max_lease_seconds", Kind: Duration, Unit: "seconds", Default: "43200", Min: 1, Max: 365 * 86400, field: func(c *Config) any { return &c.MaxLease }},
	{Name: "archive_retention_seconds", Kind: Duration, Unit: "seconds", Optional: true, Min: 1, Max: 36525 * 86400, field: func(c *Config) any { return &c.ArchiveRetention }},
	{Name: "dedup_retention_seconds", Kind: Duration, Unit: "seconds", Default: "86400", Min: 1, Max: 36525 * 86400, field: func(c *Config) any { return &c.DedupRetention }},
	{Name: "heartbeat_interval_seconds", Kind: Duration, Unit: "seconds", Default: "5", Min: 0.1, Max: 3600, field: func(c *Config) any { return &c.HeartbeatInterval }},
	{Name: "poll_interval_ms", Kind: Duration, Unit: "milliseconds", Default: "250", Min: 1, Max: 60_000, field: func(c *Config) any { return &c.PollInterval }},
	{Name: "max_payload_size_bytes", Kind: Integer, Unit: "bytes", Default: "1048576", Min: 1, Max: 32 << 20, field: func(c *Config) any { return &c.MaxPayloadSizeBytes }}, // twin: validate.MaxPayloadBytes
	{Name: "max_string_length", Kind: Integer, Unit: "characters", Optional: true, Min: 1, Max: 32 << 20, field: func(c *Config) any { return &c.MaxStringLength }},
	{Name: "max_object_depth", Kind: Integer, Default: "64", Min: 1, Max: 1000, field: func(c *Config) any { return &c.MaxObjectDepth }}, // twin: validate.MaxDepth
	{Name: "forbidden_keys", Kind: List, field: func(c *Config) any { return &c.ForbiddenKeys }},
	{Name: "required_keys", Kind: List, field: func(c *Config) any { return &c.RequiredKeys }},
	{Name: "max_enqueue_per_second", Kind: Number, Optional: true, Min: 0.001, Max: 1e9, field: func(c *Config) any { return &c.MaxEnqueuePerSecond }},
	{Name: "max_enqueue_burst", Kind: Integer, Optional: true, Min: 1, Max: 1e9, field: func(c *Config) any { return &c.MaxEnqueueBurst }},
}

// Properties returns the table, for documentation and for other languages.
func Properties() []Property { return slices.Clone(properties) }

// The prefixes of the derived names.
const (
	envPrefix   = "PGQRS_"
	paramPrefix = "pgqrs_"
)

// Env is the property's environment variable: "PGQRS_MAX_CONNECTIONS".
func (p *Property) Env() string { return envPrefix + strings.ToUpper(p.Name) }

// Param is the property's DSN parameter: "pgqrs_max_connections". The DSN itself
// has none.
func (p *Property) Param() string {
	if p.Name == "dsn" {
		return ""
	}
	return paramPrefix + p.Name
}

// unit is what the number 1 means in a Duration.
func (p *Property) unit() time.Duration {
	if p.Unit == "milliseconds" {
		return time.Millisecond
	}
	return time.Second
}

// find returns the property of that name, or nil.
func find(name string) *Property {
	for i := range properties {
		if properties[i].Name == name {
			return &properties[i]
		}
	}
	return nil
}

// validSchema is why a name cannot be a schema of PostgreSQL; empty if it can.
func validSchema(name string) string {
	switch {
	case name == "":
		return "is empty; give the name of a schema"
	case len(name) > 63:
		return "has over 63 bytes, which PostgreSQL would cut; choose a shorter name"
	case !utf8.ValidString(name) || strings.IndexByte(name, 0) >= 0:
		return "is not text; give a name in UTF-8 without NUL"
	case strings.HasPrefix(name, "pg_"):
		return "begins with pg_, which PostgreSQL reserves; choose another name"
	}
	return ""
}
