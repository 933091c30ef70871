package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/spawn"
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
	// relaxed jobs may be undone by a loss of power, though they were answered.
	relaxed bool
	// bare jobs run outside any transaction and need no lock.
	bare bool
	done chan error // buffered: who works never waits for a caller
	err  error
	over bool // answered
}

func (j *job) answer(err error) {
	if !j.over {
		j.over = true
		j.done <- err
	}
}

// writer changes the database, on one connection and for one transaction at a time.
// It has no goroutine of its own: a lane's flush that finds it idle works in person,
// because a hand-over to another goroutine and back costs a third of a commit. What
// has come meanwhile is left to a goroutine that lives as long as there is more.
type writer struct {
	conn  *conn
	lock  *fileLock
	log   *slog.Logger
	store *store // translates errors, and owns the goroutines

	mu     sync.Mutex // guards what follows
	busy   bool       // somebody works
	queue  []*job     // whose turn has not come, in the order of the calls; empty unless busy
	failed bool       // somebody panicked; the state of the connection is not known

	current []*job // to be answered should who works panic; theirs alone
}

func newWriter(c *conn, lock *fileLock, s *store) *writer {
	return &writer{conn: c, lock: lock, log: s.log, store: s}
}

// do has a job done and returns its answer. A job that was begun is answered soon
// after its context ends, and with the truth.
func (w *writer) do(j *job) error {
	j.done = make(chan error, 1)
	idle, err := w.enter(j)
	if err != nil {
		return err
	}
	switch {
	case idle && j.ctx.Done() == nil:
		// A transaction keeps this processor, its sync included, unless the scheduler
		// takes it away: calls that are about to come could not share it.
		spawn.Yield()
		w.store.group.Run(w.serveFirst)
		return <-j.done
	case idle:
		// Whoever has to answer when his context ends cannot wait for a lock that
		// others need as well.
		w.store.group.Go(w.serveAll)
	}
	select {
	case err := <-j.done:
		return err
	case <-j.ctx.Done():
	}
	if w.withdraw(j) {
		return fault.FromContext(j.ctx)
	}
	return <-j.done
}

// enter queues a job and reports whether its caller has to see to it that somebody works.
func (w *writer) enter(j *job) (idle bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed {
		return false, errFailed()
	}
	w.queue = append(w.queue, j)
	idle = !w.busy
	w.busy = true
	return idle, nil
}

// withdraw takes back a job that was not begun.
func (w *writer) withdraw(j *job) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.queue, j)
	if i >= 0 {
		w.queue = slices.Delete(w.queue, i, i+1)
	}
	return i >= 0
}

// serveFirst does what is first in the queue, and leaves the rest to a goroutine.
func (w *writer) serveFirst() {
	defer w.answerPanic()
	if w.serve() {
		w.store.group.Go(w.serveAll)
	}
}

// serveAll works until the queue is empty.
func (w *writer) serveAll() {
	defer w.answerPanic()
	for w.serve() {
	}
}

// serve does the next group of jobs and reports whether there is more; if not, the
// next caller finds the writer idle.
func (w *writer) serve() bool {
	w.current = w.take()
	if len(w.current) > 0 { // all may have been withdrawn
		w.process(w.current)
	}
	w.current = nil
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy = len(w.queue) > 0
	return w.busy
}

// take removes from the queue its first job, with those behind it that may share its
// transaction.
func (w *writer) take() []*job {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, rows := 0, 0
	for n < len(w.queue) && (n == 0 || w.queue[0].rows > 0 && w.queue[n].rows > 0 && rows < groupRows) {
		rows += w.queue[n].rows
		n++
	}
	group := slices.Clone(w.queue[:n])
	w.queue = slices.Delete(w.queue, 0, n)
	return group
}

// answerPanic answers everybody when who works has panicked, and panics on.
func (w *writer) answerPanic() {
	r := recover()
	if r == nil {
		return
	}
	w.mu.Lock()
	waiting := w.queue
	w.queue, w.failed = nil, true
	w.mu.Unlock()
	for _, j := range w.current {
		j.answer(fault.New(fault.Internal, "the writer panicked: %v", r))
	}
	for _, j := range waiting {
		j.answer(errFailed())
	}
	panic(r)
}

func errFailed() error {
	return fault.New(fault.Internal, "the writer has failed: close the store and open it again")
}

// process runs a group of jobs in one transaction and answers each.
func (w *writer) process(group []*job) {
	if group[0].bare {
		w.processBare(group[0])
		return
	}
	// One that is to last has the whole transaction synced.
	sync := slices.ContainsFunc(group, func(j *job) bool { return !j.relaxed })
	if err := w.conn.protect(func() error { return w.conn.syncCommits(sync) }); err != nil {
		w.refuse(group, err)
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
	j.answer(w.store.translate(j.ctx, err))
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
		w.log.Warn("another program keeps the database locked", "database", w.store.at.String())
	}
	w.rollback() // an interruption after BEGIN's last step fails it with the transaction open
	w.lock.release()
	w.refuse(group, err)
	return false
}

// refuse answers jobs that were not begun.
func (w *writer) refuse(group []*job, err error) {
	for _, j := range group {
		j.answer(w.store.translate(j.ctx, err))
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
		err = w.store.translateCommit(err)
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
		err = w.store.translate(j.ctx, err)
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
		return errors.Join(err, w.store.translate(j.ctx, end))
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
		w.log.Error("rolling back failed", "database", w.store.at.String(), "error", err)
	}
}

// waiting is the context of a group of jobs that wait for a lock. It ends when
// the last of their contexts has ended. Whoever works and waits asks it, by Err
// alone, now and then; it answers those whose time is up.
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
