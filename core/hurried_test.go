package core

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/fault"
)

// TestADocumentStaysWhatItWas: a call that returns at its deadline, with its message on
// the way, keeps none of the caller's memory, which may hold something else by the time
// the message is sent.
func TestADocumentStaysWhatItWas(t *testing.T) {
	t.Parallel()
	for name, enqueue := range map[string]func(context.Context, *Producer, []byte) error{
		"EnqueueJSON": func(ctx context.Context, p *Producer, document []byte) error {
			_, err := p.EnqueueJSON(ctx, [][]byte{document}, EnqueueOptions{})
			return err
		},
		"EnqueueEach": func(ctx context.Context, p *Producer, document []byte) error {
			_, errs, err := p.EnqueueEach(ctx, [][]byte{document}, EnqueueOptions{})
			return errors.Join(append(errs, err)...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := testdb.Postgres(t)
			schema := testdb.Schema(t, dsn)
			b := setup(t, withParam(t, dsn, "pgqrs_schema", schema))
			producer := b.producer()
			conn, err := pgx.Connect(b.ctx, dsn)
			require.NoError(t, err)
			t.Cleanup(func() { _ = conn.Close(context.Background()) })
			tx, err := conn.Begin(b.ctx)
			require.NoError(t, err)
			_, err = tx.Exec(b.ctx, "lock table "+pgx.Identifier{schema, "pgqrs_messages"}.Sanitize())
			require.NoError(t, err)

			hurried, cancel := context.WithTimeout(b.ctx, 200*time.Millisecond)
			defer cancel()
			document := []byte(`"before"`)
			err = enqueue(hurried, producer, document)
			require.True(t, fault.Is(err, fault.OutcomeUnknown), "%v", err)
			copy(document, `"after!"`)
			require.NoError(t, tx.Rollback(b.ctx))
			require.Eventually(t, func() bool { return b.metrics().Pending == 1 }, 20*time.Second, 5*time.Millisecond)
			got := b.take(b.consumer(), DequeueOptions{})
			require.Equal(t, `"before"`, string(got[0].Payload))
		})
	}
}
