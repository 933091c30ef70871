package sqlite

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// Whoever works in person keeps his processor: where there is one, the others must
// have come before.
func TestCallsOfOneProcessorShareACommit(t *testing.T) {
	b, v := setupCounting(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	before := v.syncs.Load()
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			_, err := b.store.Enqueue(context.Background(), // as a lane does
				b.queue.ID, []model.NewMessage{{Payload: payload}})
			assert.NoError(t, err)
		})
	}
	all.Wait()
	require.LessOrEqual(t, v.syncs.Load()-before, int64(5))
}

// hold keeps the writer busy until the returned function is called.
func (b *bundle) hold() (release func()) {
	b.Helper()
	began, let := make(chan struct{}), make(chan struct{})
	done := background(func() error {
		return b.store.write(b.ctx, 0, func(*tx) error {
			close(began)
			<-let
			return nil
		})
	})
	within(b, began, "the writer")
	return func() {
		close(let)
		require.NoError(b, within(b, done, "the end of the transaction"))
	}
}

// share runs f(0) … f(n-1) so that they wait for the writer together, and returns
// their errors.
func (b *bundle) share(n int, f func(i int) error) []error {
	b.Helper()
	release := b.hold()
	errs := make([]error, n)
	var ended sync.WaitGroup
	for i := range n {
		ended.Go(func() { errs[i] = f(i) })
	}
	for b.store.writer.waitingJobs() < n { // each counts itself just before it waits
		runtime.Gosched()
	}
	release()
	ended.Wait()
	return errs
}

func TestWaitingCallsShareACommit(t *testing.T) {
	b, v := setupCounting(t)
	before := v.syncs.Load()
	errs := b.share(100, func(i int) error {
		queue := b.queue.ID
		if i%10 == 3 {
			queue = 9999 // fails alone
		}
		_, err := b.store.Enqueue(b.ctx, queue, []model.NewMessage{{Payload: payload}})
		return err
	})
	for i, err := range errs {
		if i%10 == 3 {
			fails(t, fault.QueueNotFound, "", err)
		} else {
			require.NoError(t, err)
		}
	}
	require.LessOrEqual(t, v.syncs.Load()-before, int64(20))
	n, err := b.store.CountMessages(b.ctx, engine.Filter{QueueID: b.queue.ID})
	require.NoError(t, err)
	require.EqualValues(t, 91, n)
}

// A purge takes the write lock for a part at a time.
func TestAPurgeLetsOthersIn(t *testing.T) {
	b := setup(t, Config{})
	b.enqueue(purgePart+1, 0)
	release := b.hold()
	var removed, seen int64
	purge := background(func() (err error) {
		removed, err = b.store.PurgeQueue(b.ctx, b.queue.Name)
		return err
	})
	require.Eventually(t, func() bool { return b.store.writer.waitingJobs() == 1 }, patience, time.Millisecond)
	other := background(func() error {
		return b.store.write(b.ctx, 0, func(t *tx) (err error) {
			seen, err = t.integer("message_count_queue", b.queue.ID)
			if err == nil {
				_, err = t.insertAll(b.queue.ID, []model.NewMessage{{Payload: payload}})
			}
			return err
		})
	})
	require.Eventually(t, func() bool { return b.store.writer.waitingJobs() == 2 }, patience, time.Millisecond)
	release()
	require.NoError(t, within(t, other, "the other call"))
	require.NoError(t, within(t, purge, "the purge"))
	require.EqualValues(t, 1, seen, "messages that the first part left")
	require.EqualValues(t, purgePart+1, removed)
	require.Len(t, b.claim(10), 1, "what came after its beginning stays")
}

func TestAFullDiskFailsOneCallAlone(t *testing.T) {
	b := setup(t, Config{})
	pages := b.store.writer.conn.text(t, "PRAGMA page_count")
	b.store.writer.conn.text(t, "PRAGMA max_page_count="+pages+"0") // ten times as much
	large := []byte(`"` + strings.Repeat("x", 4<<20) + `"`)
	errs := b.share(30, func(i int) error {
		message := model.NewMessage{Payload: payload}
		if i == 7 {
			message.Payload = large
		}
		_, err := b.store.Enqueue(b.ctx, b.queue.ID, []model.NewMessage{message})
		return err
	})
	for i, err := range errs {
		if i == 7 {
			require.ErrorContains(t, fails(t, fault.Database, "SQLITE_FULL", err), "space")
		} else {
			require.NoError(t, err)
		}
	}
	require.Len(t, b.claim(100), 29)
}

