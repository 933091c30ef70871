package core

import (
	"context"
	"time"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/validate"
)

// GetWorker finds a worker. Errors: fault.WorkerNotFound.
func (a *Admin) GetWorker(ctx context.Context, id int64) (model.WorkerInfo, error) {
	return ask(a, "get_worker", "", func(e engine.Engine) (model.WorkerInfo, error) { return e.GetWorker(ctx, id) })
}

// ListWorkers lists the workers of a queue by id, or of all queues for "".
func (a *Admin) ListWorkers(ctx context.Context, queue string, page model.Page) ([]model.WorkerInfo, error) {
	return ask(a, "list_workers", queue, func(e engine.Engine) ([]model.WorkerInfo, error) {
		if err := checkPage(page); err != nil {
			return nil, err
		}
		id, err := queueID(ctx, e, queue)
		if err != nil {
			return nil, err
		}
		return e.ListWorkers(ctx, id, page)
	})
}

// CountWorkers counts the workers of a queue, or of all queues for "", stopped
// ones included.
func (a *Admin) CountWorkers(ctx context.Context, queue string) (int64, error) {
	return ask(a, "count_workers", queue, func(e engine.Engine) (int64, error) {
		id, err := queueID(ctx, e, queue)
		if err != nil {
			return 0, err
		}
		return e.CountWorkers(ctx, id)
	})
}

// WorkerStats counts the workers of a queue by state and kind, or those of each
// queue for "". Errors: fault.QueueNotFound.
func (a *Admin) WorkerStats(ctx context.Context, queue string) ([]model.WorkerStats, error) {
	return a.workerStats(ctx, "worker_stats", queue, 0)
}

// WorkerHealth tells the living workers of a queue, or of each queue for "", from
// those whose heartbeat is older than olderThan (0: three heartbeat intervals).
// Errors: fault.QueueNotFound.
func (a *Admin) WorkerHealth(ctx context.Context, queue string, olderThan time.Duration) ([]model.WorkerHealth, error) {
	list, err := a.workerStats(ctx, "worker_health_stats", queue, olderThan)
	if err != nil {
		return nil, err
	}
	health := make([]model.WorkerHealth, len(list))
	for i, w := range list {
		health[i] = model.WorkerHealth{
			QueueID: w.QueueID, QueueName: w.QueueName, Total: w.Total,
			Healthy: w.Total - w.Stopped - w.Stale, Stale: w.Stale, Stopped: w.Stopped,
		}
	}
	return health, nil
}

func (a *Admin) workerStats(ctx context.Context, op, queue string, stale time.Duration) ([]model.WorkerStats, error) {
	return ask(a, op, queue, func(e engine.Engine) ([]model.WorkerStats, error) {
		if err := validate.Delay(stale); err != nil {
			return nil, err
		}
		if stale == 0 {
			stale = reclaimBeats * a.s.b.cfg.HeartbeatInterval
		}
		id, err := queueID(ctx, e, queue)
		if err != nil {
			return nil, err
		}
		return e.WorkerStats(ctx, id, stale)
	})
}

// DeleteWorker removes a worker's row. Errors: fault.WorkerNotFound;
// fault.StateTransition while it holds leases.
func (a *Admin) DeleteWorker(ctx context.Context, id int64) error {
	return do(a, "delete_worker", "", func(e engine.Engine) error { return e.DeleteWorker(ctx, id) })
}

// ReleaseWorker releases what a worker holds, marks it stopped, and returns how
// many messages it let go. Errors: fault.WorkerNotFound.
func (a *Admin) ReleaseWorker(ctx context.Context, id int64) (int64, error) {
	return ask(a, "release_worker_messages", "", func(e engine.Engine) (int64, error) {
		info, err := e.GetWorker(ctx, id)
		if err != nil {
			return 0, err
		}
		n, err := e.StopWorkers(ctx, []int64{id}, engine.AnyLease, false)
		if n > 0 {
			a.s.b.published(info.QueueID)
		}
		return n, err
	})
}

// PurgeWorkers removes the rows of workers that are stopped, or whose heartbeat
// is older than olderThan (0: sixty heartbeat intervals), and returns how many.
func (a *Admin) PurgeWorkers(ctx context.Context, olderThan time.Duration) (int64, error) {
	return ask(a, "purge_old_workers", "", func(e engine.Engine) (int64, error) {
		if err := validate.Delay(olderThan); err != nil {
			return 0, err
		}
		if olderThan == 0 {
			olderThan = staleBeats * a.s.b.cfg.HeartbeatInterval
		}
		return e.PurgeWorkers(ctx, olderThan)
	})
}

// GetMessage finds a message in its queue. Errors: fault.MessageNotFound.
func (a *Admin) GetMessage(ctx context.Context, id int64) (model.Message, error) {
	return ask(a, "get_message", "", func(e engine.Engine) (model.Message, error) { return e.GetMessage(ctx, id) })
}

