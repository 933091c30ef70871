package loadgen

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// cycles are what the workloads need that store messages and take them again.
type cycles struct {
	producer BatchEnqueuer
	taker    Taker
	params   Params
	batch    int
}

func newCycles(contender Contender, params Params) (cycles, error) {
	producer, err := as[BatchEnqueuer](contender, "enqueue_batch")
	if err != nil {
		return cycles{}, err
	}
	taker, err := as[Taker](contender, "take")
	return cycles{producer, taker, params, params.Int("batch")}, err
}

// storeAndDrain stores messages by batches and then takes them all by batches, one
// after the other; the rate is of whole cycles.
type storeAndDrain struct {
	cycles
	take Take
}

func newStoreAndDrain(contender Contender, params Params) (workload, error) {
	c, err := newCycles(contender, params)
	return &storeAndDrain{cycles: c}, err
}

func (s *storeAndDrain) prepare(ctx context.Context) (err error) {
	if s.take, err = s.taker.Taker(ctx); err != nil {
		return err
	}
	const warm = 4 // batches
	return s.cycle(ctx, warm*s.batch)
}

func (s *storeAndDrain) run(ctx context.Context) (Result, error) {
	start, messages := time.Now(), s.params.Int("messages")
	if err := s.cycle(ctx, messages); err != nil {
		return nil, err
	}
	return Rate(int64(messages), start), nil
}

func (s *storeAndDrain) cycle(ctx context.Context, messages int) error {
	for stored := 0; stored < messages; stored += s.batch {
		if err := s.producer.EnqueueBatch(ctx, min(s.batch, messages-stored)); err != nil {
			return err
		}
	}
	for taken := 0; taken < messages; {
		n, err := s.take(ctx, s.batch)
		if err != nil {
			return err
		}
		taken += n
	}
	return nil
}

// steady has one producer beside claimers; the rate is of what was taken. The
// producer waits while several batches for each claimer lie ready.
type steady struct {
	cycles
	takes []Take
}

func newSteady(contender Contender, params Params) (workload, error) {
	c, err := newCycles(contender, params)
	return &steady{cycles: c}, err
}

func (s *steady) prepare(ctx context.Context) error {
	for range s.params.Int("claimers") {
		take, err := s.taker.Taker(ctx)
		if err != nil {
			return err
		}
		s.takes = append(s.takes, take)
	}
	_, err := s.load(ctx, s.params.Seconds("warmup", 0.5))
	return err
}

func (s *steady) run(ctx context.Context) (Result, error) {
	return s.load(ctx, s.params.Seconds("seconds", 5))
}

func (s *steady) load(ctx context.Context, lasts time.Duration) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	const ahead = 8 // batches for each claimer
	tickets := make(chan struct{}, ahead*len(s.takes))
	var taken atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	over := time.After(lasts)
	all.Go(func() {
		defer close(tickets)
		for {
			if err := s.producer.EnqueueBatch(ctx, s.batch); err != nil {
				cancel(err)
				return
			}
			select {
			case tickets <- struct{}{}: // a batch lies ready
			case <-over:
				return
			}
		}
	})
	for _, take := range s.takes {
		all.Go(func() {
			for range tickets {
				n, err := take(ctx, s.batch)
				if err != nil {
					cancel(err)
					return
				}
				taken.Add(int64(n))
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return Rate(taken.Load(), start), nil
}
