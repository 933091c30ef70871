package core

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/validate"
)

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

// worker is what a Producer and a Consumer have in common: a registration, its
// lifecycle, and a reference on the store.
type worker struct {
	s         *Store
	b         *backend
	kind      string // "producer" or "consumer"
	id        int64
	queue     model.QueueInfo
	lanes     *queueLanes // of the queue; set once the store has adopted the worker
	ephemeral bool

	// status is the state as last seen: set by own transitions and by the beat.
	// The engine checks the stored state again at every claim.
	status atomic.Value // model.WorkerStatus

	// ctx ends when the worker is closed: its waiting calls end.
	ctx    context.Context
	cancel context.CancelFunc

	// mu guards closing and interrupted.
	mu          sync.Mutex
	closing     bool
	calls       sync.WaitGroup // calls that may still take leases; Add under mu
	interrupted chan struct{}  // closed and replaced when the worker is interrupted

	// loop makes the beginnings and ends of loops one after the other; it is held
	// while a statement runs. polls counts the loops there are.
	loop  sync.Mutex
	polls int

	// claiming is held for reading by claims on their way, until what nobody wants of
	// them was given back. withdraw passes through it before it lets go of leases.
	claiming sync.RWMutex

	leases leases // what withdraw lets go of

	// interrupting counts interruptions under way: the database may refuse claims
	// because of one before its answer is here.
	interrupting atomic.Int64
}

// register opens a worker of a queue.
func (s *Store) register(ctx context.Context, kind, queue string, o WorkerOptions) (*worker, error) {
	if err := checkLabels(queue, o); err != nil {
		return nil, err
	}
	done, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer done()
	info, err := s.b.engine.GetQueue(ctx, queue)
	if err != nil {
		return nil, err
	}
	w := &worker{
		s: s, b: s.b, kind: kind, queue: info, ephemeral: o.Ephemeral, interrupted: make(chan struct{}),
	}
	w.ctx, w.cancel = context.WithCancel(s.b.ctx)
	w.status.Store(model.WorkerReady)
	if kind == "consumer" || !o.Ephemeral {
		if err := w.enrol(ctx, o); err != nil {
			w.cancel()
			return nil, err
		}
	}
	if err := s.adopt(w); err != nil {
		w.withdraw(context.WithoutCancel(ctx))
		return nil, err
	}
	return w, nil
}

func checkLabels(queue string, o WorkerOptions) error {
	if err := validate.Queue(queue); err != nil {
		return err
	}
	if err := validate.Hostname(o.Hostname); err != nil {
		return err
	}
	return validate.Port(o.Port)
}

// enrol stores the registration and starts its heartbeat.
func (w *worker) enrol(ctx context.Context, o WorkerOptions) error {
	hostname := o.Hostname
	if hostname == "" {
		hostname = uniqueHostname()
	}
	info, err := w.b.engine.RegisterWorker(ctx, model.NewWorker{
		QueueID: w.queue.ID, Name: w.kind, Hostname: hostname, Port: int32(o.Port),
	})
	if err != nil {
		return err
	}
	w.id = info.ID
	w.b.mu.Lock()
	w.b.workers[w.id] = w
	w.b.mu.Unlock()
	w.b.heart.Add(w.id, w.saw)
	return nil
}

// uniqueHostname labels a worker whose owner did not.
func uniqueHostname() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	var tail [4]byte
	_, _ = rand.Read(tail[:]) // never fails (crypto/rand)
	return host + "-" + strconv.Itoa(os.Getpid()) + "-" + hex.EncodeToString(tail[:])
}

// ID returns the worker id; 0 for an ephemeral producer.
func (w *worker) ID() int64 { return w.id }

// Queue returns the queue the worker is bound to.
func (w *worker) Queue() model.QueueInfo { return w.queue }

// begin admits one call of this worker.
func (w *worker) begin() (func(), error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closing {
		return nil, errClosed(w.kind)
	}
	done, err := w.b.begin()
	if err != nil {
		return nil, err
	}
	w.calls.Add(1)
	return func() { w.calls.Done(); done() }, nil
}

