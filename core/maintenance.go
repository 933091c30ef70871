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
	// reclaimBeats is how many it may miss before reclaim takes its leases.
	reclaimBeats = 3
	// pruneChunk bounds one deletion of old archive rows, so that it never holds
	// many row locks at once.
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
	if _, err := b.engine.Sweep(b.ctx, 0); err != nil {
		return err
	}
	if _, err := b.engine.PurgeWorkers(b.ctx, staleBeats*b.cfg.HeartbeatInterval); err != nil {
		return err
	}
	if b.cfg.ArchiveRetention <= 0 {
		return nil
	}
	for b.ctx.Err() == nil {
		n, err := b.engine.PruneArchive(b.ctx, b.cfg.ArchiveRetention, pruneChunk)
		if err != nil || n < pruneChunk {
			return err
		}
	}
	return nil
}
