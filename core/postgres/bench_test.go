package postgres

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/model"
)

const (
	benchRows  = 50_000
	benchBatch = 500
	benchJSON  = `{"task":"send_email","to":"user@example.com","n":123}`
)

// BenchmarkCycle moves messages through their whole life on one connection:
// enqueued, claimed and archived in batches. BenchmarkFloor beside it is what the
// same server does at best; the ratio of the two is the figure that counts.
func BenchmarkCycle(b *testing.B) {
	ctx, dsn := b.Context(), testdb.Postgres(b)
	eng, err := Open(ctx, Config{ConnString: dsn, Schema: testdb.Schema(b, dsn), MaxConnections: 1})
	require.NoError(b, err)
	b.Cleanup(eng.Close)
	require.NoError(b, eng.Install(ctx))
	queue, err := eng.CreateQueue(ctx, "bench", 5)
	require.NoError(b, err)
	worker, err := eng.RegisterWorker(ctx, model.NewWorker{QueueID: queue.ID, Name: "consumer"})
	require.NoError(b, err)
	messages := make([]model.NewMessage, benchBatch)
	for i := range messages {
		messages[i] = model.NewMessage{Payload: []byte(benchJSON), Producer: worker.ID}
	}
	for b.Loop() {
		for range benchRows / benchBatch {
			_, err := eng.Enqueue(ctx, queue.ID, messages)
			require.NoError(b, err)
		}
		for range benchRows / benchBatch {
			claimed, err := engine.ClaimOne(ctx, eng, engine.Claim{QueueID: queue.ID, WorkerID: worker.ID, Limit: benchBatch, Lease: time.Hour})
			require.NoError(b, err)
			tokens := make([]model.Token, len(claimed.Messages))
			for i, m := range claimed.Messages {
				tokens[i] = model.Token{ID: m.ID, Worker: worker.ID, ReadCt: m.ReadCt}
			}
			_, err = eng.Finish(ctx, engine.FinishArchive, tokens)
			require.NoError(b, err)
		}
	}
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkFloor inserts rows by 500 and deletes them by 500, nothing else.
func BenchmarkFloor(b *testing.B) {
	ctx, dsn := b.Context(), testdb.Postgres(b)
	conn, err := pgx.Connect(ctx, dsn)
	require.NoError(b, err)
	b.Cleanup(func() { closeConn(conn) })
	table := pgx.Identifier{testdb.Schema(b, dsn), "f"}
	_, err = conn.Exec(ctx, "create schema "+table[:1].Sanitize())
	require.NoError(b, err)
	_, err = conn.Exec(ctx, "create table "+table.Sanitize()+" (id bigint generated always as identity primary key, payload jsonb)")
	require.NoError(b, err)
	payloads := make([]string, benchBatch)
	for i := range payloads {
		payloads[i] = benchJSON
	}
	for b.Loop() {
		var flushed [][]int64
		for range benchRows / benchBatch {
			rows, _ := conn.Query(ctx, "insert into "+table.Sanitize()+" (payload) select x::jsonb from unnest($1::text[]) x returning id", payloads)
			ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
			require.NoError(b, err)
			flushed = append(flushed, ids)
		}
		for _, ids := range flushed {
			rows, _ := conn.Query(ctx, "delete from "+table.Sanitize()+" where id = any($1) returning payload", ids)
			_, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
			require.NoError(b, err)
		}
	}
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