func TestTooLittleMemoryIsAnError(t *testing.T) {
	b := setup(t, Config{})
	huge := []byte(`"` + strings.Repeat("x", fileConnMemory) + `"`)
	_, err := b.store.Enqueue(b.ctx, b.queue.ID, []model.NewMessage{{Payload: payload}, {Payload: huge}})
	require.True(t, fault.IsRowFault(fails(t, fault.Database, "SQLITE_NOMEM", err)))
	require.Empty(t, b.claim(1), "half a batch must not be stored")
	b.enqueue(10, 0)
	require.Len(t, b.claim(100), 10)
}

// asked is a context that ends when SQLite asks for it during BEGIN, which it
// does every thousand steps of the statement's program, and after the last one.
type asked struct {
	context.Context
	over bool
}

func (a *asked) Err() error {
	if !a.over {
		a.over = calledBy("progress_handler") && calledBy("(*writer).begin")
	}
	if a.over {
		return context.Canceled
	}
	return nil
}

// calledBy reports whether a function of that name is on the stack.
func calledBy(name string) bool {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		frame, more := frames.Next()
		if strings.Contains(frame.Function, name) {
			return true
		}
		if !more {
			return false
		}
	}
}

func TestACallCancelledAtTheEndOfBeginLeavesNoTransaction(t *testing.T) {
	b := setup(t, Config{Path: ":memory:"})
	caught := false
	for i := 0; !caught && i < 2000; i++ {
		ctx := &asked{Context: b.ctx}
		_, err := b.store.Enqueue(ctx, b.queue.ID, []model.NewMessage{{Payload: payload}})
		if caught = ctx.over; caught {
			fails(t, fault.Cancelled, "", err)
		} else {
			require.NoError(t, err)
		}
	}
	require.True(t, caught, "SQLite never asked whether to go on")
	b.enqueue(1, 0)
}

// Whoever works in person is not kept by what comes behind.
func TestACallDoesNotWorkForLongerThanItsOwn(t *testing.T) {
	b := setup(t, Config{})
	let, ended := make(chan struct{}), make(chan struct{})
	first := background(func() error {
		return b.store.write(context.Background(), 0, func(*tx) error {
			<-let
			return nil
		})
	})
	require.Eventually(t, b.store.writer.working, patience, time.Millisecond)
	second := background(func() error {
		return b.store.write(context.Background(), 0, func(*tx) error {
			<-ended
			return nil
		})
	})
	require.Eventually(t, func() bool { return b.store.writer.waitingJobs() == 1 }, patience, time.Millisecond)
	close(let)
	require.NoError(t, within(b, first, "the call that worked"))
	close(ended)
	require.NoError(t, within(b, second, "the other"))
	require.Eventually(t, func() bool { return !b.store.writer.working() }, patience, time.Millisecond)
}

func TestAPanicAnswersWhoWaits(t *testing.T) {
	reported := make(chan any, 1)
	b := setup(t, Config{Report: func(r any, _ []byte) { reported <- r }})
	let := make(chan struct{})
	guilty := background(func() error {
		return b.store.write(context.Background(), 0, func(*tx) error {
			<-let
			panic("a defect")
		})
	})
	require.Eventually(t, b.store.writer.working, patience, time.Millisecond)
	waits := background(func() error { return b.store.write(context.Background(), 1, func(*tx) error { return nil }) })
	require.Eventually(t, func() bool { return b.store.writer.waitingJobs() == 1 }, patience, time.Millisecond)
	close(let)
	fails(t, fault.Internal, "", within(b, guilty, "the guilty call"))
	fails(t, fault.Internal, "", within(b, waits, "the one behind it"))
	require.Equal(t, "a defect", within(t, reported, "the report"))
}
