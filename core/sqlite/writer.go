package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/pgqrs/pgqrs/core/fault"
)

// groupRows is how many rows the calls of one shared transaction may carry. More
// would make callers wait for longer than the saved fsync is worth.
const groupRows = 2000

// tx is what a call sees of the transaction it runs in.
type tx struct {
	*conn
	now int64 // the host's clock in microseconds, read under the write lock
}

// job is one call on its way through the writer.
type job struct {
	ctx context.Context
	// run does the work. It may be run twice, so it must begin by resetting what
	// it returned the first time.
	run func(*tx) error
	// rows is how much of a shared transaction the call takes; 0: it has one to
	// itself, and its context may interrupt it half-way.
	rows int
	// bare jobs run outside any transaction and need no lock.
	bare bool
	done chan error // buffered: the writer never waits for a caller
	err  error
	over bool // answered
}

func (j *job) answer(err error) {
	if !j.over {
		j.over = true
		j.done <- err
	}
}

// writer is the one goroutine that changes the database, and its connection.
type writer struct {
	conn   *conn
	lock   *fileLock
	log    *slog.Logger
	faults *store // translates errors

	jobs    chan *job     // unbuffered: what is not received was not begun
	quit    chan struct{} // closed by Close, when no call is in flight
	dead    chan struct{} // closed when the goroutine has ended
	current []*job        // to be answered should the goroutine panic
	waiting atomic.Int64  // calls whose turn has not come, for tests
}

func newWriter(c *conn, lock *fileLock, s *store) *writer {
	return &writer{
		conn: c, lock: lock, log: s.log, faults: s,
		jobs: make(chan *job), quit: make(chan struct{}), dead: make(chan struct{}),
	}
}

// do hands a job to the writer and waits for its answer. Once the job was
// received the answer comes soon after its context ends, and is the truth.
func (w *writer) do(j *job) error {
	j.done = make(chan error, 1)
	if err := w.hand(j); err != nil {
		return err
	}
	return <-j.done
}

// hand waits for the writer to take a job.
func (w *writer) hand(j *job) error {
	w.waiting.Add(1)
	defer w.waiting.Add(-1)
	select {
	case w.jobs <- j:
		return nil
	case <-j.ctx.Done():
		return fault.FromContext(j.ctx)
	case <-w.dead:
		return fault.New(fault.Internal, "the writer has failed: close the store and open it again")
	}
}

// loop serves jobs until quit.
func (w *writer) loop() {
	defer close(w.dead)
	defer func() {
		if r := recover(); r != nil {
			for _, j := range w.current {
				j.answer(fault.New(fault.Internal, "the writer panicked: %v", r))
			}
			panic(r)
		}
	}()
	var next *job
	for {
		first := next
		if first == nil {
			select {
			case first = <-w.jobs:
			case <-w.quit:
				return
			}
		}
		var group []*job
		group, next = w.gather(first)
		w.current = group
		if next != nil {
			w.current = append(group[:len(group):len(group)], next)
		}
		w.process(group)
	}
}

// gather adds to a job the others that wait already and may share its
// transaction. It also returns the one it received and may not.
func (w *writer) gather(first *job) (group []*job, next *job) {
	group = []*job{first}
	for rows := first.rows; first.rows > 0 && rows < groupRows; {
		select {
		case j := <-w.jobs:
			if j.rows == 0 {
				return group, j
			}
			group = append(group, j)
			rows += j.rows
		default:
			return group, nil
		}
	}
	return group, nil
}

// process runs a group of jobs in one transaction and answers each.
func (w *writer) process(group []*job) {
	if group[0].bare {
		w.processBare(group[0])
		return
	}
	if !w.begin(group) {
		return
	}
	repeat := w.perform(group)
	w.lock.release()
	for _, j := range repeat {
		w.process([]*job{j})
	}
}

func (w *writer) processBare(j *job) {
	w.conn.raw.SetInterrupt(j.ctx)
	err := w.conn.protect(func() error { return j.run(&tx{conn: w.conn, now: microsNow()}) })
	w.conn.raw.SetInterrupt(context.Background())
	j.answer(w.faults.translate(j.ctx, err))
}

