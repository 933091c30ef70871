package postgres

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Every claimed message leaves a dead entry at the front of the claim index
// until vacuum comes, and each claim from the beginning walks over all of them.
// A hint lets most claims start behind them: they look only at messages that
// became eligible no earlier than those this process claimed last. What a hint
// hides (late commits, releases, expired leases) is found by the next whole
// claim, which is due soon, and at the latest before a claim is answered short.

const (
	hintSlack      = 20 * time.Millisecond // commits this late are seen through the hint
	leastWholeWait = 50 * time.Millisecond // between whole claims
	wholeShare     = 20                    // a whole claim may cost 1/20 of the time
)

// hints keeps the state of every queue this process claims from.
type hints struct {
	mu     sync.Mutex // guards queues and what they point to; held for moments, never while waiting
	queues map[int64]*hint
}

type hint struct {
	latest    time.Time     // the largest vt claimed, by the server's clock
	nextWhole time.Time     // when a whole claim is due, by the clock of this process
	took      time.Duration // the last one
}

// next returns from which vt on a claim may look; ok is false when the whole
// queue is due. The caller who is told so is the one who does it: the others go
// on with their hints meanwhile.
func (h *hints) next(queue int64, now time.Time) (from time.Time, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	q := h.queues[queue]
	if q == nil || q.latest.IsZero() || now.After(q.nextWhole) {
		if q != nil {
			// By then it is done, or has failed.
			q.nextWhole = now.Add(max(leastWholeWait, 2*q.took))
		}
		return time.Time{}, false
	}
	return q.latest.Add(-hintSlack), true
}

// claimed records the largest vt of a claim.
func (h *hints) claimed(queue int64, latest time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if q := h.of(queue); latest.After(q.latest) {
		q.latest = latest
	}
}

// whole records what a whole claim cost. Jitter keeps several processes from
// paying for the same scan in step.
func (h *hints) whole(queue int64, began, ended time.Time) {
	took := ended.Sub(began)
	wait := max(leastWholeWait, wholeShare*took)
	wait = wait*3/4 + rand.N(wait/2)
	h.mu.Lock()
	defer h.mu.Unlock()
	q := h.of(queue)
	q.nextWhole, q.took = ended.Add(wait), took
}

// of returns the state of a queue. The lock is held.
func (h *hints) of(queue int64) *hint {
	q := h.queues[queue]
	if q == nil {
		if h.queues == nil {
			h.queues = map[int64]*hint{}
		}
		q = &hint{}
		h.queues[queue] = q
	}
	return q
}

// forget drops the state of a queue.
func (h *hints) forget(queue int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.queues, queue)
}
