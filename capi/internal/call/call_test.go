package call

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/cq"
	"github.com/pgqrs/pgqrs/capi/internal/handle"
	"github.com/pgqrs/pgqrs/core/fault"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("github.com/pgqrs/pgqrs/capi/internal/guard.work"),
		goleak.IgnoreAnyFunction("github.com/pgqrs/pgqrs/capi/internal/guard.(*bell).serve"))
}

// object is a target or a result that remembers what happened to it.
type object struct{ closed, freed, discarded atomic.Int32 }

func (o *object) Closed()  { o.closed.Add(1) }
func (o *object) Freed()   { o.freed.Add(1) }
func (o *object) Discard() { o.discarded.Add(1) }

func newLibrary(t *testing.T) *Library {
	t.Helper()
	l := New(func(context.Context) error { return nil })
	t.Cleanup(func() { require.Equal(t, cerr.OK, l.Shutdown(10*time.Second)) })
	return l
}

func openQueue(t *testing.T, l *Library, o cq.Options) handle.Handle {
	t.Helper()
	h, err := l.OpenQueue(o)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close(h) })
	return h
}

// take waits for one completion.
func take(t *testing.T, l *Library, queue handle.Handle) cq.Completion {
	t.Helper()
	e := l.Handles.Acquire(queue, handle.Queue)
	defer e.Release()
	q := e.Value().(*Queue)
	require.Equal(t, cerr.OK, q.Wait(10*time.Second))
	out := make([]cq.Completion, 1)
	n, status := q.Poll(out)
	require.Equal(t, cerr.OK, status)
	require.Equal(t, 1, n)
	return out[0]
}

func submit(t *testing.T, l *Library, queue handle.Handle, userData uint64, c Call[Reply]) handle.Handle {
	t.Helper()
	var op handle.Handle
	require.NoError(t, Submit(l, queue, userData, c, func(h handle.Handle) { op = h }))
	return op
}

func untilCancelled(ctx context.Context) (Reply, error) {
	<-ctx.Done()
	return Nothing, &fault.Error{Kind: fault.Cancelled}
}

// local is a target that notes whether it was asked, and whether it was in use then.
type local struct{ asked, freed, late atomic.Bool }

func (o *local) Local() bool { o.asked.Store(true); o.late.Store(o.freed.Load()); return true }
func (o *local) Freed()      { o.freed.Store(true) }

func TestATargetSaysWhetherItsCallsAreLocal(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	q := openQueue(t, l, cq.Options{})
	for name, do := range map[string]func(c Call[Reply]){
		"submit": func(c Call[Reply]) { submit(t, l, q, 1, c); take(t, l, q) },
		"wait":   func(c Call[Reply]) { _, err := Wait(l, time.Minute, c); require.NoError(t, err) },
	} {
		on := &local{}
		h := l.Handles.Insert(handle.Consumer, on)
		pin := l.Handles.Acquire(h, handle.Consumer)
		l.Close(h) // the call is its last user
		do(Call[Reply]{Target: pin, Do: func(context.Context) (Reply, error) { return Nothing, nil }})
		require.True(t, on.asked.Load(), name)
		require.False(t, on.late.Load(), name)
	}
}

func TestACallOfManyMessagesIsNotAwaited(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	for messages, asked := range map[int]bool{0: true, 1: true, lone: true, lone + 1: false} {
		on := &local{}
		pin := l.Handles.Acquire(l.Handles.Insert(handle.Consumer, on), handle.Consumer)
		_, err := Wait(l, time.Minute, Call[Reply]{
			Target: pin, Messages: messages, Do: func(context.Context) (Reply, error) { return Nothing, nil },
		})
		require.NoError(t, err)
		require.Equal(t, asked, on.asked.Load(), messages)
	}
}

func TestSubmitEndsInOneCompletion(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	q := openQueue(t, l, cq.Options{})
	made := &object{}
	op := submit(t, l, q, 42, Call[Reply]{Do: func(context.Context) (Reply, error) {
		return Reply{Kind: handle.Result, Value: made}, nil
	}})
	c := take(t, l, q)
	require.EqualValues(t, 42, c.UserData)
	require.Equal(t, cerr.OK, c.Status)
	require.False(t, l.Cancel(op), "stale once its completion was handed out")
	require.True(t, l.Discard(handle.Handle(c.Result)))
	require.EqualValues(t, 1, made.discarded.Load())
	require.EqualValues(t, 1, made.freed.Load())
}

func TestFailureCarriesItsRecord(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	q := openQueue(t, l, cq.Options{})
	submit(t, l, q, 1, Call[Reply]{Operation: "enqueue", Do: func(context.Context) (Reply, error) {
		return Nothing, fault.New(fault.QueueNotFound, "no queue %q", "x")
	}})
	c := take(t, l, q)
	require.Equal(t, cerr.QueueNotFound, c.Status)
	e := l.Handles.Acquire(handle.Handle(c.Error), handle.Error)
	record := e.Value().(*Failed).Record
	e.Release()
	require.Equal(t, "enqueue", record.Operation)
	require.Equal(t, `no queue "x"`, record.Message)
	require.True(t, l.Close(handle.Handle(c.Error)))
}

