package wake

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/pgqrs/pgqrs/core/spawn"
)

// spacing is the shortest time between two announcements to other processes: a
// notification per message would cost more than the message.
const spacing = 5 * time.Millisecond

// Announcer tells other processes which queues have something new. It is best
// effort: whoever misses an announcement polls.
type Announcer struct {
	notify func(context.Context, []int64) error
	group  *spawn.Group
	log    *slog.Logger
	ctx    context.Context
	cancel context.CancelFunc

	// mu guards the fields below. It is never held during notify.
	mu      sync.Mutex
	pending map[int64]struct{}
	running bool
}

// NewAnnouncer returns an announcer whose goroutine belongs to group and lives
// only while there is something to say.
func NewAnnouncer(group *spawn.Group, log *slog.Logger, notify func(context.Context, []int64) error) *Announcer {
	ctx, cancel := context.WithCancel(context.Background())
	return &Announcer{
		notify: notify, group: group, log: log, ctx: ctx, cancel: cancel, pending: map[int64]struct{}{},
	}
}

// Announce says that messages of a queue became visible. It never waits.
func (a *Announcer) Announce(queueID int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx.Err() != nil {
		return
	}
	a.pending[queueID] = struct{}{}
	if !a.running {
		a.running = true
		a.group.Go(a.loop)
	}
}

// Close ends the announcer; what is still unsaid stays so.
func (a *Announcer) Close() { a.cancel() }

func (a *Announcer) loop() {
	for {
		ids := a.take()
		if ids == nil {
			return
		}
		if err := a.notify(a.ctx, ids); err != nil && a.ctx.Err() == nil {
			a.log.Debug("announcing messages failed", "error", err)
		}
		select {
		case <-time.After(spacing):
		case <-a.ctx.Done():
		}
	}
}

// take returns what is to be said; nil signs the loop off.
func (a *Announcer) take() []int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.pending) == 0 || a.ctx.Err() != nil {
		a.running = false
		return nil
	}
	ids := make([]int64, 0, len(a.pending))
	for id := range a.pending {
		ids = append(ids, id)
	}
	clear(a.pending)
	return ids
}
