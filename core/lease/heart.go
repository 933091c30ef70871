package lease

import (
	"context"
	"sync"
	"time"

	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// Heart refreshes the heartbeats of a process's workers.
type Heart struct {
	every time.Duration
	beat  func(context.Context, []int64) (map[int64]model.WorkerStatus, error)
	group *spawn.Group

	// mu guards the fields below. It is never held during beat.
	mu      sync.Mutex
	workers map[int64]func(model.WorkerStatus)
	running bool
	ctx     context.Context
	cancel  context.CancelFunc
}

// NewHeart returns a heart that beats every so often while it has workers.
func NewHeart(group *spawn.Group, every time.Duration,
	beat func(context.Context, []int64) (map[int64]model.WorkerStatus, error),
) *Heart {
	ctx, cancel := context.WithCancel(context.Background())
	return &Heart{
		every: every, beat: beat, group: group, workers: map[int64]func(model.WorkerStatus){},
		ctx: ctx, cancel: cancel,
	}
}

// Add keeps a worker alive. seen is called after each beat with the state the
// database has for it (WorkerStopped when it knows no such worker any more); it
// must not block.
func (h *Heart) Add(worker int64, seen func(model.WorkerStatus)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ctx.Err() != nil {
		return
	}
	h.workers[worker] = seen
	if !h.running {
		h.running = true
		h.group.Go(h.loop)
	}
}

// Remove lets a worker go.
func (h *Heart) Remove(worker int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.workers, worker)
}

// Close stops the heart.
func (h *Heart) Close() { h.cancel() }

func (h *Heart) loop() {
	ticker := time.NewTicker(h.every)
	defer ticker.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-ticker.C:
		}
		ids := h.ids()
		if ids == nil {
			return
		}
		states, err := h.beat(h.ctx, ids)
		if err != nil {
			continue // the database is away; the next beat tells
		}
		h.tell(ids, states)
	}
}

// ids returns the workers to beat for; nil signs the loop off.
func (h *Heart) ids() []int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.workers) == 0 {
		h.running = false
		return nil
	}
	ids := make([]int64, 0, len(h.workers))
	for id := range h.workers {
		ids = append(ids, id)
	}
	return ids
}

func (h *Heart) tell(ids []int64, states map[int64]model.WorkerStatus) {
	for _, id := range ids {
		h.mu.Lock()
		seen := h.workers[id]
		h.mu.Unlock()
		if seen == nil {
			continue
		}
		state, known := states[id]
		if !known {
			state = model.WorkerStopped
		}
		seen(state)
	}
}
