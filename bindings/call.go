package bindings

import (
	"context"
	"time"
)

// The shapes that most functions of the library have: a target, what the call is
// about, and where the answer goes.
type (
	onTarget = func(target, queue cHandle, userData uint64, op, failure *cHandle) int32
	onName   = func(target cHandle, name *cStr, queue cHandle, userData uint64, op, failure *cHandle) int32
	onID     = func(target cHandle, id int64, queue cHandle, userData uint64, op, failure *cHandle) int32
	onRows   = func(target cHandle, rows *cTableOptions, queue cHandle, userData uint64, op, failure *cHandle) int32
)

// An object is one the library knows by a handle, and the pump of its store.
type object struct {
	*pump
	handle cHandle
}

func (o object) target(f onTarget) submit {
	return func(queue cHandle, userData uint64, op, failure *cHandle) int32 {
		return f(o.handle, queue, userData, op, failure)
	}
}

func (o object) name(f onName, name string) submit {
	view := borrow(name)
	return func(queue cHandle, userData uint64, op, failure *cHandle) int32 {
		return f(o.handle, &view, queue, userData, op, failure)
	}
}

func (o object) id(f onID, id int64) submit {
	return func(queue cHandle, userData uint64, op, failure *cHandle) int32 {
		return f(o.handle, id, queue, userData, op, failure)
	}
}

func (o object) rows(f onRows, r rows) submit {
	options := r.options()
	return func(queue cHandle, userData uint64, op, failure *cHandle) int32 {
		return f(o.handle, &options, queue, userData, op, failure)
	}
}

// rows says which rows of a table a call is about. Zero fields do not restrict.
type rows struct {
	Filter
	page   Page
	age    time.Duration
	run    int64
	status WorkflowStatus
}

func (r rows) options() cTableOptions {
	o := cTableOptions{
		queue: borrow(r.Queue), workerID: r.WorkerID, limit: r.page.Limit, offset: r.page.Offset,
		olderThanMs: millis(r.age), minReadCt: r.MinReads, payload: borrow(r.Contains),
		runID: r.run, status: borrow(string(r.status)),
	}
	o.structSize = sizeOf(o)
	if r.DeadOnly {
		o.flags = cFilterDeadOnly
	}
	return o
}

// run makes a call whose answer says nothing but that it was done. Removals answer
// a count of one, all others nothing.
func run(ctx context.Context, o object, call submit) error {
	c, err := o.do(ctx, false, call)
	if err == nil && c.result != 0 {
		o.lib.visit(func() { o.lib.close(c.result) })
	}
	return err
}

// ask makes a call and reads its result.
func ask[T any](ctx context.Context, o object, read reader[T], call submit) (T, error) {
	c, err := o.do(ctx, false, call)
	return take(o, c, err, read)
}

// A reader copies what a call answered.
type reader[T any] = func(*library, cCompletion) (T, error)

// take reads the result of a call that succeeded, and closes it.
func take[T any](o object, c cCompletion, err error, read reader[T]) (answer T, _ error) {
	if err != nil {
		return answer, err
	}
	o.lib.visit(func() {
		answer, err = read(o.lib, c)
		if c.flags&cCqeValue == 0 {
			o.lib.close(c.result)
		}
	})
	return answer, err
}

// open makes a call that answers with a new object.
func (p *pump) open(ctx context.Context, call submit) (object, error) {
	c, err := p.do(ctx, true, call)
	return object{pump: p, handle: c.result}, err
}
