package wake

import (
	"sync"
	"time"
)

// firstPoll is how soon after something happened a waiter looks again without
// being asked: it finds what a concurrent claim of another process skipped.
const firstPoll = 250 * time.Millisecond

// slower is by how much the pause grows from one look in vain to the next.
const slower = 4

// gate is where the waiters of one queue sleep.
type gate struct {
	// mu guards everything below.
	mu      sync.Mutex
	slowest time.Duration // longest pause between polls
	waiters []*Waiter     // first in, first woken
	timer   *time.Timer
	next    time.Time     // when timer fires
	pause   time.Duration // the pause after the next poll
}

// Waiter is one waiting consumer. It is used by one goroutine.
type Waiter struct {
	gate *gate
	// C receives when it is worth claiming again.
	C chan struct{}
	// idle: it has looked and found nothing. Guarded by the gate's mu.
	idle bool
}

func newGate(slowest time.Duration) *gate {
	g := &gate{slowest: slowest, pause: min(firstPoll, slowest)}
	g.timer = time.AfterFunc(time.Hour, g.poll)
	g.timer.Stop()
	return g
}

// join adds a waiter. Join before claiming: what is announced during the claim
// must not be missed.
func (g *gate) join() *Waiter {
	w := &Waiter{gate: g, C: make(chan struct{}, 1)}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiters = append(g.waiters, w)
	if len(g.waiters) == 1 {
		g.pause = min(firstPoll, g.slowest)
		g.schedule(time.Now().Add(g.pause))
	}
	return w
}

// Leave ends waiting. found tells whether the waiter leaves with messages: then
// there may be more, and two others are woken. One that leaves without having
// used its wake-up passes it on.
func (w *Waiter) Leave(found bool) {
	g := w.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, other := range g.waiters {
		if other == w {
			g.waiters = append(g.waiters[:i], g.waiters[i+1:]...)
			break
		}
	}
	wakes := 0
	if found {
		wakes = 2
	} else if len(w.C) > 0 {
		wakes = 1
	}
	g.wake(wakes)
	if len(g.waiters) == 0 {
		g.timer.Stop()
		g.next = time.Time{}
	}
}

// Idle reports that a claim came back empty, and how long until the next message
// falls due; negative: nothing is known to be waiting.
func (w *Waiter) Idle(due time.Duration) {
	g := w.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	w.idle = true
	if due < 0 {
		return
	}
	// A millisecond late rather than early: an early claim finds nothing.
	g.schedule(time.Now().Add(due + time.Millisecond))
}

// idlers counts the waiters that have looked in vain.
func (g *gate) idlers() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, w := range g.waiters {
		if w.idle {
			n++
		}
	}
	return n
}

// announce wakes one waiter: something became visible.
func (g *gate) announce() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pause = min(firstPoll, g.slowest)
	if len(g.waiters) > 0 {
		g.next = time.Time{}
		g.schedule(time.Now().Add(g.pause))
	}
	g.wake(1)
}

// wake signals up to n waiters that have no signal yet. mu is held.
func (g *gate) wake(n int) {
	for _, w := range g.waiters {
		if n == 0 {
			return
		}
		select {
		case w.C <- struct{}{}:
			n--
		default:
		}
	}
}

// schedule sets the timer to the earlier of what it is set to and at. mu is held.
func (g *gate) schedule(at time.Time) {
	if len(g.waiters) == 0 || !g.next.IsZero() && !at.Before(g.next) {
		return
	}
	g.next = at
	g.timer.Reset(time.Until(at))
}

// poll is the timer: one waiter looks, and the next look comes later.
func (g *gate) poll() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next = time.Time{}
	g.pause = min(slower*g.pause, g.slowest)
	g.schedule(time.Now().Add(g.pause))
	g.wake(1)
}

// setSlowest changes the longest pause between polls.
func (g *gate) setSlowest(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.slowest == d {
		return
	}
	g.slowest = d
	g.pause = min(g.pause, d)
	g.schedule(time.Now().Add(g.pause))
}
