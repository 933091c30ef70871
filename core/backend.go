package core

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/pgqrs/pgqrs/core/config"
	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/lease"
	"github.com/pgqrs/pgqrs/core/spawn"
	"github.com/pgqrs/pgqrs/core/validate"
	"github.com/pgqrs/pgqrs/core/wake"
)

// backend is what stores of equal configuration share: the engine and everything
// that runs in the background on its behalf. The registry counts its references.
type backend struct {
	cfg    config.Config
	rules  validate.Rules
	engine engine.Engine
	log    *slog.Logger
	report spawn.Report
	entry  *entry // set once by the registry, its fields belong to it

	group     spawn.Group
	lanes     lanes
	keeper    *lease.Keeper
	heart     *lease.Heart
	hub       *wake.Hub
	announcer *wake.Announcer
	silent    silence // maintenance's own, as are the next two
	sweeper   sweeper
	pruner    pruner

	// ctx ends when closing begins: waiting dequeues end, nothing new starts.
	ctx    context.Context
	cancel context.CancelFunc

	// mu guards the fields below.
	mu      sync.Mutex
	workers map[int64]*worker // registered through this backend and not ended
	calls   sync.WaitGroup    // engine calls that are not in a lane; Add under mu
	closing bool
	closed  chan struct{} // closed when close has finished
}

// newBackend starts nothing but maintenance: every other goroutine begins with
// the first need of it.
func newBackend(cfg config.Config, e engine.Engine, o options) *backend {
	b := &backend{
		cfg: cfg, engine: e, log: o.log, report: o.report,
		rules: validate.Rules{
			MaxPayloadBytes: cfg.MaxPayloadSizeBytes, MaxStringLength: cfg.MaxStringLength,
			MaxDepth: cfg.MaxObjectDepth, ForbiddenKeys: cfg.ForbiddenKeys, RequiredKeys: cfg.RequiredKeys,
		},
		workers: map[int64]*worker{}, closed: make(chan struct{}),
	}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.group.Report = o.report
	b.lanes.init(b)
	b.keeper = lease.NewKeeper(&b.group, e.Extend)
	b.heart = lease.NewHeart(&b.group, cfg.HeartbeatInterval, e.Heartbeat)
	b.announcer = wake.NewAnnouncer(&b.group, o.log, e.Notify)
	b.hub = wake.NewHub(wake.Options{
		Push: e.Capabilities().Push, Listen: e.Listen, Poll: cfg.PollInterval, Group: &b.group, Log: o.log,
	})
	b.group.Go(b.maintain)
	return b
}

// begin admits one engine call; the returned function ends it. Closing waits for
// admitted calls.
func (b *backend) begin() (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing {
		return nil, errClosed("store")
	}
	b.calls.Add(1)
	return b.calls.Done, nil
}

// published tells waiting consumers, here and elsewhere, that something changed
// in a queue.
func (b *backend) published(queueID int64) {
	b.hub.Announce(queueID)
	b.announcer.Announce(queueID)
}

// close ends the backend: flush what was accepted, let workers go, close the
// engine. ctx bounds the orderly part only; the engine is closed in any case. A
// second close waits for the first.
func (b *backend) close(ctx context.Context) {
	b.mu.Lock()
	if b.closing {
		b.mu.Unlock()
		select {
		case <-b.closed:
		case <-ctx.Done():
		}
		return
	}
	b.closing = true
	registered, ephemeral := b.takeWorkers()
	b.mu.Unlock()
	defer close(b.closed)

	b.cancel()
	if err := b.lanes.close(ctx); err != nil {
		b.log.Warn("closing: not everything was flushed in time", "error", err)
	}
	if err := b.callsEnd(ctx); err != nil {
		b.log.Warn("closing: not every call ended in time", "error", err)
	}
	b.keeper.Close()
	b.heart.Close()
	b.hub.Close()
	// Only now: a claim on its way could still take leases.
	b.stopWorkers(ctx, registered, false)
	b.stopWorkers(ctx, ephemeral, true)
	b.announcer.Close()
	b.calls.Wait()
	b.engine.Close()
	b.group.Wait()
}

// callsEnd waits until no call is in flight, or ctx ends.
func (b *backend) callsEnd(ctx context.Context) error {
	ended := make(chan struct{})
	b.group.Go(func() {
		b.calls.Wait()
		close(ended)
	})
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fault.FromContext(ctx)
	}
}

// takeWorkers empties the list of workers. mu is held.
func (b *backend) takeWorkers() (registered, ephemeral []*worker) {
	for _, w := range b.workers {
		if w.ephemeral {
			ephemeral = append(ephemeral, w)
		} else {
			registered = append(registered, w)
		}
	}
	clear(b.workers)
	return registered, ephemeral
}

// stopWorkers releases what workers hold. Failing to is not an error: their
// leases expire and their rows are purged when their heartbeat is stale.
func (b *backend) stopWorkers(ctx context.Context, workers []*worker, remove bool) {
	if len(workers) == 0 {
		return
	}
	ids, leases := make([]int64, len(workers)), time.Duration(0)
	for i, w := range workers {
		ids[i] = w.id
		leases = max(leases, w.leases.longest())
	}
	if _, err := b.engine.StopWorkers(ctx, ids, leases, remove); err != nil {
		b.log.Warn("stopping workers failed, their leases will expire by themselves", "error", err)
	}
}

// maintain does what no caller waits for, every now and then: dead letters of
// queues nobody claims from, rows of workers that are gone, old archive rows.
func (b *backend) maintain() {
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-time.After(jitter(maintenanceInterval)):
		}
		if err := b.maintainOnce(); err != nil && b.ctx.Err() == nil && !fault.Is(err, fault.Schema) {
			b.log.Warn("maintenance failed, it will be tried again", "error", err)
		}
	}
}
