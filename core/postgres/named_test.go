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
	placed, ended chan struct{}
	ids           []int64
	err           error
}

func (b *bundle) enqueueInTurn(s *store, messages []model.NewMessage) *inTurn {
	c := &inTurn{placed: make(chan struct{}), ended: make(chan struct{})}
	spawn.Go(nil, func() {
		defer close(c.ended)
		c.ids, c.err = s.EnqueueInTurn(b.ctx, b.queue.ID, messages, nil, func() { close(c.placed) })
	})
	return c
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
	<-first.ended
	<-second.ended
	require.NoError(t, first.err)
	require.NoError(t, second.err)
	require.Greater(t, second.ids[0], first.ids[2])
	require.EqualValues(t, 5, b.stored())
	last, err := b.store.GetMessage(b.ctx, first.ids[2])
	require.NoError(t, err)
	next, err := b.store.GetMessage(b.ctx, second.ids[0])
	require.NoError(t, err)
	require.True(t, next.VT.After(last.VT), "and comes later in the queue")
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
