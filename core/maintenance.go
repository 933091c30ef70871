package core

import (
	"math/rand/v2"
	"time"
)

const (
	maintenanceInterval = time.Minute
	// staleBeats is how many heartbeats a worker may miss before its row is purged.
	// Much longer than what reclaim takes for stale: a purge cannot be undone.
	staleBeats = 60
	// everStale is an age that no heartbeat has: only stopped workers are purged.
	everStale = 100 * 365 * 24 * time.Hour
	// workersPage is how many workers are looked at with one statement.
	workersPage = 1000
	// reclaimBeats is how many it may miss before reclaim takes its leases.
	reclaimBeats = 3
	// pruneChunk bounds one deletion of old rows, so that it never holds many row
	// locks at once.
	pruneChunk = 1000
)

// jitter spreads the work of many processes: between 0.5 and 1.5 times d.
func jitter(d time.Duration) time.Duration {
	return time.Duration((0.5 + rand.Float64()) * float64(d))
}

// maintainOnce is one round. Every part is safe to run in several processes at
// once.
func (b *backend) maintainOnce() error {
	done, err := b.begin()
	if err != nil {
		return nil // closing
	}
	defer done()
	b.lanes.forgetUnused()
	if err := b.sweeper.sweep(b.ctx, b.engine); err != nil {
		return err
	}
	if _, err := b.engine.PurgeWorkers(b.ctx, everStale); err != nil {
		return err
	}
	if err := b.silent.purge(b.ctx, b.engine, staleBeats*b.cfg.HeartbeatInterval); err != nil {
		return err
	}
	if b.cfg.ArchiveRetention > 0 {
		if err := b.pruner.prune(b.ctx, b.engine, b.cfg.ArchiveRetention); err != nil {
			return err
		}
	}
	_, err = inChunks(func(limit int) (int64, error) { return b.engine.ForgetKeys(b.ctx, b.cfg.DedupRetention, limit) })
	return err
}

// inChunks removes what is old, part by part, and returns how much it removed, also
// when it fails.
func inChunks(remove func(limit int) (int64, error)) (removed int64, err error) {
	for {
		n, err := remove(pruneChunk)
		removed += n
		if err != nil || n < pruneChunk {
			return removed, err
		}
	}
}
