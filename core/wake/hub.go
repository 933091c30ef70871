package wake

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// quietPoll is the longest pause between polls while announcements are heard:
// they and the due instants do the work, the poll only finds what nobody announced
// (a row inserted by hand).
const quietPoll = 15 * time.Second

// Hub holds the gates of a store and hears the announcements of other processes.
type Hub struct {
	push   bool
	poll   time.Duration
	listen func(context.Context, func(queueID int64)) error
	group  *spawn.Group
	log    *slog.Logger
	ctx    context.Context
	cancel context.CancelFunc

	// mu guards the fields below; the gates have locks of their own, taken after it.
	mu        sync.Mutex
	gates     map[int64]*gate
	listening bool
}

// Options describe a hub.
type Options struct {
	// Push tells that Listen works; otherwise waiters poll every Poll.
	Push   bool
	Listen func(context.Context, func(queueID int64)) error
	// Poll is the longest pause between polls without announcements.
	Poll  time.Duration
	Group *spawn.Group
	Log   *slog.Logger
}

// NewHub returns a hub. It opens nothing until somebody waits.
func NewHub(o Options) *Hub {
	ctx, cancel := context.WithCancel(context.Background())
	return &Hub{
		push: o.Push, poll: o.Poll, listen: o.Listen, group: o.Group, log: o.Log,
		ctx: ctx, cancel: cancel, gates: map[int64]*gate{},
	}
}

// Join starts waiting on a queue.
func (h *Hub) Join(queueID int64) *Waiter {
	h.mu.Lock()
	g := h.gates[queueID]
	if g == nil {
		slowest := h.poll
		if h.push {
			slowest = quietPoll
		}
		g = newGate(slowest)
		h.gates[queueID] = g
	}
	if h.push && !h.listening && h.ctx.Err() == nil {
		h.listening = true
		h.group.Go(h.hear)
	}
	h.mu.Unlock()
	return g.join()
}

// Forget drops the gate of a queue on which nobody waits, nor begins to meanwhile.
func (h *Hub) Forget(queueID int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.gates, queueID)
}

// Waiting returns how many waiters of a queue have looked and found nothing.
func (h *Hub) Waiting(queueID int64) int {
	h.mu.Lock()
	g := h.gates[queueID]
	h.mu.Unlock()
	if g == nil {
		return 0
	}
	return g.idlers()
}

// Announce wakes a waiter of the queue, or one of every queue for id 0.
func (h *Hub) Announce(queueID int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if queueID != 0 {
		if g := h.gates[queueID]; g != nil {
			g.announce()
		}
		return
	}
	for _, g := range h.gates {
		g.announce()
	}
}

// Close ends listening. Waiters are not woken: their callers' contexts end.
func (h *Hub) Close() { h.cancel() }

// hear listens for the life of the hub and comes back after every loss. While it
// is deaf the gates poll at their announcement-less pace.
func (h *Hub) hear() {
	pause := 100 * time.Millisecond
	for {
		started := time.Now()
		err := h.listen(h.ctx, func(queueID int64) {
			if queueID == 0 {
				h.deaf(false)
			}
			h.Announce(queueID)
		})
		switch {
		case h.ctx.Err() != nil:
			return
		case fault.Is(err, fault.Unsupported):
			h.log.Info("wake-ups from other processes are not available, polling instead", "error", err)
			h.deaf(true)
			return
		}
		h.log.Warn("listening for wake-ups failed, polling until it works again", "error", err)
		h.deaf(true)
		if time.Since(started) > 10*time.Second {
			pause = 100 * time.Millisecond
		}
		select {
		case <-time.After(pause):
		case <-h.ctx.Done():
			return
		}
		pause = min(2*pause, 10*time.Second)
	}
}

// deaf switches every gate, present and future, between the two paces.
func (h *Hub) deaf(yes bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.push = !yes
	slowest := quietPoll
	if yes {
		slowest = h.poll
	}
	for _, g := range h.gates {
		g.setSlowest(slowest)
	}
}
