// Package core is pgqrs in Go: a durable job queue on PostgreSQL or one SQLite
// file, usable as a library by itself and the inside of the C ABI.
//
//	store, err := core.Open(ctx, "postgresql://localhost/mydb", core.WithBootstrap())
//	_, err = store.Admin().CreateQueue(ctx, "tasks", 0)
//
//	producer, err := store.Producer(ctx, "tasks", core.WorkerOptions{})
//	id, err := producer.Enqueue(ctx, map[string]any{"task": "send_email"})
//
//	consumer, err := store.Consumer(ctx, "tasks", core.WorkerOptions{})
//	messages, err := consumer.Dequeue(ctx, core.DequeueOptions{Batch: 10, Wait: 5 * time.Second})
//	for _, m := range messages {
//		ok, err := m.Archive(ctx) // false: the lease was lost meanwhile
//	}
//
// # Workflows
//
//	run, err := store.Trigger(ctx, "orders", order)          // stored with the message that carries it
//	execution, _, err := store.StartRun(ctx, run.ID, m.ID)   // whoever leased that message
//	step, execute, err := execution.Acquire(ctx, "charge", 0) // false: done before, step.Output
//	_, err = execution.CompleteStep(ctx, "charge", output)
//	_, err = execution.Complete(ctx, output)
//
// # Promises
//
// Enqueue and every acknowledgement answer after their commit. Concurrent single
// calls share commits (core/batch). An acknowledgement takes effect only under
// the fencing token of its lease. Leases taken with AutoExtend are kept alive in
// the background (core/lease). Waiting consumers are woken, also by other
// processes (core/wake).
//
// # Contexts
//
// A cancelled call takes back what was not sent (fault.Cancelled: nothing was
// committed) and waits for the true outcome of what was. A call whose deadline
// passes answers fault.Timeout when nothing was committed and
// fault.OutcomeUnknown when that cannot be known. A Dequeue that is cancelled or
// late leaves no lease behind, so its deadline is always a fault.Timeout.
//
// # Errors
//
// Every error is a *fault.Error; ask fault.Is(err, fault.QueueNotFound),
// fault.IsTransient(err), fault.SafeToRetry(err).
package core
