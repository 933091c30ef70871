package bindings

import (
	"context"
	"sync"
)

// stream keeps the completions of an op that has several, until they are taken. It
// has no bound, because the pump must not wait.
type stream struct {
	news chan struct{} // capacity 1: list may be not empty

	mu   sync.Mutex // guards the rest
	list []cCompletion
	last bool // the final completion was put
}

func newStream() *stream { return &stream{news: make(chan struct{}, 1)} }

func (s *stream) put(c cCompletion) {
	s.mu.Lock()
	s.list = append(s.list, c)
	s.last = s.last || c.flags&cCqeMore == 0
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default: // told already
	}
}

// take waits for a completion; false: ctx has ended.
func (s *stream) take(ctx context.Context) (cCompletion, bool) {
	for {
		if c, ok := s.next(); ok {
			return c, true
		}
		select {
		case <-s.news:
		case <-ctx.Done():
			return cCompletion{}, false
		}
	}
}

func (s *stream) next() (cCompletion, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.list) == 0 {
		return cCompletion{}, false
	}
	c := s.list[0]
	s.list = s.list[1:]
	return c, true
}

// close cancels the op, waits for its end and drops what nobody took.
func (s *stream) close(p *pump, op cHandle) {
	p.lib.opCancel(op)
	for !s.ended() {
		<-s.news
	}
	for c, ok := s.next(); ok; c, ok = s.next() {
		p.drop(c)
	}
}

func (s *stream) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}
