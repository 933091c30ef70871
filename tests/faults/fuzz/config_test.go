package fuzz

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgqrs/pgqrs/core/config"
	"github.com/pgqrs/pgqrs/core/fault"
)

// marker stands for a password: no part of it may come out of anything.
const marker = "xyzzyPlugh42"

// typed requires an error to be of the configuration, and to keep secrets.
func typed(t *testing.T, input string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.Config || !e.Safe || e.Text == "" {
		t.Fatalf("%q: not an error of the configuration: %#v", input, err)
	}
	if strings.Contains(err.Error(), marker) {
		t.Fatalf("%q: the error shows the password: %v", input, err)
	}
}

// FuzzDSN reads any text as a DSN.
func FuzzDSN(f *testing.F) {
	for _, seed := range []string{
		"", "postgresql://localhost/db", "postgres://u:p@h1,h2:5433/db?sslmode=require&pgqrs_schema=jobs", "sqlite::memory:",
		"sqlite:///a.db?pgqrs_max_read_ct=3", "sqlite:////var/lib/a%20b.db", "host=/run dbname='a b' password=it\\'s pgqrs_pooler=none",
		"postgresql://[::1]:5432/?pgqrs_x=1", "postgres:/x", "mysql://u:p@h/db", "sqlite:///%zz", "postgresql://h/?%70gqrs_schema=a",
		"\x00", "postgresql+psycopg://u:p@h/db", "SQLITE:///x.db", "host=", "=", "a='", "postgres://u:p a@h/db",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		target, err := config.Parse(dsn)
		typed(t, dsn, err)
		if err == nil && target.Engine != config.Postgres && target.Engine != config.SQLite {
			t.Fatalf("%q names engine %q", dsn, target.Engine)
		}
		loaded, err := config.Load(dsn)
		typed(t, dsn, err)
		if err == nil {
			typed(t, dsn, loaded.Validate())
			again, err := config.Parse(loaded.DSN)
			if err != nil || len(again.Params) != 0 {
				t.Fatalf("%q was loaded as %q, which reads as %v, %v", dsn, loaded.DSN, again, err)
			}
		}
		_ = config.RedactDSN(dsn)
		_ = config.Redact(dsn)
	})
}

// FuzzSecret puts a password where passwords stand, among anything.
func FuzzSecret(f *testing.F) {
	f.Add("user", "host", "db", "")
	f.Add("a b", "h1:1,h2", "x/y?z", "sslmode=bogus")
	f.Add("u%20", "[::1", "%zz", "pgqrs_nothing=1")
	f.Add("", "", "", "pgqrs_max_connections=x&pgqrs_max_connections=y")
	f.Fuzz(func(t *testing.T, user, host, database, query string) {
		for _, scheme := range []string{"postgresql", "postgres"} {
			// A user's name ends at a colon, and an authority at a slash.
			if strings.ContainsAny(user, ":/?#@ \t\r\n\v\f") {
				user = "u"
			}
			dsn := scheme + "://" + user + ":" + marker + "@" + host + "/" + database + "?" + query
			hides(t, dsn)
		}
	})
}

// FuzzSecretKeyword is the same for the other form of a DSN.
func FuzzSecretKeyword(f *testing.F) {
	f.Add("host=h dbname=d ", " sslmode=bogus")
	f.Add("host='a b' ", " pgqrs_nothing=1 pgqrs_nothing=2")
	f.Add("", "'")
	f.Fuzz(func(t *testing.T, before, after string) {
		if before != "" && !strings.HasSuffix(before, " ") || strings.Count(before, "'")%2 == 1 || strings.Contains(before, `\`) {
			before = "host=h "
		}
		if after != "" && !strings.HasPrefix(after, " ") {
			after = " " + after
		}
		hides(t, before+"password="+marker+after)
	})
}

// hides requires that nothing that is made of a DSN for people shows its password.
func hides(t *testing.T, dsn string) {
	t.Helper()
	if shown := config.RedactDSN(dsn); strings.Contains(shown, marker) {
		t.Fatalf("%q is shown as %q", dsn, shown)
	}
	if shown := config.Redact("cannot open " + dsn); strings.Contains(shown, marker) {
		t.Fatalf("%q is shown in a text as %q", dsn, shown)
	}
	_, err := config.Parse(dsn)
	typed(t, dsn, err)
	_, err = config.Load(dsn)
	typed(t, dsn, err)
}

// FuzzConfigJSON reads any document as options.
func FuzzConfigJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"max_connections": 4}`, `{"forbidden_keys": ["a", "b"], "max_string_length": null}`, `{"dsn": "sqlite::memory:"}`,
		`{"default_lock_time_seconds": 1e400}`, `[]`, `{"a": 1, "a": 2}`, `{"max_read_ct": -1}`, `{"schema": "\u0000"}`, `{"x"`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, document string) {
		loaded, err := config.Load("", config.JSON([]byte(document)))
		typed(t, document, err)
		if err == nil {
			typed(t, document, loaded.Validate())
		}
	})
}

// FuzzConfigFile reads any text as a configuration file.
func FuzzConfigFile(f *testing.F) {
	for _, seed := range []string{
		"dsn: sqlite::memory:\n", "max_connections: 4 # few\nforbidden_keys: [a, 'b']\n", "forbidden_keys:\n  - a\n  - \"b\"\n",
		"a", ":", "max_read_ct: 1\nmax_read_ct: 2\n", "dsn: |\n  x\n", "\t", "schema: \"\\x41\"\n", "---\n...\n", "max_read_ct: ~\n",
	} {
		f.Add(seed)
	}
	path := filepath.Join(f.TempDir(), "pgqrs.yaml")
	f.Setenv("PGQRS_CONFIG_FILE", path)
	f.Fuzz(func(t *testing.T, content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := config.Load("")
		typed(t, content, err)
		_, err = config.Load("sqlite::memory:")
		typed(t, content, err)
	})
}
