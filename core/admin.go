package core

import (
	"context"
	"time"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/validate"
)

// Admin looks after queues, workers and the tables of messages. Queues go by
// name. All methods are safe for concurrent use.
type Admin struct {
	s *Store
}

// Filter selects messages; zero fields do not restrict.
type Filter struct {
	Queue    string
	WorkerID int64 // the consumer that holds, or finished, the message
	DeadOnly bool  // archive only: dead letters
	MinReads int32 // leased at least so often
	// Contains is a JSON document: only messages whose payload contains it, by
	// the rules of PostgreSQL's jsonb @> on either engine: members of objects and
	// elements of arrays in any order and however often, at every depth, and
	// numbers by value. Every message that the other fields select is looked at.
	Contains string
}

// ask runs one engine call under the name of its operation and of the queue it
// is about ("" for none).
func ask[T any](a *Admin, op, queue string, f func(engine.Engine) (T, error)) (T, error) {
	done, err := a.s.begin()
	if err != nil {
		var none T
		return none, named(op, queue, err)
	}
	defer done()
	answer, err := f(a.s.b.engine)
	return answer, named(op, queue, err)
}

// do is ask for calls that answer nothing.
func do(a *Admin, op, queue string, f func(engine.Engine) error) error {
	_, err := ask(a, op, queue, func(e engine.Engine) (struct{}, error) { return struct{}{}, f(e) })
	return err
}

// queueID resolves a queue's name; "" is 0, every queue.
func queueID(ctx context.Context, e engine.Engine, queue string) (int64, error) {
	if queue == "" {
		return 0, nil
	}
	info, err := e.GetQueue(ctx, queue)
	return info.ID, err
}

// CreateQueue adds a queue. maxReadCt is how often a message may be leased before
// it is dead-lettered; 0: the store's default. Errors: fault.QueueExists.
func (a *Admin) CreateQueue(ctx context.Context, name string, maxReadCt int32) (model.QueueInfo, error) {
	return ask(a, "create_queue", name, func(e engine.Engine) (model.QueueInfo, error) {
		if err := validate.Queue(name); err != nil {
			return model.QueueInfo{}, err
		}
		if err := validate.MaxReadCt(int(maxReadCt)); err != nil {
			return model.QueueInfo{}, err
		}
		if maxReadCt == 0 {
			maxReadCt = int32(a.s.b.cfg.MaxReadCt)
		}
		return e.CreateQueue(ctx, name, maxReadCt)
	})
}

// GetQueue finds a queue. Errors: fault.QueueNotFound.
func (a *Admin) GetQueue(ctx context.Context, name string) (model.QueueInfo, error) {
	return ask(a, "get_queue", name, func(e engine.Engine) (model.QueueInfo, error) {
		if err := validate.Queue(name); err != nil {
			return model.QueueInfo{}, err
		}
		return e.GetQueue(ctx, name)
	})
}

// GetQueueByID finds a queue by its id. Errors: fault.QueueNotFound.
func (a *Admin) GetQueueByID(ctx context.Context, id int64) (model.QueueInfo, error) {
	return ask(a, "get_queue", "", func(e engine.Engine) (model.QueueInfo, error) { return e.GetQueueByID(ctx, id) })
}

// ListQueues lists queues by id.
func (a *Admin) ListQueues(ctx context.Context, page model.Page) ([]model.QueueInfo, error) {
	return ask(a, "list_queues", "", func(e engine.Engine) ([]model.QueueInfo, error) {
		if err := checkPage(page); err != nil {
			return nil, err
		}
		return e.ListQueues(ctx, page)
	})
}

// CountQueues counts the queues.
func (a *Admin) CountQueues(ctx context.Context) (int64, error) {
	return ask(a, "count_queues", "", func(e engine.Engine) (int64, error) { return e.CountQueues(ctx) })
}

// DeleteQueue removes an empty queue and keeps its archive. Errors:
// fault.QueueNotFound; fault.StateTransition while it has messages or workers
// that are not stopped; fault.Timeout while a transaction that has written messages
// does not end.
func (a *Admin) DeleteQueue(ctx context.Context, name string) error {
	return do(a, "delete_queue", name, func(e engine.Engine) error { return e.DeleteQueue(ctx, name) })
}

// PurgeQueue removes every message that a queue has when it begins, leased ones too,
// keeps its archive and returns how many it removed. An error may leave some of them.
// Errors: fault.QueueNotFound.
func (a *Admin) PurgeQueue(ctx context.Context, name string) (int64, error) {
	return ask(a, "purge_queue", name, func(e engine.Engine) (int64, error) { return e.PurgeQueue(ctx, name) })
}

// Metrics counts the messages of one queue, or of each for "".
func (a *Admin) Metrics(ctx context.Context, queue string) ([]model.QueueMetrics, error) {
	return ask(a, "queue_metrics", queue, func(e engine.Engine) ([]model.QueueMetrics, error) {
		id, err := queueID(ctx, e, queue)
		if err != nil {
			return nil, err
		}
		return e.Metrics(ctx, id)
	})
}

// Stats counts over the whole store.
func (a *Admin) Stats(ctx context.Context) (model.SystemStats, error) {
	return ask(a, "system_stats", "", func(e engine.Engine) (model.SystemStats, error) { return e.Stats(ctx) })
}

// Inspect reads what of the database's settings bears on durability and speed, and
// on PostgreSQL who has held back vacuum for more than a minute; see model.Setting.
func (a *Admin) Inspect(ctx context.Context) ([]model.Setting, error) {
	return ask(a, "inspect", "", func(e engine.Engine) ([]model.Setting, error) { return e.Inspect(ctx) })
}

// Reclaim takes leases back from workers whose heartbeat is older than olderThan
// (0: three heartbeat intervals), in one queue or, for "", in all, and marks those
// workers stopped. It returns how many messages it let go.
func (a *Admin) Reclaim(ctx context.Context, queue string, olderThan time.Duration) (int64, error) {
	return ask(a, "reclaim_messages", queue, func(e engine.Engine) (int64, error) {
		if err := validate.Delay(olderThan); err != nil {
			return 0, err
		}
		if olderThan == 0 {
			olderThan = reclaimBeats * a.s.b.cfg.HeartbeatInterval
		}
		id, err := queueID(ctx, e, queue)
		if err != nil {
			return 0, err
		}
		n, err := e.Reclaim(ctx, id, olderThan)
		if n > 0 {
			a.s.b.published(id)
		}
		return n, err
	})
}

func checkPage(page model.Page) error { return validate.Page(page.Limit, page.Offset) }
