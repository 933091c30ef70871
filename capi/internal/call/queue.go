package call

import (
	"context"

	"github.com/pgqrs/pgqrs/capi/internal/cq"
	"github.com/pgqrs/pgqrs/capi/internal/handle"
)

// Queue is a completion queue together with the context of its operations.
type Queue struct {
	*cq.Queue
	ctx  context.Context
	stop context.CancelCauseFunc
}

// OpenQueue opens a completion queue and returns its handle.
func (l *Library) OpenQueue(o cq.Options) (handle.Handle, error) {
	if err := l.admit(); err != nil {
		return 0, err
	}
	defer l.calls.leave() // a shutdown must not miss a queue
	q, err := cq.New(o, sink{l})
	if err != nil {
		return 0, err
	}
	ctx, stop := context.WithCancelCause(l.ctx)
	return l.Handles.Insert(handle.Queue, &Queue{Queue: q, ctx: ctx, stop: stop}), nil
}

// Closed implements handle.Closer: outstanding operations are cancelled, and
// whatever nobody polled is given back.
func (q *Queue) Closed() {
	q.stop(errClosed)
	q.Close()
}
