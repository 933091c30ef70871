package enginetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

const (
	// brief is a lease or delay a case waits for.
	brief = 150 * time.Millisecond
	// long is a lease or delay that never ends within a case.
	long = 10 * time.Minute
	// patience bounds every wait for a condition.
	patience = 20 * time.Second
	// pollEvery is how often a wait looks.
	pollEvery = 10 * time.Millisecond
	// maxReadCt is the limit of a case's queue, where the case does not say.
	maxReadCt = 5
)

// bundle is what a case starts with: an engine on an installed store, an empty
// queue, a producer and a consumer.
type bundle struct {
	t     *testing.T
	ctx   context.Context
	store Store
	eng   engine.Engine

	queue    model.QueueInfo
	producer model.WorkerInfo
	consumer model.WorkerInfo
}

func (b *bundle) setup(install bool) {
	b.t.Helper()
	if install {
		b.ok(b.eng.Install(b.ctx))
	}
	b.queue = b.newQueue(maxReadCt)
	b.producer = b.newWorker(b.queue.ID, "producer")
	b.consumer = b.newWorker(b.queue.ID, "consumer")
}

// limit gives the bundle a queue with another limit, and workers on it.
func (b *bundle) limit(maxReadCt int32) {
	b.t.Helper()
	b.queue = b.newQueue(maxReadCt)
	b.consumer = b.newWorker(b.queue.ID, "consumer")
}

func (b *bundle) ok(err error) {
	b.t.Helper()
	require.NoError(b.t, err)
}

// fails requires a *fault.Error of a kind.
func (b *bundle) fails(kind fault.Kind, err error) *fault.Error {
	b.t.Helper()
	require.Error(b.t, err)
	var f *fault.Error
	require.True(b.t, errors.As(err, &f), "not a *fault.Error: %T %v", err, err)
	require.Equal(b.t, kind.String(), f.Kind.String(), "%v", err)
	return f
}

// name returns a name nobody else uses.
func name(what string) string { return what + "-" + rand.Text()[:10] }

func (b *bundle) newQueue(maxReadCt int32) model.QueueInfo {
	b.t.Helper()
	q, err := b.eng.CreateQueue(b.ctx, name("queue"), maxReadCt)
	b.ok(err)
	return q
}

func (b *bundle) newWorker(queueID int64, kind string) model.WorkerInfo {
	b.t.Helper()
	w, err := b.eng.RegisterWorker(b.ctx, model.NewWorker{QueueID: queueID, Name: kind, Hostname: name("host"), Port: 8000})
	b.ok(err)
	return w
}

// another returns a second consumer of the bundle's queue.
func (b *bundle) another() model.WorkerInfo {
	b.t.Helper()
	return b.newWorker(b.queue.ID, "consumer")
}

// second opens another engine on the store, or skips the case.
func (b *bundle) second() engine.Engine {
	b.t.Helper()
	if b.store.Single {
		b.t.Skipf("only one engine can be open on %s", b.store.Name)
	}
	return b.store.Open(b.t)
}

// peers returns n engines on the store, all of them the same one where only one
// can be open.
func (b *bundle) peers(n int) []engine.Engine {
	b.t.Helper()
	list := []engine.Engine{b.eng}
	for len(list) < n {
		if b.store.Single {
			list = append(list, b.eng)
		} else {
			list = append(list, b.store.Open(b.t))
		}
	}
	return list
}

// send enqueues messages.
func (b *bundle) send(messages ...model.NewMessage) []int64 {
	b.t.Helper()
	ids, err := b.eng.Enqueue(b.ctx, b.queue.ID, messages)
	b.ok(err)
	require.Len(b.t, ids, len(messages))
	return ids
}

// put enqueues one payload.
func (b *bundle) put(payload string) int64 {
	b.t.Helper()
	return b.send(model.NewMessage{Payload: []byte(payload)})[0]
}

// fill enqueues n numbered messages, visible now, and returns their ids.
func (b *bundle) fill(n int) []int64 {
	b.t.Helper()
	return b.send(numbered(n)...)
}

// numbered returns n messages that say which they are.
func numbered(n int) []model.NewMessage {
	messages := make([]model.NewMessage, n)
	for i := range messages {
		messages[i].Payload = fmt.Appendf(nil, `{"n": %d}`, i)
	}
	return messages
}

// claimAs claims for any worker.
func (b *bundle) claimAs(worker model.WorkerInfo, limit int, lease time.Duration) engine.Claimed {
	b.t.Helper()
	claimed, err := engine.ClaimOne(b.ctx, b.eng, engine.Claim{QueueID: b.queue.ID, WorkerID: worker.ID, Limit: limit, Lease: lease})
	b.ok(err)
	require.LessOrEqual(b.t, len(claimed.Messages), limit)
	return claimed
}

// takeAs requires a claim to return exactly n messages.
func (b *bundle) takeAs(worker model.WorkerInfo, n int, lease time.Duration) []model.Message {
	b.t.Helper()
	messages := b.claimAs(worker, n, lease).Messages
	require.Len(b.t, messages, n)
	return messages
}

// take is takeAs for the bundle's consumer.
func (b *bundle) take(n int, lease time.Duration) []model.Message {
	b.t.Helper()
	return b.takeAs(b.consumer, n, lease)
}

// one puts a message and leases it.
func (b *bundle) one(lease time.Duration) model.Message {
	b.t.Helper()
	b.put(`{"one": 1}`)
	return b.take(1, lease)[0]
}