// ListMessages lists messages in their queues by id.
func (a *Admin) ListMessages(ctx context.Context, f Filter, page model.Page) ([]model.Message, error) {
	return list(ctx, a, "list_messages", f, page, engine.Engine.ListMessages)
}

// CountMessages counts messages in their queues.
func (a *Admin) CountMessages(ctx context.Context, f Filter) (int64, error) {
	return count(ctx, a, "count_messages", f, engine.Engine.CountMessages)
}

// DeadLetter moves a message that nobody leases to the archive as a dead letter,
// with the reason "moved by hand". Errors: fault.MessageNotFound;
// fault.StateTransition while it is leased.
func (a *Admin) DeadLetter(ctx context.Context, id int64) error {
	return do(a, "dead_letter", "", func(e engine.Engine) error { return e.DeadLetter(ctx, id) })
}

// GetArchived finds an archived message. Errors: fault.MessageNotFound.
func (a *Admin) GetArchived(ctx context.Context, id int64) (model.Message, error) {
	return ask(a, "get_archived", "", func(e engine.Engine) (model.Message, error) { return e.GetArchived(ctx, id) })
}

// ListArchived lists archived messages by id.
func (a *Admin) ListArchived(ctx context.Context, f Filter, page model.Page) ([]model.Message, error) {
	return list(ctx, a, "list_archived", f, page, engine.Engine.ListArchived)
}

// CountArchived counts archived messages.
func (a *Admin) CountArchived(ctx context.Context, f Filter) (int64, error) {
	return count(ctx, a, "count_archived", f, engine.Engine.CountArchived)
}

// DeleteArchived removes one archived message. Errors: fault.MessageNotFound.
func (a *Admin) DeleteArchived(ctx context.Context, id int64) error {
	return do(a, "delete_archived", "", func(e engine.Engine) error { return e.DeleteArchived(ctx, id) })
}

// PurgeArchive removes the archived messages that f selects and that are older
// than olderThan (0: of any age), and returns how many. It removes them in parts:
// when it fails, or ctx ends, what was removed before stays removed. Errors:
// fault.InvalidArgument when neither f nor olderThan restricts anything;
// fault.QueueNotFound.
func (a *Admin) PurgeArchive(ctx context.Context, f Filter, olderThan time.Duration) (int64, error) {
	return ask(a, "purge_archive", f.Queue, func(e engine.Engine) (int64, error) {
		if f == (Filter{}) && olderThan == 0 {
			return 0, fault.Argument("filter", "selects the whole archive: give a queue, a worker, an age, or dead letters only")
		}
		if err := validate.Delay(olderThan); err != nil {
			return 0, err
		}
		filter, err := resolve(ctx, e, f)
		if err != nil {
			return 0, err
		}
		return purge(ctx, e, filter, olderThan)
	})
}

// Replay moves a dead letter back into its queue, visible now, with a receive
// count of 0. Errors: fault.MessageNotFound; fault.StateTransition for a message
// its consumer archived; fault.QueueNotFound when its queue is gone.
func (a *Admin) Replay(ctx context.Context, id int64) error {
	return do(a, "replay", "", func(e engine.Engine) error {
		if err := e.ReplayArchived(ctx, id); err != nil {
			return err
		}
		a.s.b.published(0)
		return nil
	})
}

func list(ctx context.Context, a *Admin, op string, f Filter, page model.Page,
	read func(engine.Engine, context.Context, engine.Filter, model.Page) ([]model.Message, error),
) ([]model.Message, error) {
	return ask(a, op, f.Queue, func(e engine.Engine) ([]model.Message, error) {
		if err := checkPage(page); err != nil {
			return nil, err
		}
		filter, err := resolve(ctx, e, f)
		if err != nil {
			return nil, err
		}
		return read(e, ctx, filter, page)
	})
}

func count(ctx context.Context, a *Admin, op string, f Filter,
	read func(engine.Engine, context.Context, engine.Filter) (int64, error),
) (int64, error) {
	return ask(a, op, f.Queue, func(e engine.Engine) (int64, error) {
		filter, err := resolve(ctx, e, f)
		if err != nil {
			return 0, err
		}
		return read(e, ctx, filter)
	})
}

// resolve checks a filter and turns its names into ids.
func resolve(ctx context.Context, e engine.Engine, f Filter) (engine.Filter, error) {
	if f.Contains != "" {
		if err := validate.Contained([]byte(f.Contains)); err != nil {
			return engine.Filter{}, err
		}
	}
	id, err := queueID(ctx, e, f.Queue)
	return engine.Filter{
		QueueID: id, WorkerID: f.WorkerID, DeadOnly: f.DeadOnly, MinReads: f.MinReads, Contains: f.Contains,
	}, err
}
