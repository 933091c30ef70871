package postgres

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// ride stores messages in a stream.
func (b *bundle) ride(s *store, messages ...model.NewMessage) *inTurn {
	return b.begin(s, messages, true, false)
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
	b.storedInOrder(first, second)
	require.Zero(t, b.store.pool.Stat().AcquiredConns())
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
	for _, r := range []*inTurn{first, second} {
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
	b.atCommit(`if new.payload = '"end"' then perform pg_terminate_backend(pg_backend_pid()); end if`)
	first := b.ride(b.store, model.NewMessage{Payload: []byte(`"end"`)})
	<-first.sent
	second := b.ride(b.store, payloads(2)...)
	<-first.ended
	<-second.ended
	requireKind(t, fault.OutcomeUnknown, first.err) // it came after the rows
	require.NoError(t, second.err, "the server had not begun it: it is repeated")
	require.EqualValues(t, 2, b.stored())
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
	plain := b.begin(b.store, payloads(1), false, false)
	b.await("select exists (select 1 from pg_locks where not granted and locktype = 'advisory' and objid = hashtext($1)::oid)", b.schema)
	time.Sleep(50 * time.Millisecond) // enough for either to be sent
	require.EqualValues(t, 1, b.store.pool.Stat().AcquiredConns())
	release()
	<-first.ended
	<-keyed.ended
	<-plain.ended
	require.NoError(t, first.err)
	require.NoError(t, keyed.err)
	require.NoError(t, plain.err)
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
	for _, r := range []*inTurn{first, second} {
		<-r.ended
		requireKind(t, fault.OutcomeUnknown, r.err)
	}
	require.Eventually(t, func() bool { return s.pool.Stat().AcquiredConns() == 0 }, 10*time.Second, time.Millisecond)
}