// begin takes the write lock of all processes. It returns false when every job
// has been answered, because its context ended or the lock cannot be had.
func (w *writer) begin(group []*job) bool {
	alive := &waiting{context.Background(), group}
	locked, err := w.lock.acquire(func() bool { return alive.Err() == nil })
	if !locked {
		w.refuse(group, err)
		return false
	}
	for {
		w.conn.raw.SetInterrupt(alive)
		err = w.conn.protect(func() error { _, err := w.conn.exec("begin"); return err })
		w.conn.raw.SetInterrupt(context.Background())
		if err == nil {
			return true
		}
		// Busy for all of the busy timeout: a foreign writer, which does not queue
		// at our lock. A call waits for as long as its context does.
		if !errors.Is(err, sqlite3.BUSY) || alive.Err() != nil {
			break
		}
		w.log.Warn("another program keeps the database locked", "database", w.faults.at.String())
	}
	w.rollback() // an interruption after BEGIN's last step fails it with the transaction open
	w.lock.release()
	w.refuse(group, err)
	return false
}

// refuse answers jobs that were not begun.
func (w *writer) refuse(group []*job, err error) {
	for _, j := range group {
		j.answer(w.faults.translate(j.ctx, err))
	}
}

// perform runs the jobs, commits, and answers them. When the failure of one took
// the whole transaction with it, it returns the others to be repeated alone.
func (w *writer) perform(group []*job) (repeat []*job) {
	shared := len(group) > 1
	done := 0
	for _, j := range group {
		if j.over {
			continue
		}
		j.err = w.runOne(j, shared)
		if j.err == nil {
			done++
			continue
		}
		if !w.conn.raw.GetAutocommit() {
			continue
		}
		for _, other := range group { // SQLite has rolled everything back
			if other != j && !other.over && other.err == nil {
				repeat = append(repeat, other)
			}
		}
		answerFailed(group)
		return repeat
	}
	if done == 0 {
		w.rollback()
		answerFailed(group)
		return nil
	}
	if _, err := w.conn.exec("commit"); err != nil {
		err = w.faults.translateCommit(err)
		w.rollback()
		for _, j := range group {
			if j.err == nil {
				j.err = err
			}
		}
	}
	for _, j := range group {
		j.answer(j.err)
	}
	return nil
}

func answerFailed(group []*job) {
	for _, j := range group {
		if j.err != nil {
			j.answer(j.err)
		}
	}
}

// runOne runs one job; in a shared transaction under a savepoint, to which it is
// rolled back when it fails.
func (w *writer) runOne(j *job, shared bool) error {
	if j.ctx.Err() != nil {
		return fault.FromContext(j.ctx)
	}
	if !shared {
		w.conn.raw.SetInterrupt(j.ctx)
	}
	err := w.conn.protect(func() error {
		if shared {
			if _, err := w.conn.exec("savepoint"); err != nil {
				return err
			}
		}
		return j.run(&tx{conn: w.conn, now: microsNow()})
	})
	w.conn.raw.SetInterrupt(context.Background())
	if err == nil && j.ctx.Err() != nil {
		err = fault.FromContext(j.ctx) // nobody waits for it: a lease would be stranded
	}
	if err != nil {
		err = w.faults.translate(j.ctx, err)
	}
	if !shared || w.conn.raw.GetAutocommit() {
		return err
	}
	if err != nil {
		_, undo := w.conn.exec("savepoint_rollback")
		if undo != nil {
			w.rollback() // and the whole group is repeated
			return err
		}
	}
	if _, end := w.conn.exec("savepoint_release"); end != nil {
		w.rollback()
		return errors.Join(err, w.faults.translate(j.ctx, end))
	}
	return err
}

// rollback ends the transaction, if there still is one.
func (w *writer) rollback() {
	w.conn.reset()
	if w.conn.raw.GetAutocommit() {
		return
	}
	if _, err := w.conn.exec("rollback"); err != nil {
		w.log.Error("rolling back failed", "database", w.faults.at.String(), "error", err)
	}
}

// waiting is the context of a group of jobs that wait for a lock. It ends when
// the last of their contexts has ended. Whoever waits asks it, by Err alone, now
// and then, on the writer's goroutine; it answers those whose time is up.
type waiting struct {
	context.Context
	jobs []*job
}

func (w *waiting) Err() error {
	alive := false
	for _, j := range w.jobs {
		if j.ctx.Err() != nil {
			j.answer(fault.FromContext(j.ctx))
		}
		alive = alive || !j.over
	}
	if alive {
		return nil
	}
	return context.Canceled
}

// microsNow is the host's clock as the tables keep it.
func microsNow() int64 { return time.Now().UnixMicro() }
