package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/fault"
)

func TestParse(t *testing.T) {
	t.Parallel()
	postgres := func(conn string, pairs ...string) Target {
		return Target{Engine: Postgres, ConnString: conn, Params: pairMap(pairs)}
	}
	sqlite := func(conn, path string, pairs ...string) Target {
		return Target{Engine: SQLite, ConnString: conn, Path: path, Params: pairMap(pairs)}
	}
	for dsn, want := range map[string]Target{
		"postgresql://localhost/mydb":           postgres("postgresql://localhost/mydb"),
		"  postgres://localhost/mydb\n":         postgres("postgres://localhost/mydb"),
		"postgresql://":                         postgres("postgresql://"),
		"postgresql:///db?host=/var/run/pg":     postgres("postgresql:///db?host=/var/run/pg"),
		"postgresql://%2Ftmp%2Fpg/db":           postgres("postgresql://%2Ftmp%2Fpg/db"),
		"postgres://u:p@h1:1,[::1]:2,h3/db":     postgres("postgres://u:p@h1:1,[::1]:2,h3/db"),
		"postgres://u:p?w#x@h/db?sslmode=allow": postgres("postgres://u:p?w#x@h/db?sslmode=allow"),
		"postgres://h?pgqrs_schema=a":           postgres("postgres://h", "schema", "a"),
		"postgres://h/db?pgqrs_schema=a%20b%2Bc+d&sslmode=require&pgqrs_pooler=transaction&options=-c%20x%3D1": postgres(
			"postgres://h/db?sslmode=require&options=-c%20x%3D1", "schema", "a b+c+d", "pooler", "transaction"),
		"postgres://u:?pgqrs_schema=x@h/db?%70gqrs_schema=y": postgres("postgres://u:?pgqrs_schema=x@h/db", "schema", "y"),
		"host=/tmp dbname=db":                                postgres("host=/tmp dbname=db"),
		"pgqrs_schema=x":                                     postgres("postgresql://", "schema", "x"),
		`host=h pgqrs_schema = 'a b\'c' user='x y'  port=1`:  postgres(`host=h user='x y' port=1`, "schema", "a b'c"),
		`pgqrs_schema=a\ b host = h password='it\'s = x'`:    postgres(`host = h password='it\'s = x'`, "schema", "a b"),
		`password= 'a b' pgqrs_max_read_ct=2`:                postgres(`password= 'a b'`, "max_read_ct", "2"),
		"sqlite::memory:":                                    sqlite("sqlite::memory:", ""),
		"sqlite:///:memory:":                                 sqlite("sqlite::memory:", ""),
		"sqlite:///%3Amemory%3A":                             sqlite("sqlite::memory:", ""),
		"sqlite::memory:?pgqrs_max_read_ct=3":                sqlite("sqlite::memory:", "", "max_read_ct", "3"),
		"sqlite:///jobs.db":                                  sqlite("sqlite:///jobs.db", "jobs.db"),
		"sqlite:////var/lib/jobs.db":                         sqlite("sqlite:////var/lib/jobs.db", "/var/lib/jobs.db"),
		"sqlite:///../a%20b/100%25%3F#1.db":                  sqlite("sqlite:///../a%20b/100%25%3F#1.db", "../a b/100%?#1.db"),
		"sqlite:///jobs.db?":                                 sqlite("sqlite:///jobs.db", "jobs.db"),
		"sqlite:///jobs.db?pgqrs_poll_interval_ms=20":        sqlite("sqlite:///jobs.db", "jobs.db", "poll_interval_ms", "20"),
	} {
		got, err := Parse(dsn)
		require.NoError(t, err, dsn)
		require.Equal(t, want, got, dsn)
		again, err := Parse(got.ConnString)
		require.NoError(t, err, "the cleaned DSN parses: %s", dsn)
		require.Equal(t, got.ConnString, again.ConnString)
		require.Equal(t, got.Path, again.Path)
		require.Empty(t, again.Params)
	}
}

