package core

import (
	"context"
	"sync"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// Losses calls told with leases that were kept alive in the background (see
// DequeueOptions.AutoExtend) and lost all the same: somebody else may have those
// messages by now, and acknowledging them will not take effect. What the consumer
// acknowledges itself is not a loss, nor is a lease kept for all of its KeepMax.
//
// It tells of losses from its call on, in the order they are found, several at
// once when told is slower than they are, and returns when ctx or the consumer
// ends: fault.Cancelled, fault.Timeout or fault.Closed. Every caller is told of
// every loss.
func (c *Consumer) Losses(ctx context.Context, told func([]model.Token)) error {
	done, err := c.begin()
	if err != nil {
		return named("losses", "", err)
	}
	defer done()
	hearer := c.losses.join()
	defer c.losses.leave(hearer)
	for {
		select {
		case <-hearer.news:
			told(c.losses.take(hearer))
		case <-ctx.Done():
			return named("losses", "", fault.FromContext(ctx))
		case <-c.ctx.Done():
			return named("losses", "", errClosed(c.kind))
		}
	}
}

// losses hands lost leases to whoever wants to hear of them. It buffers without
// a limit, because the keeper must not wait; the leases of a consumer are one.
// The zero value is ready.
type losses struct {
	// mu guards hearers and what they hold.
	mu      sync.Mutex
	hearers map[*hearer]struct{}
}

// hearer is one call of Losses.
type hearer struct {
	lost []model.Token
	news chan struct{} // capacity 1: lost is not empty
}

func (l *losses) join() *hearer {
	h := &hearer{news: make(chan struct{}, 1)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hearers == nil {
		l.hearers = map[*hearer]struct{}{}
	}
	l.hearers[h] = struct{}{}
	return h
}

func (l *losses) leave(h *hearer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.hearers, h)
}

// tell is what the keeper calls; it does not block.
func (l *losses) tell(t model.Token) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for h := range l.hearers {
		h.lost = append(h.lost, t)
		select {
		case h.news <- struct{}{}:
		default: // told already
		}
	}
}

// take empties a hearer.
func (l *losses) take(h *hearer) []model.Token {
	l.mu.Lock()
	defer l.mu.Unlock()
	lost := h.lost
	h.lost = nil
	return lost
}
