package postgres

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// atCommit runs a statement of PL/pgSQL in every commit that stores messages, once
// their statement is done.
func (b *bundle) atCommit(statement string) {
	b.t.Helper()
	schema := b.store.queries.quoted
	_, err := b.connect().Exec(b.ctx, fmt.Sprintf(`
		create function %[1]s.at_commit() returns trigger language plpgsql as $$ begin %[2]s; return null; end $$;
		create constraint trigger at_commit after insert on %[1]s.pgqrs_messages
		deferrable initially deferred for each row execute function %[1]s.at_commit()`, schema, statement), pgx.QueryExecModeSimpleProtocol)
	require.NoError(b.t, err)
}

// holdCommits makes every commit that stores messages wait until release is called.
func (b *bundle) holdCommits() (release func()) {
	b.t.Helper()
	b.atCommit("perform pg_advisory_xact_lock_shared(hashtext('" + b.schema + "'))")
	conn := b.connect()
	_, err := conn.Exec(b.ctx, "select pg_advisory_lock(hashtext($1))", b.schema)
	require.NoError(b.t, err)
	return func() {
		_, err := conn.Exec(b.ctx, "select pg_advisory_unlock(hashtext($1))", b.schema)
		require.NoError(b.t, err)
	}
}

// inTurn is an EnqueueInTurn under way.
type inTurn struct {
	sent, placed, ended chan struct{}
	ids                 []int64
	err                 error
}

// begin stores messages in turn; sent and placed say what it is asked to tell.
func (b *bundle) begin(s *store, messages []model.NewMessage, sent, placed bool) *inTurn {
	c := &inTurn{sent: make(chan struct{}), placed: make(chan struct{}), ended: make(chan struct{})}
	told := func(asked bool, c chan struct{}) func() {
		if !asked {
			return nil
		}
		return func() { close(c) }
	}
	spawn.Go(nil, func() {
		defer close(c.ended)
		c.ids, c.err = s.EnqueueInTurn(b.ctx, b.queue.ID, messages, told(sent, c.sent), told(placed, c.placed))
	})
	return c
}

func (b *bundle) enqueueInTurn(s *store, messages []model.NewMessage) *inTurn {
	return b.begin(s, messages, false, true)
}

// storedInOrder requires that three messages were stored, and then two.
func (b *bundle) storedInOrder(first, second *inTurn) {
	b.t.Helper()
	<-first.ended
	<-second.ended
	require.NoError(b.t, first.err)
	require.NoError(b.t, second.err)
	require.Greater(b.t, second.ids[0], first.ids[2])
	require.EqualValues(b.t, 5, b.stored())
	last, err := b.store.GetMessage(b.ctx, first.ids[2])
	require.NoError(b.t, err)
	next, err := b.store.GetMessage(b.ctx, second.ids[0])
	require.NoError(b.t, err)
	require.True(b.t, next.VT.After(last.VT), "and comes later in the queue")
}

func TestRowsComeBeforeTheCommit(t *testing.T) {
	b := setup(t)
	release := b.holdCommits()
	first := b.enqueueInTurn(b.store, payloads(3))
	<-first.placed
	second := b.enqueueInTurn(b.store, payloads(2))
	<-second.placed // although the first one has not committed
	require.Zero(t, b.stored())
	release()
	b.storedInOrder(first, second)
}

func TestACommitThatFailsAfterItsRowsCame(t *testing.T) {
	b := setup(t)
	b.atCommit("raise exception 'no'")
	c := b.enqueueInTurn(b.store, payloads(2))
	<-c.placed
	<-c.ended
	require.ErrorContains(t, c.err, "no")
	require.Zero(t, b.stored())
}

func TestConnectionLostBetweenRowsAndCommit(t *testing.T) {
	b := setup(t)
	p := testdb.NewProxy(t, b.dsn)
	release := b.holdCommits()
	c := b.enqueueInTurn(b.open(Config{ConnString: p.DSN}), payloads(2))
	<-c.placed
	p.Cut()
	<-c.ended
	requireKind(t, fault.OutcomeUnknown, c.err)
	require.False(t, fault.SafeToRetry(c.err))
	release()
}

func TestNamedStatementsJudgeRowsLikeEveryPipeline(t *testing.T) {
	b := setup(t)
	for range 2 { // the connection is as good as before
		c := b.enqueueInTurn(b.store, append(payloads(1), model.NewMessage{Payload: []byte(`{"secret": `)}))
		<-c.ended
		require.True(t, fault.IsRowFault(c.err), "%v", c.err)
		require.True(t, fault.SafeToRetry(c.err))
	}
	c := b.enqueueInTurn(b.store, []model.NewMessage{{Payload: []byte(`1`), DedupKey: "a"}, {Payload: []byte(`1`), DedupKey: "a"}})
	<-c.placed
	<-c.ended
	require.NoError(t, c.err)
	require.Equal(t, c.ids[0], c.ids[1])
	require.EqualValues(t, 1, b.stored())
}

func TestStatementsThatTheSessionLostArePreparedAgain(t *testing.T) {
	b := setup(t)
	s := b.open(Config{MaxConnections: 1})
	c := b.enqueueInTurn(s, payloads(1))
	<-c.ended
	require.NoError(t, c.err)
	conn, err := s.pool.Acquire(b.ctx)
	require.NoError(t, err)
	_, err = conn.Exec(b.ctx, "deallocate all", pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	conn.Release()
	c = b.enqueueInTurn(s, payloads(1))
	<-c.ended
	require.NoError(t, c.err)
}

// Behind a pooler statements have no names, and the rows come with the commit.
func TestWithoutNamedStatementsRowsComeAfterTheCommit(t *testing.T) {
	b := setup(t)
	release := b.holdCommits()
	c := b.enqueueInTurn(b.open(Config{Pooler: PoolerTransaction}), payloads(2))
	b.await("select exists (select 1 from pg_locks where not granted and locktype = 'advisory' and objid = hashtext($1)::oid)", b.schema)
	select {
	case <-c.placed:
		require.Fail(t, "told before the commit")
	default:
	}
	release()
	<-c.ended
	require.NoError(t, c.err)
	require.EqualValues(t, 2, b.stored())
}
