package config

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/fault"
)

func ready(change func(*Config)) Config {
	c := Default()
	c.DSN = "postgresql://localhost/app"
	change(&c)
	return c
}

func TestDefault(t *testing.T) {
	t.Parallel()
	require.Equal(t, Config{
		Schema: "public", Pooler: "auto", MaxConnections: 16, ConnectionTimeout: 30 * time.Second,
		DefaultLockTime: 5 * time.Second, DefaultMaxBatchSize: 100, MaxReadCt: 5, MaxLease: 12 * time.Hour,
		DedupRetention: 24 * time.Hour, HeartbeatInterval: 5 * time.Second, PollInterval: 250 * time.Millisecond,
		MaxPayloadSizeBytes: 1 << 20, MaxObjectDepth: 64,
	}, Default())
	require.NoError(t, ready(func(*Config) {}).Validate())
	require.ErrorContains(t, Default().Validate(), "PGQRS_DSN")
}

// TestTableCoversConfig: every field is a row and every row a field, once, and
// the field's comment states the row's default.
func TestTableCoversConfig(t *testing.T) {
	t.Parallel()
	var c Config
	rows := map[uintptr]*Property{}
	for i := range properties {
		p := &properties[i]
		rows[reflect.ValueOf(p.field(&c)).Pointer()] = p
		require.Equal(t, "PGQRS_"+strings.ToUpper(p.Name), p.Env())
		require.Same(t, p, find(p.Name))
	}
	fields := reflect.ValueOf(&c).Elem()
	require.Len(t, properties, fields.NumField())
	require.Len(t, rows, fields.NumField())

	file, err := parser.ParseFile(token.NewFileSet(), "config.go", nil, parser.ParseComments)
	require.NoError(t, err)
	comments := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name == "Config" {
			for _, field := range spec.Type.(*ast.StructType).Fields.List {
				comments[field.Names[0].Name] = field.Doc.Text()
			}
		}
		return true
	})
	for i := range fields.NumField() {
		name := fields.Type().Field(i).Name
		p := rows[fields.Field(i).Addr().Pointer()]
		require.NotNil(t, p, name)
		comment := strings.Join(strings.Fields(comments[name]), " ")
		switch {
		case p.Name == "dsn":
			require.Contains(t, comment, "No default")
		case p.Default == "":
			require.Contains(t, comment, "Default: ", name)
		case p.Kind == Text:
			require.Contains(t, comment, `Default "`+p.Default+`".`, name)
		default:
			require.Contains(t, comment, "Default "+p.Default, name)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for field, changes := range map[string][]func(*Config){
		"dsn":                        {func(c *Config) { c.DSN = "" }, func(c *Config) { c.DSN = "x://y" }, func(c *Config) { c.DSN += "?pgqrs_schema=x" }},
		"schema":                     {func(c *Config) { c.Schema = "" }, func(c *Config) { c.Schema = "pg_x" }, func(c *Config) { c.Schema = strings.Repeat("x", 64) }, func(c *Config) { c.Schema = "a\x00" }, func(c *Config) { c.Schema = "\xff" }},
		"pooler":                     {func(c *Config) { c.Pooler = "" }, func(c *Config) { c.Pooler = "session" }},
		"max_connections":            {func(c *Config) { c.MaxConnections = 0 }, func(c *Config) { c.MaxConnections = -1 }, func(c *Config) { c.MaxConnections = 1001 }},
		"connection_timeout_seconds": {func(c *Config) { c.ConnectionTimeout = 0 }, func(c *Config) { c.ConnectionTimeout = time.Microsecond }, func(c *Config) { c.ConnectionTimeout = 2 * time.Hour }},
		"default_lock_time_seconds":  {func(c *Config) { c.DefaultLockTime = -time.Second }},
		"default_max_batch_size":     {func(c *Config) { c.DefaultMaxBatchSize = 0 }},
		"max_read_ct":                {func(c *Config) { c.MaxReadCt = 0 }},
		"max_lease_seconds":          {func(c *Config) { c.MaxLease = 0 }},
		"archive_retention_seconds":  {func(c *Config) { c.ArchiveRetention = -1 }, func(c *Config) { c.ArchiveRetention = time.Millisecond }},
		"dedup_retention_seconds":    {func(c *Config) { c.DedupRetention = 0 }},
		"heartbeat_interval_seconds": {func(c *Config) { c.HeartbeatInterval = 0 }},
		"poll_interval_ms":           {func(c *Config) { c.PollInterval = 2 * time.Minute }},
		"max_payload_size_bytes":     {func(c *Config) { c.MaxPayloadSizeBytes = 1 << 30 }},
		"max_string_length":          {func(c *Config) { c.MaxStringLength = -1 }},
		"max_object_depth":           {func(c *Config) { c.MaxObjectDepth = 1001 }},
		"forbidden_keys":             {func(c *Config) { c.ForbiddenKeys = []string{"a", "\xff"} }},
		"required_keys":              {func(c *Config) { c.RequiredKeys = []string{"a\x00"} }, func(c *Config) { c.RequiredKeys, c.ForbiddenKeys = []string{"a"}, []string{"a"} }},
		"max_enqueue_per_second":     {func(c *Config) { c.MaxEnqueuePerSecond = math.NaN() }, func(c *Config) { c.MaxEnqueuePerSecond = math.Inf(1) }, func(c *Config) { c.MaxEnqueuePerSecond = -1 }},
		"max_enqueue_burst":          {func(c *Config) { c.MaxEnqueueBurst = 5 }},
	} {
		for _, change := range changes {
			err := ready(change).Validate()
			var e *fault.Error
			require.ErrorAs(t, err, &e, field)
			require.Equal(t, fault.Config, e.Kind)
			require.Equal(t, field, e.Field)
			require.Contains(t, e.Text, field+": ")
			require.True(t, e.Safe)
		}
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	base := ready(func(*Config) {}).Key()
	require.Equal(t, base, ready(func(c *Config) { c.ForbiddenKeys = []string{} }).Key())
	seen := map[string]int{base: -1}
	for i, change := range []func(*Config){
		func(c *Config) { c.DSN += "2" },
		func(c *Config) { c.DSN = "postgresql://u:p@localhost/app" },
		func(c *Config) { c.DSN = "postgresql://u:q@localhost/app" },
		func(c *Config) { c.DSN = "sqlite::memory:" },
		func(c *Config) { c.DSN = "sqlite:///a.db" },
		func(c *Config) { c.DSN = "sqlite:///b.db" },
		func(c *Config) { c.Schema = "jobs" },
		func(c *Config) { c.PollInterval++ },
		func(c *Config) { c.PollInterval += time.Microsecond },
		func(c *Config) { c.MaxStringLength = 1 },
		func(c *Config) { c.MaxObjectDepth = 1 },
		func(c *Config) { c.ForbiddenKeys = []string{"a", "b"} },
		func(c *Config) { c.ForbiddenKeys = []string{"a,b"} },
		func(c *Config) { c.ForbiddenKeys = []string{`a""b`} },
		func(c *Config) { c.RequiredKeys = []string{"a", "b"} },
		func(c *Config) { c.ForbiddenKeys, c.RequiredKeys = []string{"a"}, []string{"b"} },
		func(c *Config) { c.ForbiddenKeys = []string{""} },
	} {
		key := ready(change).Key()
		other, twice := seen[key]
		require.False(t, twice, "changes %d and %d have one key", i, other)
		seen[key] = i
	}

	absolute, err := filepath.Abs("dir/a b.db")
	require.NoError(t, err)
	want := ready(func(c *Config) { c.DSN = "sqlite:///dir/a%20b.db" }).Key()
	for _, dsn := range []string{"sqlite:///dir/a b.db", "sqlite:///./dir/../dir/a b.db", "sqlite:///" + absolute} {
		require.Equal(t, want, ready(func(c *Config) { c.DSN = dsn }).Key(), dsn)
	}
	require.Equal(t, ready(func(c *Config) { c.DSN = "sqlite::memory:" }).Key(), ready(func(c *Config) { c.DSN = "sqlite:///:memory:" }).Key())
}

func TestStringHidesPasswords(t *testing.T) {
	t.Parallel()
	c := ready(func(c *Config) {
		c.DSN = "postgresql://me:hunter2@h/db"
		c.MaxConnections = 3
		c.ArchiveRetention = 36 * time.Hour
		c.ForbiddenKeys = []string{"a", "b"}
	})
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("open", "config", c)
	for _, out := range []string{fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s %q", c, c, c, c, c), fmt.Sprint(&c), fmt.Sprint([]any{c}), log.String()} {
		require.NotContains(t, out, "hunter2")
		require.Contains(t, out, "me:***@h")
	}
	require.Equal(t, `Config(dsn="postgresql://me:***@h/db" max_connections=3 archive_retention_seconds=129600 forbidden_keys=a,b)`, c.String())
}
