package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pgqrs/pgqrs/benchmarks/go/loadgen"
	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/model"
)

const (
	queue = "bench"
	// Nothing is redelivered within a run.
	lease = 5 * time.Minute
)

type contender struct {
	store    *core.Store
	producer *core.Producer
	payload  []byte
}

func (c *contender) Open(ctx context.Context, dsn string, options map[string]any) (map[string]string, error) {
	c.payload = loadgen.Document(options)
	var err error
	if c.store, err = core.Open(ctx, dsn, core.WithBootstrap()); err != nil {
		return nil, err
	}
	if _, err := c.store.Admin().CreateQueue(ctx, queue, 0); err != nil {
		return nil, err
	}
	c.producer, err = c.store.Producer(ctx, queue, core.WorkerOptions{})
	return nil, err
}

func (c *contender) Close(ctx context.Context) {
	if c.store != nil {
		_ = c.store.Close(ctx)
	}
}

func (c *contender) Enqueue(ctx context.Context) error {
	_, err := c.producer.EnqueueJSON(ctx, [][]byte{c.payload}, core.EnqueueOptions{})
	return err
}

func (c *contender) EnqueueBatch(ctx context.Context, messages int) error {
	batch := make([][]byte, messages)
	for i := range batch {
		batch[i] = c.payload
	}
	_, err := c.producer.EnqueueJSON(ctx, batch, core.EnqueueOptions{})
	return err
}

func (c *contender) Taker(ctx context.Context) (loadgen.Take, error) {
	consumer, err := c.store.Consumer(ctx, queue, core.WorkerOptions{})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, batch int) (int, error) {
		messages, err := consumer.Dequeue(ctx, core.DequeueOptions{Batch: batch, Lease: lease})
		if err != nil || len(messages) == 0 {
			return 0, err
		}
		tokens := make([]model.Token, len(messages))
		for i, m := range messages {
			tokens[i] = model.Token{ID: m.ID, ReadCt: m.ReadCt}
		}
		archived, err := consumer.ArchiveMany(ctx, tokens)
		done := 0
		for _, ok := range archived {
			if ok {
				done++
			}
		}
		return done, err
	}, nil
}

// Probe calls what asks no database, from so many goroutines.
func (c *contender) Probe(_ context.Context, name string, seconds time.Duration, params loadgen.Params) (loadgen.Result, error) {
	if name != "round trip" {
		return nil, fmt.Errorf("%w: %s", loadgen.ErrUnsupported, name)
	}
	var done atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	for range params.Int("in_flight") {
		all.Go(func() {
			n := int64(0)
			for ; time.Since(start) < seconds; n++ {
				c.store.Activity()
			}
			done.Add(n)
		})
	}
	all.Wait()
	return loadgen.Result{"messages": float64(done.Load()), "seconds": time.Since(start).Seconds()}, nil
}

func main() { loadgen.Serve(&contender{}) }
