package core

import (
	"context"
	"time"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// silence remembers since when each worker of the store has not been heard of.
//
// It compares no heartbeat with the database's clock: when that steps forward by
// an hour, every living worker looks an hour dead until its next beat, and a row
// that is purged by then takes a consumer that works away for ever. What counts is
// how long a heartbeat has been the same, by this process's monotonic clock, which
// does not step. The price is that a process purges nothing until it has watched
// for so long itself. Maintenance alone uses it, so it needs no lock.
type silence struct {
	workers map[int64]heard
}

// heard is a heartbeat, and when it was first seen.
type heard struct{ beat, seen time.Time }

// purge removes the workers that have been silent for longer than that and hold
// nothing.
func (s *silence) purge(ctx context.Context, e engine.Engine, longer time.Duration) error {
	now := map[int64]heard{}
	for offset := int64(0); ; offset += workersPage {
		page, err := e.ListWorkers(ctx, 0, model.Page{Limit: workersPage, Offset: offset})
		if err != nil {
			return err
		}
		for i := range page {
			now[page[i].ID] = s.hear(&page[i])
		}
		if len(page) < workersPage {
			break
		}
	}
	s.workers = now
	for id, last := range now {
		if time.Since(last.seen) < longer {
			continue
		}
		err := e.DeleteWorker(ctx, id)
		if err != nil && !fault.Is(err, fault.StateTransition) && !fault.Is(err, fault.WorkerNotFound) {
			return err
		}
	}
	return nil
}

// hear tells since when a worker has had its heartbeat.
func (s *silence) hear(w *model.WorkerInfo) heard {
	last, known := s.workers[w.ID]
	if !known || !last.beat.Equal(w.HeartbeatAt) {
		last = heard{beat: w.HeartbeatAt, seen: time.Now()}
	}
	return last
}
