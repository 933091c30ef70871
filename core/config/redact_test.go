package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         "",
		"nothing to hide at 12:30": "nothing to hide at 12:30",
		"postgres://localhost/db":  "postgres://localhost/db",
		"postgres://h1:1,h2:2/db":  "postgres://h1:1,h2:2/db",
		"postgres://[::1]:5432/db": "postgres://[::1]:5432/db",
		"postgres://me@h:1/db":     "postgres://me@h:1/db",
		"postgresql://u:pw@h/db":   "postgresql://u:***@h/db",
		"sqlite:////tmp/a:b.db":    "sqlite:////tmp/a:b.db",
		"connect to postgres://u:pw@h:1/db, then postgres://v:px@i/db failed": "connect to postgres://u:***@h:1/db, then postgres://v:***@i/db failed",
		"postgres://h/db?user=u&password=pw&sslmode=require":                  "postgres://h/db?user=u&password=***&sslmode=require",
		"host=h user=u password=pw dbname=d":                                  "host=h user=u password=*** dbname=d",
		`host=h password = 'p \' w' dbname=d`:                                 `host=h password = *** dbname=d`,
		`password authentication failed for user "u"`:                         `password authentication failed for user "u"`,
		`{"password": "pw", "user": "u"}`:                                     `{"password": ***, "user": "u"}`,
		"PGPASSWORD=pw psql":                                                  "PGPASSWORD=*** psql",
		"u:pw@h:5432/db":                                                      "u:***@h:5432/db",
		`parse "postgres://u:p w@h/db": invalid userinfo`:                     `parse "postgres://u:***@h/db": invalid userinfo`,
	} {
		require.Equal(t, want, Redact(text), text)
	}
}

// malformed are DSNs people write, with %s where the password stands.
var malformed = []string{
	"postgres://u:%s@h/db", "postgresql://u:%s@h:5432/db?sslmode=require", "postgres://u:%s@h1:1,h2:2/db",
	"postgres://u:%s", "postgres://u:%s/db", "postgres://:%s@h", "postgres:u:%s@h/db", "postgres:/u:%s@h/db",
	"postgresql+psycopg://u:%s@h/db", "u:%s@h/db", "mysql://u:%s@h/db", "postgres://u:%s@h@h2/db", "postgres://u:a/b?c#%s@h/db",
	"postgres://u:a@b/c%s@h/db", "postgres://h/db?password=%s", "postgres://h/db?user=u&password=%s&sslmode=require",
	"postgres://h/db?pass%%77ord=%s", "postgres://h/db?sslpassword=%s", "postgres://u:p%%zz%s@h:port/db", "postgres://[u:%s/db",
	"host=h password=%s", "host=h password='%s", "host=h password='%s' dbname=d", "host=h password = %s dbname=d", `host=h password='a\'%s'`,
	`host=h password=a\ %s dbname=d`, "host=h password='a b %s' dbname=d", "HOST=h PASSWORD=%s", "Postgres://u:%s@h/db",
}

// readsOtherwise reports whether the two together are a well-formed DSN in which
// the secret is no password: a host behind an @, or a port and a database.
func readsOtherwise(form, secret string) bool {
	return strings.Contains(form, "://") && !strings.Contains(form, "@") && !strings.Contains(form, "=") &&
		(strings.Contains(secret, "@") || strings.HasPrefix(secret, "1/"))
}

func TestRedactMalformed(t *testing.T) {
	t.Parallel()
	for _, form := range malformed {
		for _, secret := range []string{"hunter2", "h@unter2", "hunter2@", ":hunter2", "1/hunter2", "hunter2?x=y", "hunter2#", "hunter2%", `"hunter2`, "é😀hunter2"} {
			if readsOtherwise(form, secret) {
				continue
			}
			dsn := fmt.Sprintf(form, secret)
			for name, out := range map[string]string{
				"RedactDSN": RedactDSN(dsn),
				"Redact":    Redact("cannot open " + dsn + ": reason"),
				"quoted":    Redact(fmt.Sprintf("parse %q: bad", dsn)),
				"repr":      Redact("Config(dsn='" + dsn + "', schema='x')"),
				"Config":    fmt.Sprintf("%v %+v %#v", Config{DSN: dsn}, Config{DSN: dsn}, Config{DSN: dsn}),
			} {
				require.NotContains(t, out, "unter2", "%s of %s", name, dsn)
			}
			if _, err := Load(dsn); err != nil {
				require.NotContains(t, err.Error(), "unter2", dsn)
			}
		}
		for _, secret := range []string{"hunter2 x", "x hunter2", "a b hunter2 c"} {
			if strings.Contains(form, "=%s") {
				continue // unquoted values end at a blank, as libpq has it
			}
			dsn := fmt.Sprintf(form, secret)
			require.NotContains(t, RedactDSN(dsn), "unter2", dsn)
			if _, err := Load(dsn); err != nil {
				require.NotContains(t, err.Error(), "unter2", dsn)
			}
		}
	}
}

// FuzzRedact plants a secret and looks for it afterwards.
func FuzzRedact(f *testing.F) {
	f.Add("u", "p", "h/db", uint8(0))
	f.Add("u", "p@x", "h?password=y", uint8(1))
	f.Add("a b", "'", "\\", uint8(2))
	f.Add("", " ", "", uint8(3))
	f.Add("password=", "x", "postgres://", uint8(4))
	f.Fuzz(func(t *testing.T, before, inside, after string, form uint8) {
		Redact(before + inside + after) // no panic on anything
		RedactDSN(before + inside + after)
		const marker = "zqXJkv"
		if strings.ContainsAny(before, ":@/?#[]%='\"\\& \t\r\n\v\f") || strings.Contains(before+after, marker) {
			return
		}
		secret := inside + marker
		var dsn string
		switch form % 3 {
		case 0: // any secret at all, in the place of a URL's password
			dsn = "postgres://" + before + ":" + secret + "@" + after
		case 1:
			dsn = "host=h password='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(secret) + "' user=" + before
		case 2:
			if strings.ContainsAny(inside, "&") {
				return
			}
			dsn = "postgres://" + before + "/db?password=" + secret
		}
		if out := RedactDSN(dsn); strings.Contains(out, marker) {
			t.Fatalf("%q became %q", dsn, out)
		}
		if _, err := Parse(dsn); err != nil && strings.Contains(err.Error(), marker) {
			t.Fatalf("%q: %v", dsn, err)
		}
	})
}
