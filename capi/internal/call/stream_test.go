package call

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/cq"
	"github.com/pgqrs/pgqrs/capi/internal/handle"
	"github.com/pgqrs/pgqrs/core/fault"
)

// emitting starts a stream that emits objects until it is cancelled.
func emitting(t *testing.T, l *Library, queue handle.Handle, target *handle.Entry, replies <-chan *object) handle.Handle {
	t.Helper()
	var op handle.Handle
	err := Stream(l, queue, 42, Call[Reply]{Operation: "losses", Target: target},
		func(emit Emit) func(context.Context) error {
			return func(ctx context.Context) error {
				for {
					select {
					case o := <-replies:
						emit(Reply{Kind: handle.Result, Value: o}, nil)
					case <-ctx.Done():
						return fault.FromContext(ctx)
					}
				}
			}
		}, func(h handle.Handle) { op = h })
	require.NoError(t, err)
	return op
}

func TestAStreamEndsInOneLastCompletion(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	q := openQueue(t, l, cq.Options{MaxPending: 1})
	replies := make(chan *object)
	op := emitting(t, l, q, nil, replies)
	for range 3 {
		replies <- &object{}
		c := take(t, l, q)
		require.Equal(t, cq.Completion{UserData: 42, Flags: cq.More, Result: c.Result}, c)
		require.True(t, l.Close(handle.Handle(c.Result)))
	}
	require.True(t, l.Cancel(op), "the op is alive between its completions")
	c := take(t, l, q)
	require.Equal(t, cerr.Cancelled, c.Status)
	require.Zero(t, c.Flags)
	require.Zero(t, c.Result)
	require.False(t, l.Cancel(op))
	require.True(t, l.Close(handle.Handle(c.Error)))
	submit(t, l, q, 1, Call[Reply]{Do: func(context.Context) (Reply, error) { return Nothing, nil }})
	require.Equal(t, cerr.OK, take(t, l, q).Status, "its room was given back")
}

func TestAStreamMayEmitFromItsBeginning(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	q := openQueue(t, l, cq.Options{})
	err := Stream(l, q, 1, Call[Reply]{}, func(emit Emit) func(context.Context) error {
		emit(Reply{Kind: handle.Result, Value: &object{}}, nil)
		emit(Nothing, fault.New(fault.Internal, "no memory"))
		return func(ctx context.Context) error {
			<-ctx.Done()
			return fault.FromContext(ctx)
		}
	}, func(handle.Handle) {})
	require.NoError(t, err)
	c := take(t, l, q)
	require.Equal(t, cq.More, c.Flags)
	require.True(t, l.Close(handle.Handle(c.Result)))
	c = take(t, l, q)
	require.Equal(t, cerr.Internal, c.Status, "a reply that cannot be made is the end")
	require.True(t, l.Close(handle.Handle(c.Error)))
}

func TestClosingAQueueEndsItsStreams(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	q := openQueue(t, l, cq.Options{})
	target := &object{}
	h := l.Handles.Insert(handle.Consumer, target)
	pin, err := l.Acquire(h, handle.Consumer)
	require.NoError(t, err)
	replies, left := make(chan *object), &object{}
	emitting(t, l, q, pin, replies)
	replies <- left
	replies <- &object{} // left was emitted
	require.True(t, l.Close(q))
	require.True(t, l.Close(h))
	require.True(t, l.calls.wait(t.Context()))
	require.EqualValues(t, 1, left.discarded.Load(), "nobody polled it")
	require.EqualValues(t, 1, target.freed.Load(), "the stream has let go of its target")
}
