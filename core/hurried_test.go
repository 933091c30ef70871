package core

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
			b := onPostgres(t)
			producer := b.producer()
			unlock := b.lockMessages()

			hurried, cancel := context.WithTimeout(b.ctx, 200*time.Millisecond)
			defer cancel()
			document := []byte(`"before"`)
			err := enqueue(hurried, producer, document)
			require.True(t, fault.Is(err, fault.OutcomeUnknown), "%v", err)
			copy(document, `"after!"`)
			unlock()
			require.Eventually(t, func() bool { return b.metrics().Pending == 1 }, 20*time.Second, 5*time.Millisecond)
			got := b.take(b.consumer(), DequeueOptions{})
			require.Equal(t, `"before"`, string(got[0].Payload))
		})
	}
}

// TestALateClaimIsATimeout: a dequeue whose deadline passes with its claim on the way may
// be repeated. What the claim leases when it comes through is given back as it was.
func TestALateClaimIsATimeout(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]time.Duration{"at once": 0, "waiting": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := onPostgres(t)
			consumer := b.consumer()
			_, err := b.producer().Enqueue(b.ctx, 1)
			require.NoError(t, err)
			unlock := b.lockMessages()

			hurried, cancel := context.WithTimeout(b.ctx, 200*time.Millisecond)
			defer cancel()
			_, err = consumer.Dequeue(hurried, DequeueOptions{Lease: time.Hour, Wait: wait})
			require.True(t, fault.Is(err, fault.Timeout), "%v", err)
			require.True(t, fault.SafeToRetry(err))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			unlock()

			// The next claim follows the late one through the same lane.
			got, err := consumer.Dequeue(b.ctx, DequeueOptions{Wait: 20 * time.Second})
			require.NoError(t, err)
			require.Len(t, got, 1)
			require.EqualValues(t, 1, got[0].ReadCt)
		})
	}
}

// lockMessages keeps everybody off the table of messages until it is told to end.
func (b *bundle) lockMessages() (unlock func()) {
	tx := b.begin(b.pool())
	_, err := tx.Exec(b.ctx, "lock table "+b.table("pgqrs_messages"))
	require.NoError(b.t, err)
	return func() { require.NoError(b.t, tx.Rollback(b.ctx)) }
}
