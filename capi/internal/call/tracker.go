package call

import (
	"context"
	"sync"
)

// tracker counts what is running. Unlike a sync.WaitGroup it may grow while
// somebody waits, and it can be shut for newcomers.
type tracker struct {
	mu   sync.Mutex // guards the rest
	n    int
	shut bool
	idle chan struct{} // not nil while somebody waits: closed when n is 0
}

// enter counts a newcomer in, unless the tracker is shut.
func (t *tracker) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.shut {
		return false
	}
	t.n++
	return true
}

// add counts in what ends something, which a shut tracker also admits.
func (t *tracker) add() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
}

func (t *tracker) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n--; t.n == 0 && t.idle != nil {
		close(t.idle)
		t.idle = nil
	}
}

// close shuts the tracker and reports whether this call did it.
func (t *tracker) close() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := !t.shut
	t.shut = true
	return first
}

// wait returns true when nothing runs, or false when ctx ends before that.
func (t *tracker) wait(ctx context.Context) bool {
	t.mu.Lock()
	if t.n == 0 {
		t.mu.Unlock()
		return true
	}
	if t.idle == nil {
		t.idle = make(chan struct{})
	}
	idle := t.idle
	t.mu.Unlock()
	select {
	case <-idle:
		return true
	case <-ctx.Done():
		return false
	}
}