// admit is begin for a call that the state of the worker has to allow.
func (w *worker) admit() (func(), error) {
	done, err := w.begin()
	if err != nil {
		return nil, err
	}
	if err := w.refuse(); err != nil {
		done()
		return nil, err
	}
	return done, nil
}

// Heartbeat refreshes the worker's heartbeat now; it is also done in the
// background, every heartbeat interval.
func (w *worker) Heartbeat(ctx context.Context) error {
	return w.lifecycle(ctx, "heartbeat", func() error {
		states, err := w.b.engine.Heartbeat(ctx, []int64{w.id})
		if err != nil {
			return err
		}
		status, known := states[w.id]
		if !known {
			return errWorkerGone(w.id)
		}
		w.saw(status)
		return nil
	})
}

// saw takes a state over, and ends waiting calls where it is an interruption,
// wherever that was asked for.
func (w *worker) saw(status model.WorkerStatus) {
	before := w.status.Swap(status)
	if status != model.WorkerInterrupted || before == status {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.interrupted)
	w.interrupted = make(chan struct{})
}

// interruption returns what is closed by the next interruption. A call fetches it
// before it looks at the status, so that it cannot miss one.
func (w *worker) interruption() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.interrupted
}

// Suspend pauses a ready worker: ready → suspended.
func (w *worker) Suspend(ctx context.Context) error {
	return w.move(ctx, "suspend", model.WorkerSuspended, model.WorkerReady, model.WorkerPolling)
}

// Interrupt pauses a worker and its loops: ready|polling → interrupted, until
// Resume. Dequeues that are waiting end at once with no messages, later ones
// answer fault.StateTransition; what the worker holds it keeps.
func (w *worker) Interrupt(ctx context.Context) error {
	w.interrupting.Add(1)
	defer w.interrupting.Add(-1)
	return w.move(ctx, "interrupt", model.WorkerInterrupted, model.WorkerReady, model.WorkerPolling)
}

// Resume continues a suspended or interrupted worker: → ready, or polling while
// it has a loop.
func (w *worker) Resume(ctx context.Context) error {
	w.loop.Lock()
	defer w.loop.Unlock()
	to := model.WorkerReady
	if w.polls > 0 {
		to = model.WorkerPolling
	}
	return w.move(ctx, "resume", to, model.WorkerSuspended, model.WorkerInterrupted)
}

// Poll tells that a loop that takes messages begins (true) or has ended (false):
// ready → polling with the first, polling → ready with the last. Each beginning
// that worked is to be paired with one end. What the worker may do is the same in
// both states. The end of a loop whose worker is in any other state by now, for
// example because it was interrupted, leaves that state alone.
func (w *worker) Poll(ctx context.Context, polling bool) error {
	w.loop.Lock()
	defer w.loop.Unlock()
	if polling {
		if w.polls == 0 {
			if err := w.move(ctx, "poll", model.WorkerPolling, model.WorkerReady, model.WorkerPolling); err != nil {
				return err
			}
		}
		w.polls++
		return nil
	}
	w.polls = max(w.polls-1, 0)
	if w.polls > 0 {
		return nil
	}
	err := w.move(ctx, "poll", model.WorkerReady, model.WorkerPolling)
	if fault.Is(err, fault.StateTransition) {
		return nil
	}
	return err
}

// Shutdown stops the worker for good and releases what it holds. The object
// stays open for Status; its other calls answer fault.StateTransition.
func (w *worker) Shutdown(ctx context.Context) error {
	err := w.move(ctx, "shutdown", model.WorkerStopped,
		model.WorkerReady, model.WorkerPolling, model.WorkerSuspended, model.WorkerInterrupted)
	if err != nil {
		return err
	}
	return w.lifecycle(ctx, "shutdown", func() error {
		w.withdraw(context.WithoutCancel(ctx))
		return nil
	})
}

// Status returns the stored state of the worker.
func (w *worker) Status(ctx context.Context) (model.WorkerStatus, error) {
	if w.id == 0 {
		return w.status.Load().(model.WorkerStatus), nil
	}
	info, err := registered(ctx, w, "status", func() (model.WorkerInfo, error) {
		return w.b.engine.GetWorker(ctx, w.id)
	})
	return info.Status, err
}

