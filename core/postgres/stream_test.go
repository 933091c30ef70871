package postgres

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// riding is an EnqueueInTurn under way that tells when it was sent.
type riding struct {
	sent, ended chan struct{}
	ids         []int64
	err         error
}

func (b *bundle) ride(s *store, messages ...model.NewMessage) *riding {
	r := &riding{sent: make(chan struct{}), ended: make(chan struct{})}
	spawn.Go(nil, func() {
		defer close(r.ended)
		r.ids, r.err = s.EnqueueInTurn(b.ctx, b.queue.ID, messages, func() { close(r.sent) }, nil)
	})
	return r
}

func TestAFlushFollowsOnTheSameConnection(t *testing.T) {
	b := setup(t)
	release := b.holdCommits()
	first := b.ride(b.store, payloads(3)...)
	<-first.sent
	second := b.ride(b.store, payloads(2)...)
	<-second.sent
	require.EqualValues(t, 1, b.store.pool.Stat().AcquiredConns())
	require.Zero(t, b.stored(), "nobody is answered before their commit")
	release()
	<-first.ended
	<-second.ended
	require.NoError(t, first.err)
	require.NoError(t, second.err)
	require.Greater(t, second.ids[0], first.ids[2])
	require.EqualValues(t, 5, b.stored())
	require.Zero(t, b.store.pool.Stat().AcquiredConns())
	last, err := b.store.GetMessage(b.ctx, first.ids[2])
	require.NoError(t, err)
	next, err := b.store.GetMessage(b.ctx, second.ids[0])
	require.NoError(t, err)
	require.True(t, next.VT.After(last.VT), "and comes later in the queue")
}

func TestWhatIsRefusedHarmsNoFlushBehindIt(t *testing.T) {
	b := setup(t)
	s := b.open(Config{MaxConnections: 1})
	for range 2 { // the connection is as good as before
		first := b.ride(s, append(payloads(1), model.NewMessage{Payload: []byte(`{"secret": `)})...)
		<-first.sent
		second := b.ride(s, payloads(2)...)
		<-first.ended
		<-second.ended
		require.True(t, fault.IsRowFault(first.err), "%v", first.err)
		require.True(t, fault.SafeToRetry(first.err))
		require.NoError(t, second.err)
	}
	require.EqualValues(t, 4, b.stored())
}

func TestConnectionLostWithTwoFlushesUnderWay(t *testing.T) {
	b := setup(t)
	p := testdb.NewProxy(t, b.dsn)
	s := b.open(Config{ConnString: p.DSN})
	release := b.holdCommits()
	first := b.ride(s, payloads(2)...)
	<-first.sent
	second := b.ride(s, payloads(2)...)
	<-second.sent
	p.Cut()
	for _, r := range []*riding{first, second} {
		<-r.ended
		requireKind(t, fault.OutcomeUnknown, r.err)
		require.False(t, fault.SafeToRetry(r.err))
	}
	release()
	third := b.ride(s, payloads(1)...)
	<-third.ended
	require.NoError(t, third.err, "the next one has a connection of its own")
}

func TestTheServerEndsTheSessionOfTwoFlushes(t *testing.T) {
	b := setup(t)
	b.atCommit("perform pg_terminate_backend(pg_backend_pid())")
	first := b.ride(b.store, payloads(1)...)
	<-first.ended
	requireKind(t, fault.OutcomeUnknown, first.err) // it came after the rows
	require.Zero(t, b.stored())
}

func TestAStatementThatTheStreamLostIsPreparedAgain(t *testing.T) {
	b := setup(t)
	s := b.open(Config{MaxConnections: 1})
	for range 2 {
		r := b.ride(s, payloads(1)...)
		<-r.ended
		require.NoError(t, r.err)
		conn, err := s.pool.Acquire(b.ctx)
		require.NoError(t, err)
		_, err = conn.Exec(b.ctx, "deallocate all")
		require.NoError(t, err)
		conn.Release()
	}
	require.EqualValues(t, 2, b.stored())
}

// A flush with dedup keys goes by a connection of its own.
func TestWhatCannotFollowWaits(t *testing.T) {
	b := setup(t)
	release := b.holdCommits()
	first := b.ride(b.store, payloads(1)...)
	<-first.sent
	keyed := b.ride(b.store, model.NewMessage{Payload: []byte(`1`), DedupKey: "a"})
	plain := make(chan struct{})
	spawn.Go(nil, func() {
		defer close(plain)
		_, err := b.store.EnqueueInTurn(b.ctx, b.queue.ID, payloads(1), nil, nil)
		require.NoError(t, err)
	})
	b.await("select exists (select 1 from pg_locks where not granted and locktype = 'advisory' and objid = hashtext($1)::oid)", b.schema)
	time.Sleep(50 * time.Millisecond) // enough for either to be sent
	require.EqualValues(t, 1, b.store.pool.Stat().AcquiredConns())
	release()
	<-first.ended
	<-keyed.ended
	<-plain
	require.NoError(t, first.err)
	require.NoError(t, keyed.err)
	require.Greater(t, keyed.ids[0], first.ids[0])
	require.EqualValues(t, 3, b.stored())
}

func TestAnAnswerThatDoesNotCome(t *testing.T) {
	b := setup(t)
	s := b.open(Config{})
	s.writeTimeout = 300 * time.Millisecond
	release := b.holdCommits()
	defer release()
	first := b.ride(s, payloads(1)...)
	<-first.sent
	second := b.ride(s, payloads(1)...)
	<-second.sent
	for _, r := range []*riding{first, second} {
		<-r.ended
		requireKind(t, fault.OutcomeUnknown, r.err)
	}
	require.Eventually(t, func() bool { return s.pool.Stat().AcquiredConns() == 0 }, 10*time.Second, time.Millisecond)
}
