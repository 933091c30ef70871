package bindings

import (
	"context"
	"os"
	"sync"
	"syscall"
)

// pollAtOnce is how many completions one poll takes.
const pollAtOnce = 256

// maxPending is more calls than there are goroutines: BUSY never reaches a caller.
const maxPending = 1 << 24

// A pump takes the completions of one queue to the goroutines that wait for them.
// It is one goroutine, parked in Go's own poller while there is nothing to take, so
// that no waiting call occupies a thread.
type pump struct {
	lib   *library
	queue cHandle
	file  *os.File      // on a duplicate of the queue's descriptor
	done  chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex // guards the rest
	waiting map[uint64]func(cCompletion)
	last    uint64 // user_data of the latest call
	ended   Status // not OK: what new calls answer
}

// submit hands one call to the library. It is a closure over arguments that must
// live until it returns.
type submit func(queue cHandle, userData uint64, op, failure *cHandle) int32

func newPump(l *library) (*pump, error) {
	p := &pump{lib: l, done: make(chan struct{}), waiting: map[uint64]func(cCompletion){}}
	options := cCqOptions{flags: cCqValues, maxPending: maxPending}
	options.structSize = sizeOf(options)
	if status := l.cqOpen(&options, &p.queue); status != int32(OK) {
		return nil, &Error{Status: Status(status), Op: "open"}
	}
	var fd int32
	if status := l.cqFD(p.queue, &fd); status != int32(OK) {
		l.close(p.queue)
		return nil, &Error{Status: Status(status), Op: "open"}
	}
	file, err := watch(fd)
	if err == nil {
		p.file = file
		var raw syscall.RawConn
		if raw, err = file.SyscallConn(); err == nil {
			go p.run(raw)
			return p, nil
		}
		_ = file.Close()
	}
	l.close(p.queue)
	return nil, &Error{Status: Internal, Op: "open", Text: "cannot watch the completion queue: " + err.Error()}
}

// run drains the queue whenever its descriptor may be readable, until the file is
// closed or the library ends the queue. Only poll clears the descriptor; nothing
// here reads it.
func (p *pump) run(raw syscall.RawConn) {
	defer close(p.done)
	batch := make([]cCompletion, pollAtOnce)
	// Read asks again each time the descriptor becomes readable, until it is told that
	// there is nothing more to wait for.
	_ = raw.Read(func(uintptr) bool { return !p.drain(batch) })
}

// drain polls to a short read; false: the queue has ended.
func (p *pump) drain(batch []cCompletion) bool {
	for {
		n := p.lib.cqPoll(p.queue, &batch[0], uint32(len(batch)))
		if n < 0 {
			p.end(Status(n))
			return false
		}
		for _, c := range batch[:n] {
			p.deliver(c)
		}
		if int(n) < len(batch) {
			return true
		}
	}
}

func (p *pump) deliver(c cCompletion) {
	p.mu.Lock()
	to := p.waiting[c.userData]
	if c.flags&cCqeMore == 0 {
		delete(p.waiting, c.userData)
	}
	p.mu.Unlock()
	if to != nil {
		to(c)
		return
	}
	p.drop(c) // nobody waits: the queue was ended meanwhile
}

// drop closes what a completion carries that nobody will handle; leases in it are
// given back.
func (p *pump) drop(c cCompletion) {
	if c.flags&cCqeValue == 0 {
		p.lib.resultDiscard(c.result)
	}
	p.lib.close(c.error)
}

// end fails what waits, and every later call, with a status.
func (p *pump) end(status Status) {
	p.mu.Lock()
	if p.ended == OK {
		p.ended = status
	}
	waiting := p.waiting
	p.waiting = map[uint64]func(cCompletion){}
	p.mu.Unlock()
	for id, to := range waiting {
		to(cCompletion{userData: id, status: int32(status)})
	}
}

// close ends the pump: first the callers, then the watching, then the queue.
func (p *pump) close() {
	p.end(Closed)
	_ = p.file.Close() // a second close is refused
	<-p.done
	p.lib.close(p.queue)
}

// start hands a call to the library; to gets its completions, on the pump's own
// goroutine, and must not wait.
func (p *pump) start(to func(cCompletion), call submit) (op cHandle, err error) {
	p.mu.Lock()
	if p.ended != OK {
		defer p.mu.Unlock()
		return 0, &Error{Status: p.ended, safe: true}
	}
	p.last++
	id := p.last
	p.waiting[id] = to
	p.mu.Unlock()

	var failure cHandle
	var status int32
	p.lib.visit(func() { status = call(p.queue, id, &op, &failure) })
	if status == int32(OK) {
		return op, nil
	}
	p.mu.Lock()
	delete(p.waiting, id)
	if p.ended != OK { // the queue was closed under the call
		status = int32(p.ended)
	}
	p.mu.Unlock()
	return 0, p.lib.failure(status, failure)
}

// do makes a call and waits for its only completion. When ctx ends, the call is
// cancelled and its true outcome awaited: the context's error is the answer iff
// nothing was stored. A disposable result that came too late is given back.
func (p *pump) do(ctx context.Context, disposable bool, call submit) (cCompletion, error) {
	if ctx.Err() != nil {
		return cCompletion{}, ended(ctx)
	}
	return p.perform(ctx, disposable, call)
}

// perform is do for a call that must reach the library even when ctx has ended.
func (p *pump) perform(ctx context.Context, disposable bool, call submit) (cCompletion, error) {
	answer := make(chan cCompletion, 1)
	op, err := p.start(func(c cCompletion) { answer <- c }, call)
	if err != nil {
		return cCompletion{}, err
	}
	select {
	case c := <-answer:
		return p.judge(c)
	case <-ctx.Done():
	}
	p.lib.visit(func() { p.lib.opCancel(op) }) // an op that has completed meanwhile is unknown, and that is all
	c, err := p.judge(<-answer)
	if StatusOf(err) == Cancelled {
		return cCompletion{}, ended(ctx)
	}
	if err == nil && disposable {
		p.lib.visit(func() { p.drop(c) })
		return cCompletion{}, ended(ctx)
	}
	return c, err
}

func (p *pump) judge(c cCompletion) (cCompletion, error) {
	if c.status == int32(OK) {
		return c, nil
	}
	return cCompletion{}, p.lib.failure(c.status, c.error)
}