// empty requires that there is nothing to claim now.
func (b *bundle) empty(worker model.WorkerInfo) engine.Claimed {
	b.t.Helper()
	claimed := b.claimAs(worker, 100, long)
	require.Empty(b.t, claimed.Messages)
	return claimed
}

// await claims until it has n messages.
func (b *bundle) await(worker model.WorkerInfo, n int, lease time.Duration) []model.Message {
	b.t.Helper()
	var got []model.Message
	b.eventually(fmt.Sprintf("%d messages to claim", n), func() bool {
		got = append(got, b.claimAs(worker, n-len(got), lease).Messages...)
		return len(got) == n
	})
	return got
}

// awaitPending waits until n messages of the queue are eligible.
func (b *bundle) awaitPending(n int64) {
	b.t.Helper()
	b.eventually(fmt.Sprintf("%d pending messages", n), func() bool { return b.metrics().Pending == n })
}

// eventually waits until cond holds.
func (b *bundle) eventually(what string, cond func() bool) {
	b.t.Helper()
	if !poll(b.ctx, patience, cond) {
		b.t.Fatalf("waited %v in vain for %s", patience, what)
	}
}

// poll calls cond until it holds (true), or ctx or the limit ends (false).
func poll(ctx context.Context, limit time.Duration, cond func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for !cond() {
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
	}
	return true
}

func (b *bundle) finish(how engine.Finish, tokens ...model.Token) []bool {
	b.t.Helper()
	outcomes, err := b.eng.Finish(b.ctx, how, tokens)
	b.ok(err)
	require.Len(b.t, outcomes, len(tokens))
	return outcomes
}

func (b *bundle) archive(tokens ...model.Token) []bool {
	b.t.Helper()
	return b.finish(engine.FinishArchive, tokens...)
}

func (b *bundle) extend(extensions ...engine.Extension) []bool {
	b.t.Helper()
	outcomes, err := b.eng.Extend(b.ctx, extensions)
	b.ok(err)
	require.Len(b.t, outcomes, len(extensions))
	return outcomes
}

func (b *bundle) release(releases ...engine.Release) []bool {
	b.t.Helper()
	outcomes, err := b.eng.Release(b.ctx, releases)
	b.ok(err)
	require.Len(b.t, outcomes, len(releases))
	return outcomes
}

// message reads a message of the queue.
func (b *bundle) message(id int64) model.Message {
	b.t.Helper()
	m, err := b.eng.GetMessage(b.ctx, id)
	b.ok(err)
	return m
}

// archived reads a message of the archive, and requires that it left the queue.
func (b *bundle) archived(id int64) model.Message {
	b.t.Helper()
	m, err := b.eng.GetArchived(b.ctx, id)
	b.ok(err)
	b.notQueued(id)
	return m
}

func (b *bundle) notQueued(id int64) {
	b.t.Helper()
	_, err := b.eng.GetMessage(b.ctx, id)
	b.fails(fault.MessageNotFound, err)
}

func (b *bundle) notArchived(id int64) {
	b.t.Helper()
	_, err := b.eng.GetArchived(b.ctx, id)
	b.fails(fault.MessageNotFound, err)
}

// metrics reads the metrics of the bundle's queue.
func (b *bundle) metrics() model.QueueMetrics {
	b.t.Helper()
	list, err := b.eng.Metrics(b.ctx, b.queue.ID)
	b.ok(err)
	require.Len(b.t, list, 1)
	return list[0]
}

// worker reads a worker.
func (b *bundle) worker(id int64) model.WorkerInfo {
	b.t.Helper()
	w, err := b.eng.GetWorker(b.ctx, id)
	b.ok(err)
	return w
}

// set moves a worker to a state, whatever state it is in.
func (b *bundle) set(id int64, to model.WorkerStatus) {
	b.t.Helper()
	b.ok(b.eng.SetWorkerStatus(b.ctx, id, allStatuses, to))
}

var allStatuses = []model.WorkerStatus{
	model.WorkerReady, model.WorkerPolling, model.WorkerSuspended, model.WorkerInterrupted, model.WorkerStopped,
}

// exhaust makes a dead letter of a new message: the queue's limit must be 1.
func (b *bundle) exhaust() int64 {
	b.t.Helper()
	m := b.one(long)
	require.Equal(b.t, []bool{true}, b.release(engine.Release{Token: token(m)}))
	return m.ID
}

// token is the full fencing token of a claimed message.
func token(m model.Message) model.Token {
	return model.Token{ID: m.ID, Worker: m.ConsumerWorkerID, ReadCt: m.ReadCt}
}

// stored is a claimed message as a read shows it.
func stored(m model.Message) model.Message {
	m.PriorVT = time.Time{}
	return m
}

func tokens(messages []model.Message) []model.Token {
	list := make([]model.Token, len(messages))
	for i, m := range messages {
		list[i] = token(m)
	}
	return list
}

func ids(messages []model.Message) []int64 {
	list := make([]int64, len(messages))
	for i, m := range messages {
		list[i] = m.ID
	}
	return list
}

// claimedAt is the instant of the claim that leased m, by the database's clock.
func claimedAt(m model.Message, lease time.Duration) time.Time { return m.VT.Add(-lease) }

// trues returns n times true.
func trues(n int) []bool {
	list := make([]bool, n)
	for i := range list {
		list[i] = true
	}
	return list
}
