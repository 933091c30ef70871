package faults

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/postgres"
)

// TestClaimNeverAnswersAMessageTwice: a claim that is two transactions may be
// held up between them for longer than its lease. The second must not lease
// again what the first has leased: one answer would hold one message twice, and
// its receive count would have gone up by two.
func TestClaimNeverAnswersAMessageTwice(t *testing.T) {
	dsn := testdb.Postgres(t)
	eng, err := postgres.Open(t.Context(), postgres.Config{ConnString: dsn, Schema: testdb.Schema(t, dsn)})
	require.NoError(t, err)
	t.Cleanup(eng.Close)
	require.NoError(t, eng.Install(t.Context()))
	queue, err := eng.CreateQueue(t.Context(), "q", 1000)
	require.NoError(t, err)
	worker, err := eng.RegisterWorker(t.Context(), model.NewWorker{QueueID: queue.ID, Name: "consumer"})
	require.NoError(t, err)
	_, err = eng.Enqueue(t.Context(), queue.ID, []model.NewMessage{{Payload: []byte(`1`)}})
	require.NoError(t, err)
	// A lease of a microsecond stands for a stall of any length.
	claim := engine.Claim{QueueID: queue.ID, WorkerID: worker.ID, Limit: 10, Lease: time.Microsecond}
	for range 20 {
		got, err := engine.ClaimOne(t.Context(), eng, claim)
		require.NoError(t, err)
		require.LessOrEqual(t, len(got.Messages), 1, "the message was leased %d times by one claim", len(got.Messages))
	}
}
