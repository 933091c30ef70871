package bindings

import "context"

// WorkerOptions label a producer or consumer. The zero value is the default.
type WorkerOptions struct {
	// Hostname is a label, not a lock; empty: this host's name, made unique.
	Hostname string
	// Port is a label between 0 and 65535.
	Port int
	// Ephemeral workers leave no row behind when they are closed. An ephemeral
	// producer registers no row at all, and its id is 0.
	Ephemeral bool
}

// worker is what a Producer and a Consumer have in common.
type worker struct {
	object
	id int64
}

type openWorker = func(store cHandle, queueName *cStr, options *cWorkerOptions, queue cHandle, userData uint64,
	op, failure *cHandle) int32

func (s *Store) register(ctx context.Context, open openWorker, queueName string, o WorkerOptions) (worker, error) {
	name := borrow(queueName)
	options := cWorkerOptions{hostname: borrow(o.Hostname), port: int32(o.Port)}
	options.structSize = sizeOf(options)
	if o.Ephemeral {
		options.flags = cWorkerEphemeral
	}
	opened, err := s.open(ctx, func(queue cHandle, userData uint64, op, failure *cHandle) int32 {
		return open(s.handle, &name, &options, queue, userData, op, failure)
	})
	if err != nil {
		return worker{}, err
	}
	w := worker{object: opened}
	if status := s.lib.workerID(w.handle, &w.id); status != int32(OK) {
		return worker{}, &Error{Status: Status(status), Op: "worker_id"}
	}
	return w, nil
}

// ID is the worker's id; 0 for an ephemeral producer.
func (w *worker) ID() int64 { return w.id }

// Heartbeat records a sign of life now; the store does it by itself as well.
func (w *worker) Heartbeat(ctx context.Context) error {
	return run(ctx, w.object, w.target(w.lib.workerHeartbeat))
}

// Suspend refuses new calls until Resume. Errors: StateTransition.
func (w *worker) Suspend(ctx context.Context) error {
	return run(ctx, w.object, w.target(w.lib.workerSuspend))
}

// Resume lifts a Suspend or an Interrupt. Errors: StateTransition.
func (w *worker) Resume(ctx context.Context) error {
	return run(ctx, w.object, w.target(w.lib.workerResume))
}

// Interrupt ends the waiting dequeues of the worker, and refuses later ones until
// Resume; what it holds it keeps. Errors: StateTransition.
func (w *worker) Interrupt(ctx context.Context) error {
	return run(ctx, w.object, w.target(w.lib.workerInterrupt))
}

// Poll tells that a loop that takes messages begins, or has ended. Errors:
// StateTransition (a beginning while suspended, interrupted or stopped).
func (w *worker) Poll(ctx context.Context, polling bool) error {
	var begins int32
	if polling {
		begins = 1
	}
	return run(ctx, w.object, func(queue cHandle, userData uint64, op, failure *cHandle) int32 {
		return w.lib.workerPoll(w.handle, begins, queue, userData, op, failure)
	})
}

// Shutdown ends the worker and releases what it holds. Errors: StateTransition.
func (w *worker) Shutdown(ctx context.Context) error {
	return run(ctx, w.object, w.target(w.lib.workerShutdown))
}

// Status asks for the state of the worker.
func (w *worker) Status(ctx context.Context) (WorkerStatus, error) {
	return ask(ctx, w.object, readStatus, w.target(w.lib.workerStatus))
}

// Close ends the worker and releases what it holds, in the background. Closing the
// store does it too.
func (w *worker) Close() error {
	if status := Status(w.lib.close(w.handle)); status != OK && status != Handle { // closed before
		return &Error{Status: status, Op: "close"}
	}
	return nil
}
