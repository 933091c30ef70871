package testdb

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// dropTimeout bounds the clean-up of one schema.
const dropTimeout = 30 * time.Second

// Schema returns the name of a schema that no other test uses. It does not
// create it, because Install does; it drops it, and all that is in it, when the
// test ends.
func Schema(tb testing.TB, dsn string) string {
	tb.Helper()
	name := "pgqrs_t_" + strings.ToLower(rand.Text()[:12])
	tb.Cleanup(func() {
		// The test's own context has ended by now.
		ctx, cancel := context.WithTimeout(context.Background(), dropTimeout)
		defer cancel()
		if err := execute(ctx, dsn, "drop schema if exists "+quote(name)+" cascade"); err != nil {
			tb.Errorf("dropping schema %s: %v", name, err)
		}
	})
	return name
}

// Exec runs SQL text, of several statements if need be, with the schema first
// in the search path.
func Exec(ctx context.Context, dsn, schema, sql string) error {
	return execute(ctx, dsn, "set search_path to "+quote(schema)+", public; "+sql)
}

func execute(ctx context.Context, dsn, sql string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the answer to sql is what counts
	_, err = conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	return err
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
