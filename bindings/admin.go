package bindings

import (
	"context"
	"time"
)

// Admin looks after queues, workers and the tables of messages. Queues go by name.
type Admin struct{ object }

// CreateQueue adds a queue. maxReadCt is how often a message may be leased before
// it is dead-lettered; 0: the store's default. Errors: QueueExists.
func (a *Admin) CreateQueue(ctx context.Context, name string, maxReadCt int32) (QueueInfo, error) {
	return ask(ctx, a.object, readRecord[QueueInfo], a.created(a.lib.queueCreate, name, maxReadCt))
}

func (a *Admin) created(f func(store cHandle, name *cStr, options *cQueueOptions, queue cHandle, userData uint64,
	op, failure *cHandle) int32, name string, maxReadCt int32,
) submit {
	view := borrow(name)
	options := cQueueOptions{maxReadCt: maxReadCt}
	options.structSize = sizeOf(options)
	return func(queue cHandle, userData uint64, op, failure *cHandle) int32 {
		return f(a.handle, &view, &options, queue, userData, op, failure)
	}
}

// GetQueue finds a queue. Errors: QueueNotFound.
func (a *Admin) GetQueue(ctx context.Context, name string) (QueueInfo, error) {
	return ask(ctx, a.object, readRecord[QueueInfo], a.name(a.lib.queueGet, name))
}

// GetQueueByID finds a queue by its id. Errors: QueueNotFound.
func (a *Admin) GetQueueByID(ctx context.Context, id int64) (QueueInfo, error) {
	return ask(ctx, a.object, readRecord[QueueInfo], a.id(a.lib.queueByID, id))
}

// ListQueues lists queues by id.
func (a *Admin) ListQueues(ctx context.Context, page Page) ([]QueueInfo, error) {
	return ask(ctx, a.object, readRecord[[]QueueInfo], a.rows(a.lib.queueList, rows{page: page}))
}

// CountQueues counts queues.
func (a *Admin) CountQueues(ctx context.Context) (int64, error) {
	return ask(ctx, a.object, readCount, a.rows(a.lib.queueCount, rows{}))
}

// DeleteQueue removes a queue and its archive. Errors: QueueNotFound,
// StateTransition while messages or live workers exist.
func (a *Admin) DeleteQueue(ctx context.Context, name string) error {
	return run(ctx, a.object, a.name(a.lib.queueDelete, name))
}

// PurgeQueue removes every message of a queue, keeps its archive, and returns how
// many there were.
func (a *Admin) PurgeQueue(ctx context.Context, name string) (int64, error) {
	return ask(ctx, a.object, readCount, a.name(a.lib.queuePurge, name))
}

// Metrics counts the messages of one queue, or with "" of each.
func (a *Admin) Metrics(ctx context.Context, queue string) ([]QueueMetrics, error) {
	return ask(ctx, a.object, readRecord[[]QueueMetrics], a.rows(a.lib.queueMetrics, rows{Filter: Filter{Queue: queue}}))
}

// Stats counts over the whole store.
func (a *Admin) Stats(ctx context.Context) (SystemStats, error) {
	return ask(ctx, a.object, readRecord[SystemStats], a.target(a.lib.storeStats))
}

// Inspect returns the settings of the database that bear on durability and speed,
// in a fixed order.
func (a *Admin) Inspect(ctx context.Context) ([]Setting, error) {
	return ask(ctx, a.object, readSettings, a.target(a.lib.storeInspect))
}

// Reclaim takes leases back from workers whose heartbeat is older than olderThan;
// 0: three heartbeat intervals. With "" it looks at every queue.
func (a *Admin) Reclaim(ctx context.Context, queue string, olderThan time.Duration) (int64, error) {
	return ask(ctx, a.object, readCount,
		a.rows(a.lib.messageReclaim, rows{Filter: Filter{Queue: queue}, age: olderThan}))
}

// GetWorker finds a worker. Errors: WorkerNotFound.
func (a *Admin) GetWorker(ctx context.Context, id int64) (WorkerInfo, error) {
	return ask(ctx, a.object, readRecord[WorkerInfo], a.id(a.lib.workerGet, id))
}

// ListWorkers lists the workers of one queue, or with "" of each.
func (a *Admin) ListWorkers(ctx context.Context, queue string, page Page) ([]WorkerInfo, error) {
	return ask(ctx, a.object, readRecord[[]WorkerInfo],
		a.rows(a.lib.workerList, rows{Filter: Filter{Queue: queue}, page: page}))
}

// CountWorkers counts the workers of one queue, or with "" of each.
func (a *Admin) CountWorkers(ctx context.Context, queue string) (int64, error) {
	return ask(ctx, a.object, readCount, a.rows(a.lib.workerCount, rows{Filter: Filter{Queue: queue}}))
}

// WorkerStats counts the workers of one queue, or with "" of each queue.
func (a *Admin) WorkerStats(ctx context.Context, queue string) ([]WorkerStats, error) {
	return ask(ctx, a.object, readRecord[[]WorkerStats], a.rows(a.lib.workerStats, rows{Filter: Filter{Queue: queue}}))
}

// WorkerHealth tells live workers from dead ones by the age of their heartbeat; 0:
// three heartbeat intervals.
func (a *Admin) WorkerHealth(ctx context.Context, queue string, olderThan time.Duration) ([]WorkerHealth, error) {
	return ask(ctx, a.object, readRecord[[]WorkerHealth],
		a.rows(a.lib.workerHealth, rows{Filter: Filter{Queue: queue}, age: olderThan}))
}

// DeleteWorker removes a worker. Errors: WorkerNotFound, StateTransition while it
// holds leases.
func (a *Admin) DeleteWorker(ctx context.Context, id int64) error {
	return run(ctx, a.object, a.id(a.lib.workerDelete, id))
}

// ReleaseWorker stops a worker from outside, gives back all that it holds and
// returns how much that was. Errors: WorkerNotFound.
func (a *Admin) ReleaseWorker(ctx context.Context, id int64) (int64, error) {
	return ask(ctx, a.object, readCount, a.id(a.lib.workerRelease, id))
}

// PurgeWorkers removes the rows of workers that are stopped, or whose heartbeat is
// older than olderThan (0: sixty heartbeat intervals), and returns how many.
func (a *Admin) PurgeWorkers(ctx context.Context, olderThan time.Duration) (int64, error) {
	return ask(ctx, a.object, readCount, a.rows(a.lib.workerPurge, rows{age: olderThan}))
}