func TestCancelIsARequest(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	q := openQueue(t, l, cq.Options{})
	op := submit(t, l, q, 1, Call[Reply]{Do: untilCancelled})
	require.True(t, l.Cancel(op))
	require.Equal(t, cerr.Cancelled, take(t, l, q).Status)

	op = submit(t, l, q, 2, Call[Reply]{Do: func(ctx context.Context) (Reply, error) {
		<-ctx.Done()
		return Nothing, nil // the statement was sent: its true outcome counts
	}})
	require.True(t, l.Cancel(op))
	require.Equal(t, cerr.OK, take(t, l, q).Status)
}

func TestTargetLivesUntilItsCallsEnd(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	q := openQueue(t, l, cq.Options{})
	target := &object{}
	h := l.Handles.Insert(handle.Consumer, target)
	pin, err := l.Acquire(h, handle.Consumer)
	require.NoError(t, err)
	proceed := make(chan struct{})
	submit(t, l, q, 1, Call[Reply]{Target: pin, Do: func(context.Context) (Reply, error) {
		<-proceed
		return Nothing, nil
	}})
	require.True(t, l.Close(h))
	require.EqualValues(t, 1, target.closed.Load())
	require.Zero(t, target.freed.Load())
	close(proceed)
	require.Equal(t, cerr.OK, take(t, l, q).Status)
	require.EqualValues(t, 1, target.freed.Load())
	_, err = l.Acquire(h, handle.Consumer)
	require.Equal(t, cerr.Handle, cerr.StatusOf(err))
}

func TestClosingTheTargetEndsWhatOnlyWaits(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	q := openQueue(t, l, cq.Options{})
	ended, end := context.WithCancel(t.Context())
	submit(t, l, q, 1, Call[Reply]{Ended: ended, Do: untilCancelled})
	end()
	require.Equal(t, cerr.Closed, take(t, l, q).Status, "not CANCELLED: nobody cancelled it")
}

func TestRefusedSubmitReleasesItsTarget(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	q := openQueue(t, l, cq.Options{MaxPending: 1})
	op := submit(t, l, q, 1, Call[Reply]{Do: untilCancelled})
	target := &object{}
	h := l.Handles.Insert(handle.Producer, target)
	pin, err := l.Acquire(h)
	require.NoError(t, err)
	err = Submit(l, q, 2, Call[Reply]{Target: pin}, func(handle.Handle) { t.Error("accepted") })
	require.Equal(t, cerr.Busy, cerr.StatusOf(err))
	require.True(t, l.Close(h))
	require.EqualValues(t, 1, target.freed.Load())
	l.Cancel(op)
	take(t, l, q)
}

func TestClosingTheQueueCancelsAndDiscards(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	q := openQueue(t, l, cq.Options{})
	early, late := &object{}, &object{}
	submit(t, l, q, 1, Call[Reply]{Do: func(context.Context) (Reply, error) {
		return Reply{Kind: handle.Result, Value: early}, nil
	}})
	entry := l.Handles.Acquire(q, handle.Queue)
	require.Equal(t, cerr.OK, entry.Value().(*Queue).Wait(10*time.Second))
	entry.Release()
	submit(t, l, q, 2, Call[Reply]{Do: func(ctx context.Context) (Reply, error) {
		<-ctx.Done() // cancelled by the close, but it had leased something meanwhile
		return Reply{Kind: handle.Result, Value: late}, nil
	}})
	require.True(t, l.Close(q))
	require.Equal(t, cerr.OK, l.Shutdown(10*time.Second))
	require.EqualValues(t, 1, early.discarded.Load())
	require.EqualValues(t, 1, late.discarded.Load())
	require.Zero(t, l.Handles.Len())
}

func TestWait(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	n, err := Wait(l, -1, Call[int]{Do: func(context.Context) (int, error) { return 7, nil }})
	require.NoError(t, err)
	require.Equal(t, 7, n)

	_, err = Wait(l, time.Millisecond, Call[Reply]{Do: func(ctx context.Context) (Reply, error) {
		<-ctx.Done()
		return Nothing, ctx.Err()
	}})
	require.Equal(t, cerr.Timeout, cerr.StatusOf(err))
}

func TestShutdownEndsEverything(t *testing.T) {
	t.Parallel()
	flushed := false
	l := New(func(context.Context) error { flushed = true; return nil })
	q, err := l.OpenQueue(cq.Options{})
	require.NoError(t, err)
	submit(t, l, q, 1, Call[Reply]{Do: untilCancelled})
	background := make(chan struct{})
	l.Background(func(context.Context) { <-background })
	require.Equal(t, cerr.Timeout, l.Shutdown(20*time.Millisecond), "something still runs")
	close(background)
	require.Equal(t, cerr.OK, l.Shutdown(-1))
	require.Equal(t, cerr.OK, l.Shutdown(0), "a second shutdown is OK")
	require.True(t, flushed)
	require.Equal(t, cerr.Closed, take(t, l, q).Status)

	require.Equal(t, cerr.Closed, cerr.StatusOf(Submit(l, q, 2, Call[Reply]{}, nil)))
	_, err = Wait(l, -1, Call[int]{})
	require.Equal(t, cerr.Closed, cerr.StatusOf(err))
	_, err = l.OpenQueue(cq.Options{})
	require.Equal(t, cerr.Closed, cerr.StatusOf(err))
	require.True(t, l.Close(q), "what is there can still be closed")
	l.Background(func(context.Context) {}) // an object freed late is no accident
}
