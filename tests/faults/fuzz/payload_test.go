package fuzz

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/validate"
)

// FuzzPayloadVerdict asks PostgreSQL about every document: what the scan accepts
// must be jsonb, and what it calls no JSON must not be.
func FuzzPayloadVerdict(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `null`, `true`, `"é\u00e9\ud83d\ude00"`, `"\u0000"`, `"\ud800"`, `1e400`, `-0.0e-0`, `1e131071`, `1e-16383`, `1e-16384`,
		`{"a":1,"a":{"b":[1,2,{}]}}`, ` [1 , 2 ] `, "\"\t\"", `01`, `1.`, `.5`, `+1`, `nan`, `'a'`, `{"a":}`, `[,]`, `"\x"`, "\xff", "\ufeff{}",
		`123456789012345678901234567890.12345678901234567890e-5`, "[1]\n\v", `{"a":1}}`, "\"\x7f\"", "\"\u2028\"", `0e999999999999`, `1E+2`,
	} {
		f.Add(seed)
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, testdb.Postgres(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = conn.Close(ctx) })
	f.Fuzz(func(t *testing.T, document string) {
		if strings.Contains(document, "\x00") { // no parameter can hold one, and the scan says so
			if (validate.Rules{}).Payload([]byte(document)) == nil {
				t.Fatalf("accepted %q", document)
			}
			return
		}
		verdict := (validate.Rules{MaxDepth: validate.MaxDepth}).Payload([]byte(document))
		var back string
		err := conn.QueryRow(ctx, "select $1::text::jsonb::text", document).Scan(&back)
		var pg *pgconn.PgError
		switch {
		case err != nil && !errors.As(err, &pg):
			t.Fatal(err)
		case verdict == nil && err != nil:
			t.Fatalf("%q was accepted, and PostgreSQL says: %v", document, err)
		case verdict == nil && (validate.Rules{MaxDepth: validate.MaxDepth, MaxPayloadBytes: validate.MaxPayloadBytes}).Payload([]byte(back)) != nil:
			t.Fatalf("%q was accepted and comes back as %q, which is not", document, back)
		case verdict != nil && err == nil && fault.Is(verdict, fault.Serialization):
			t.Fatalf("%q was refused, and PostgreSQL takes it: %v", document, verdict)
		}
	})
}
