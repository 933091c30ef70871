package faults

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// timely is what a caller allows a call, and tardy how much later its answer may
// come on a machine that has other things to do.
const (
	timely = 400 * time.Millisecond
	tardy  = 1500 * time.Millisecond
)

// through opens an installed store with a queue, whose network a test has in its
// hands.
func through(t *testing.T, options ...core.Option) (*core.Store, *testdb.Proxy) {
	t.Helper()
	dsn := testdb.Postgres(t)
	wire := testdb.NewProxy(t, dsn)
	store, err := core.Open(t.Context(), wire.DSN+"&pgqrs_schema="+testdb.Schema(t, dsn), append(options, core.WithBootstrap())...)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = store.Close(ctx)
	})
	_, err = store.Admin().CreateQueue(t.Context(), "tasks", 100)
	require.NoError(t, err)
	return store, wire
}

// TestBlackHole: the network swallows every answer and says nothing. A call that
// was given a time must end about then, with an error that tells whether
// something may have been stored.
func TestBlackHole(t *testing.T) {
	type world struct {
		store *core.Store
		p     *core.Producer
		c     *core.Consumer
		m     []*core.Message
	}
	calls := []struct {
		name string
		do   func(ctx context.Context, w world) error
		// kinds the error may be of; the second where something may be stored
		kinds []fault.Kind
	}{
		{"enqueue", func(ctx context.Context, w world) error { _, err := w.p.Enqueue(ctx, 1); return err }, []fault.Kind{fault.OutcomeUnknown}},
		{"archive", func(ctx context.Context, w world) error { _, err := w.m[0].Archive(ctx); return err }, []fault.Kind{fault.OutcomeUnknown}},
		{"delete", func(ctx context.Context, w world) error { _, err := w.m[1].Delete(ctx); return err }, []fault.Kind{fault.OutcomeUnknown}},
		{"extend", func(ctx context.Context, w world) error { _, err := w.m[2].ExtendVT(ctx, time.Hour); return err }, []fault.Kind{fault.OutcomeUnknown}},
		{"release", func(ctx context.Context, w world) error { _, err := w.m[3].Release(ctx); return err }, []fault.Kind{fault.OutcomeUnknown}},
		{"count", func(ctx context.Context, w world) error {
			_, err := w.store.Admin().CountMessages(ctx, core.Filter{})
			return err
		}, []fault.Kind{fault.Timeout, fault.Connect}},
		{"dequeue", func(ctx context.Context, w world) error {
			_, err := w.c.Dequeue(ctx, core.DequeueOptions{Lease: time.Hour})
			return err
		}, []fault.Kind{fault.Timeout}},
		{"waiting dequeue", func(ctx context.Context, w world) error {
			_, err := w.c.Dequeue(ctx, core.DequeueOptions{Lease: time.Hour, Wait: time.Minute})
			return err
		}, []fault.Kind{fault.Timeout}},
		{"heartbeat", func(ctx context.Context, w world) error { return w.c.Heartbeat(ctx) }, []fault.Kind{fault.OutcomeUnknown, fault.Timeout}},
		{"suspend", func(ctx context.Context, w world) error { return w.p.Suspend(ctx) }, []fault.Kind{fault.OutcomeUnknown, fault.Timeout}},
		{"producer", func(ctx context.Context, w world) error {
			_, err := w.store.Producer(ctx, "tasks", core.WorkerOptions{})
			return err
		}, []fault.Kind{fault.OutcomeUnknown, fault.Timeout}},
		{"close a consumer", func(ctx context.Context, w world) error { return w.c.Close(ctx) }, nil},
		{"close the store", func(ctx context.Context, w world) error { return w.store.Close(ctx) }, nil},
	}
	for _, call := range calls {
		t.Run(strings.ReplaceAll(call.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			store, wire := through(t)
			w := world{store: store}
			var err error
			w.p, err = store.Producer(t.Context(), "tasks", core.WorkerOptions{})
			require.NoError(t, err)
			w.c, err = store.Consumer(t.Context(), "tasks", core.WorkerOptions{})
			require.NoError(t, err)
			for range 5 {
				_, err = w.p.Enqueue(t.Context(), 1)
				require.NoError(t, err)
			}
			w.m, err = w.c.Dequeue(t.Context(), core.DequeueOptions{Batch: 4, Lease: time.Hour})
			require.NoError(t, err)
			require.Len(t, w.m, 4)

			thaw := wire.Freeze()
			ctx, cancel := context.WithTimeout(t.Context(), timely)
			defer cancel()
			began, answer := time.Now(), make(chan error, 1)
			go func() { answer <- call.do(ctx, w) }()
			var late bool
			select {
			case err = <-answer:
			case <-time.After(timely + tardy):
				late = true
			}
			took := time.Since(began)
			thaw()
			if late {
				<-answer
				t.Fatalf("no answer %v after a call that was given %v", took.Round(time.Millisecond), timely)
			}
			t.Logf("%v: %v", took.Round(time.Millisecond), err)
			if call.kinds == nil {
				return
			}
			var typed *fault.Error
			require.True(t, errors.As(err, &typed), "%T %v", err, err)
			require.Contains(t, call.kinds, typed.Kind, "%v", err)
			require.True(t, typed.Kind != fault.OutcomeUnknown || !fault.SafeToRetry(err))
			// The network is back: so is the store, without anybody's help.
			eventually(t, "the store to come back", func() bool {
				_, err := w.store.Admin().CountMessages(t.Context(), core.Filter{})
				return err == nil
			})
			if strings.HasSuffix(call.name, "dequeue") { // what nobody was given is nobody's
				eventually(t, "the lease of the call that gave up to be given back", func() bool {
					all, err := w.store.Admin().Metrics(t.Context(), "tasks")
					return err == nil && all[0].Leased == int64(len(w.m))
				})
			}
		})
	}
}

// TestBlackHoleAtConnect: an open store whose network is a hole refuses new
// connections within its connection timeout.
func TestBlackHoleAtConnect(t *testing.T) {
	wire := testdb.NewProxy(t, testdb.Postgres(t))
	thaw := wire.Freeze()
	defer thaw()
	began := time.Now()
	_, err := core.Open(t.Context(), wire.DSN+"&pgqrs_connection_timeout_seconds=0.5")
	require.True(t, fault.Is(err, fault.Connect), "%v", err)
	require.Less(t, time.Since(began), 500*time.Millisecond+tardy)
	require.True(t, fault.SafeToRetry(err))
}

// tokensOf are the tokens of messages.
func tokensOf(messages []*core.Message) []model.Token {
	list := make([]model.Token, len(messages))
	for i, m := range messages {
		list[i] = model.Token{ID: m.ID, ReadCt: m.ReadCt}
	}
	return list
}