func pairMap(pairs []string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for dsn, text := range map[string]string{
		"":                                     "PGQRS_DSN",
		"  \n":                                 "PGQRS_DSN",
		"mysql://u:hunter2@h/db":               "the scheme mysql is not known; supported are postgresql://",
		"postgresql+asyncpg://u:hunter2@h/":    "names a driver of another library; write postgresql://",
		"PostgreSQL://u:hunter2@h/db":          "lower case; write postgresql://",
		"postgres:u:hunter2@h/db":              "two slashes",
		"u:hunter2@h/db":                       "has no scheme pgqrs knows",
		"hunter2":                              "has no scheme",
		"jobs.db":                              "sqlite:///relative.db",
		"postgres://u:hunter2/x@h/db":          "write / as %2F",
		"postgres://u:hunter2@h:hunter2/db":    "the host or port of the PostgreSQL DSN",
		"postgres://u:a@hunter2@h/db":          "@ as %40",
		"postgres://u:hunter2@[::1/db":         "the host or port of the PostgreSQL DSN",
		"postgres://u:hunter2@h/d\x00b":        "NUL",
		"postgres://u:hunter2@h?pgqrs_shema=x": "pgqrs_shema is not a property of pgqrs; the nearest is pgqrs_schema",
		"postgres://h?pgqrs_dsn=hunter2":       "pgqrs_dsn is not a property",
		"postgres://h?pgqrs_=hunter2":          "this name is not a property",
		"postgres://h?pgqrs_schema=hunter2&pgqrs_schema=y": "pgqrs_schema is given twice",
		"postgres://h?pgqrs_schema=hunter2%zz":             "write a percent sign as %25",
		"host=h password=hunter2 hunter2":                  "no equals sign",
		"host=h password=ab hunter2 dbname=x":              "a blank in its name",
		"host=h password='hunter2":                         "does not end",
		`host=h password='hunter2\'`:                       "does not end",
		"host=h password=hunter2 pgqrs_conections=1":       "the nearest is pgqrs_max_connections",
		"sqlite:":                   "names no file",
		"sqlite://":                 "names no file",
		"sqlite:///":                "names no file",
		"sqlite:///?pgqrs_schema=x": "names no file",
		"sqlite:jobs.db":            "three slashes",
		"sqlite:/jobs.db":           "three slashes",
		"sqlite://jobs.db":          "three slashes",
		"sqlite:///100%.db":         "write a percent sign as %25",
		"sqlite:///a%00b":           "NUL",
		"sqlite:////var/lib/":       "is a directory",
		"sqlite:///jobs.db?mode=ro": "takes no parameters but those that begin with pgqrs_",
		"sqlite:///jobs.db?pgqrs_schema=x&password=hunter2": "takes no parameters",
		"http://u:hunter2@h":       "the scheme http is not known",
		"pgqrs_pol=hunter2 host=h": "the nearest is pgqrs_pooler",
		"postgres://h/db?pgqrs_" + strings.Repeat("x", 999) + "=1": "this name is not a property",
	} {
		_, err := Parse(dsn)
		require.True(t, fault.Is(err, fault.Config), dsn)
		require.ErrorContains(t, err, text, dsn)
		require.NotContains(t, err.Error(), "hunter2", dsn)
	}
}

// FuzzParse holds Parse to: no panic, errors that are fault.Config, and a cleaned
// DSN that parses to the same target without parameters.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "postgres://u:p@h:5432/db?pgqrs_schema=x&sslmode=require", "postgresql://[::1]/?a", "host=a pgqrs_schema='b c' x = y",
		"sqlite::memory:", "sqlite:///a%20b?pgqrs_pooler=none", "sqlite:////", "x=y=z", `a='\'`, "postgres://%zz", "pgqrs_schema=",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		got, err := Parse(dsn)
		if err != nil {
			if !fault.Is(err, fault.Config) {
				t.Fatalf("%q: %v", dsn, err)
			}
			return
		}
		if got.Engine != Postgres && got.Engine != SQLite {
			t.Fatalf("%q: engine %q", dsn, got.Engine)
		}
		again, err := Parse(got.ConnString)
		if err != nil {
			t.Fatalf("%q became %q: %v", dsn, got.ConnString, err)
		}
		if again.Engine != got.Engine || again.ConnString != got.ConnString || again.Path != got.Path || len(again.Params) != 0 {
			t.Fatalf("%q became %q became %+v", dsn, got.ConnString, again)
		}
	})
}
