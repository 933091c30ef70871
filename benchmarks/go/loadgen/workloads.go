package loadgen

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A workload is what is done to a contender while the clock runs; see the Python twin.
type workload interface {
	prepare(ctx context.Context) error
	run(ctx context.Context) (Result, error)
}

var workloads = map[string]func(Contender, Params) (workload, error){
	"concurrent":   newConcurrent,
	"batches":      newBatches,
	"worker_drain": newWorkerDrain,
	"end_to_end":   newEndToEnd,
	"wakeup":       newWakeup,
	"idle":         newIdle,
	"probe":        newProbe,

	"store_and_drain": newStoreAndDrain,
	"steady":          newSteady,
}

// as returns the contender's verb, or that it has none.
func as[T any](contender Contender, verb string) (T, error) {
	able, ok := contender.(T)
	if !ok {
		return able, fmt.Errorf("%w: %s", ErrUnsupported, verb)
	}
	return able, nil
}

// Rate is the result of so many messages since start.
func Rate(messages int64, start time.Time) Result {
	return Result{"messages": float64(messages), "seconds": time.Since(start).Seconds()}
}

// repeat calls f from several goroutines until the time is over; returns how often it succeeded.
func repeat(ctx context.Context, goroutines int, lasts time.Duration, f func(context.Context) error) (int64, error) {
	var done atomic.Int64
	var failure atomic.Pointer[error]
	var all sync.WaitGroup
	deadline := time.Now().Add(lasts)
	for range goroutines {
		all.Go(func() {
			for time.Now().Before(deadline) {
				if err := f(ctx); err != nil {
					failure.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	if err := failure.Load(); err != nil {
		return 0, *err
	}
	return done.Load(), nil
}

// timed is a workload that repeats one thing: messages times for each call.
type timed struct {
	params     Params
	goroutines int
	messages   int
	call       func(context.Context) error
}

func (t timed) prepare(ctx context.Context) error {
	_, err := repeat(ctx, t.goroutines, t.params.Seconds("warmup", 0.5), t.call)
	return err
}

func (t timed) run(ctx context.Context) (Result, error) {
	start := time.Now()
	calls, err := repeat(ctx, t.goroutines, t.params.Seconds("seconds", 2), t.call)
	return Rate(calls*int64(t.messages), start), err
}

func newConcurrent(contender Contender, params Params) (workload, error) {
	able, err := as[Enqueuer](contender, "enqueue")
	if err != nil {
		return nil, err
	}
	return timed{params, params.Int("coroutines"), 1, able.Enqueue}, nil
}

func newBatches(contender Contender, params Params) (workload, error) {
	able, err := as[BatchEnqueuer](contender, "enqueue_batch")
	if err != nil {
		return nil, err
	}
	size := params.Int("size")
	return timed{params, 1, size, func(ctx context.Context) error { return able.EnqueueBatch(ctx, size) }}, nil
}

// workerDrain empties a backlog by the product's own worker; the time includes its
// start and, for what was handled, the acknowledgements.
type workerDrain struct {
	contender BatchEnqueuer
	worker    Worker
	params    Params
}

func newWorkerDrain(contender Contender, params Params) (workload, error) {
	able, err := as[BatchEnqueuer](contender, "enqueue_batch")
	if err != nil {
		return nil, err
	}
	worker, err := as[Worker](contender, "worker")
	return workerDrain{able, worker, params}, err
}

func (w workerDrain) prepare(ctx context.Context) error {
	for left := w.params.Int("backlog"); left > 0; left -= 1000 {
		if err := w.contender.EnqueueBatch(ctx, min(left, 1000)); err != nil {
			return err
		}
	}
	return nil
}

func (w workerDrain) run(ctx context.Context) (Result, error) {
	backlog := int64(w.params.Int("backlog"))
	var handled atomic.Int64
	empty := make(chan struct{})
	start := time.Now()
	stop, err := w.worker.Work(ctx, func() {
		if handled.Add(1) == backlog {
			close(empty)
		}
	}, w.params.Int("concurrency"))
	if err != nil {
		return nil, err
	}
	select {
	case <-empty:
	case <-time.After(w.params.Seconds("seconds", 30)):
	}
	stop()
	return Rate(handled.Load(), start), nil
}

// endToEnd has producers beside the product's own worker.
type endToEnd struct {
	producer Enqueuer
	worker   Worker
	params   Params
}

func newEndToEnd(contender Contender, params Params) (workload, error) {
	producer, err := as[Enqueuer](contender, "enqueue")
	if err != nil {
		return nil, err
	}
	worker, err := as[Worker](contender, "worker")
	return endToEnd{producer, worker, params}, err
}

func (e endToEnd) prepare(ctx context.Context) error {
	_, err := e.load(ctx, e.params.Seconds("warmup", 1))
	return err
}

func (e endToEnd) run(ctx context.Context) (Result, error) {
	return e.load(ctx, e.params.Seconds("seconds", 5))
}

func (e endToEnd) load(ctx context.Context, lasts time.Duration) (Result, error) {
	var handled atomic.Int64
	stop, err := e.worker.Work(ctx, func() { handled.Add(1) }, e.params.Int("concurrency"))
	if err != nil {
		return nil, err
	}
	start := time.Now()
	produced, err := repeat(ctx, e.params.Int("producers"), lasts, e.producer.Enqueue)
	result := Rate(handled.Load(), start)
	patience := time.Now().Add(e.params.Seconds("patience", 10))
	for err == nil && handled.Load() < produced && time.Now().Before(patience) {
		time.Sleep(10 * time.Millisecond)
	}
	result["produced"] = float64(produced)
	result["behind"] = float64(produced) - result["messages"]
	stop()
	return result, err
}

// wakeup sends one message at a time to a worker that waits.
type wakeup struct {
	producer Enqueuer
	worker   Worker
	params   Params
}

func newWakeup(contender Contender, params Params) (workload, error) {
	producer, err := as[Enqueuer](contender, "enqueue")
	if err != nil {
		return nil, err
	}
	worker, err := as[Worker](contender, "worker")
	return &wakeup{producer, worker, params}, err
}

func (w *wakeup) prepare(context.Context) error { return nil }

func (w *wakeup) run(ctx context.Context) (Result, error) {
	came := make(chan time.Time, 1)
	stop, err := w.worker.Work(ctx, func() { came <- time.Now() }, 10)
	if err != nil {
		return nil, err
	}
	defer stop()
	const warm = 5
	var taken []float64
	start := time.Now()
	for n := range warm + w.params.Int("messages") {
		time.Sleep(20*time.Millisecond + rand.N(40*time.Millisecond)) // it has to be idle, and out of step
		asked := time.Now()
		if err := w.producer.Enqueue(ctx); err != nil {
			return nil, err
		}
		select {
		case at := <-came:
			if n >= warm {
				taken = append(taken, at.Sub(asked).Seconds()*1e3)
			}
		case <-time.After(30 * time.Second):
			return nil, fmt.Errorf("message %d did not arrive within 30 s", n)
		}
	}
	slices.Sort(taken)
	result := Rate(int64(len(taken)), start)
	result["p50_ms"] = taken[len(taken)/2]
	result["p99_ms"] = taken[len(taken)*99/100]
	result["max_ms"] = taken[len(taken)-1]
	return result, nil
}

// idle has a worker wait for nothing, while the suite counts statements.
type idle struct {
	worker Worker
	params Params
	stop   func()
}

func newIdle(contender Contender, params Params) (workload, error) {
	worker, err := as[Worker](contender, "worker")
	return &idle{worker: worker, params: params}, err
}

func (i *idle) prepare(ctx context.Context) (err error) {
	i.stop, err = i.worker.Work(ctx, func() {}, 10)
	time.Sleep(i.params.Seconds("warmup", 2))
	return err
}

func (i *idle) run(context.Context) (Result, error) {
	start := time.Now()
	time.Sleep(i.params.Seconds("seconds", 10))
	result := Rate(0, start)
	i.stop()
	return result, nil
}

// probe is something that only one contender knows, by its name.
type probe struct {
	prober Prober
	params Params
}

func newProbe(contender Contender, params Params) (workload, error) {
	prober, err := as[Prober](contender, "probe")
	return probe{prober, params}, err
}

func (p probe) prepare(ctx context.Context) error {
	_, err := p.prober.Probe(ctx, p.params.String("name"), p.params.Seconds("warmup", 0.3), p.params)
	return err
}

func (p probe) run(ctx context.Context) (Result, error) {
	return p.prober.Probe(ctx, p.params.String("name"), p.params.Seconds("seconds", 2), p.params)
}