// IsHealthy reports whether the worker is not stopped and its stored heartbeat is
// younger than maxAge.
func (w *worker) IsHealthy(ctx context.Context, maxAge time.Duration) (bool, error) {
	info, err := registered(ctx, w, "is_healthy", func() (model.WorkerInfo, error) {
		return w.b.engine.GetWorker(ctx, w.id)
	})
	return err == nil && info.Status != model.WorkerStopped && time.Since(info.HeartbeatAt) < maxAge, err
}

func (w *worker) move(ctx context.Context, op string, to model.WorkerStatus, from ...model.WorkerStatus) error {
	return w.lifecycle(ctx, op, func() error {
		if err := w.b.engine.SetWorkerStatus(ctx, w.id, from, to); err != nil {
			return err
		}
		w.saw(to)
		return nil
	})
}

// lifecycle runs a call that needs a stored registration.
func (w *worker) lifecycle(ctx context.Context, op string, f func() error) error {
	_, err := registered(ctx, w, op, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// registered is lifecycle for a call with a result.
func registered[T any](ctx context.Context, w *worker, op string, f func() (T, error)) (T, error) {
	var none T
	if w.id == 0 {
		return none, named(op, "", &fault.Error{
			Kind: fault.StateTransition, Safe: true,
			Text: "an ephemeral producer has no registration; open a producer of its own",
		})
	}
	done, err := w.begin()
	if err != nil {
		return none, named(op, "", err)
	}
	defer done()
	value, err := bounded(ctx, &w.b.group, fault.Late, f)
	return value, named(op, "", err)
}

func errWorkerGone(id int64) error {
	return &fault.Error{
		Kind: fault.WorkerNotFound, Field: strconv.FormatInt(id, 10), Safe: true,
		Text: "Worker " + strconv.FormatInt(id, 10) + " not found; it was deleted or purged, open a new one",
	}
}

// refuse answers what a worker in the present state must not do.
func (w *worker) refuse() error {
	status := w.status.Load().(model.WorkerStatus)
	if status.MayClaim() {
		return nil
	}
	text := w.kind + " is " + string(status)
	if status == model.WorkerStopped {
		text += "; open a new one"
	} else {
		text += "; call resume() first"
	}
	return &fault.Error{Kind: fault.StateTransition, Field: w.kind, Text: text, Safe: true}
}

// Close ends the worker: waiting calls end, what it holds is released, its row is
// marked stopped (ephemeral: removed), and its reference on the store is given
// back. A second Close is a no-op. When ctx ends first, closing goes on in the
// background.
func (w *worker) Close(ctx context.Context) error {
	w.mu.Lock()
	if w.closing {
		w.mu.Unlock()
		return nil
	}
	w.closing = true
	w.mu.Unlock()
	w.cancel()
	done, err := w.b.begin()
	if err != nil { // the backend is closing and does it for all
		w.calls.Wait()
		w.s.disown(w)
		return nil
	}
	ended := sync.OnceFunc(done)
	defer ended()
	_, err = bounded(ctx, &w.b.group, fault.FromContext, func() (struct{}, error) {
		w.calls.Wait() // a dequeue on the wire may still take leases
		w.withdraw(context.WithoutCancel(ctx))
		ended()
		w.s.disown(w)
		return struct{}{}, nil
	})
	return named("close", "", err)
}

// withdraw takes the worker off everything that runs in the background and stops
// its registration.
func (w *worker) withdraw(ctx context.Context) {
	if w.id == 0 {
		return
	}
	w.claiming.Lock() // what a claim takes in this moment has to be let go of as well
	//lint:ignore SA2001 to pass through is the point
	w.claiming.Unlock()
	w.b.heart.Remove(w.id)
	w.b.keeper.ForgetWorker(w.id)
	w.b.mu.Lock()
	_, ours := w.b.workers[w.id]
	delete(w.b.workers, w.id)
	w.b.mu.Unlock()
	if !ours {
		return // shut down before, or the backend is closing and does it for all
	}
	w.b.stopWorkers(ctx, []*worker{w}, w.ephemeral)
	if w.kind == "consumer" {
		w.b.published(w.queue.ID) // what was released can be taken now
	}
}
