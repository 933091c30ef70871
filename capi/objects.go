package main

import (
	"context"
	"sync/atomic"

	"github.com/pgqrs/pgqrs/capi/internal/call"
	"github.com/pgqrs/pgqrs/capi/internal/guard"
	"github.com/pgqrs/pgqrs/capi/internal/handle"
	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/model"
)

var _, _ call.Local = (*store)(nil), (*worker)(nil)

// store is a core.Store behind a handle.
type store struct {
	*core.Store
	files *descriptors
	local bool
}

// Local implements call.Local.
func (s *store) Local() bool { return s.local }

func openStore(ctx context.Context, o storeOptions) (call.Reply, error) {
	cfg, err := o.load()
	if err != nil {
		return call.Nothing, err
	}
	options := []core.Option{core.WithReport(guard.Report), core.WithLogger(feed.Logger())}
	if o.bootstrap {
		options = append(options, core.WithBootstrap())
	}
	s, err := core.OpenConfig(ctx, cfg, options...)
	if err != nil {
		return call.Nothing, err
	}
	opened := &store{Store: s, files: guardDescriptors(s.Descriptors()), local: s.Embedded()}
	return call.Reply{Kind: handle.Store, Value: opened}, nil
}

// Freed implements handle.Freer: the name was closed and no call uses the store.
// It ends with the last of its workers.
func (s *store) Freed() {
	lib.Background(func(context.Context) {
		s.Detach()
		s.files.leave()
	})
}

func (s *store) openProducer(ctx context.Context, queue string, o core.WorkerOptions) (call.Reply, error) {
	p, err := s.Producer(ctx, queue, o)
	if err != nil {
		return call.Nothing, err
	}
	return newWorker(handle.Producer, p, s), nil
}

func (s *store) openConsumer(ctx context.Context, queue string, o core.WorkerOptions) (call.Reply, error) {
	c, err := s.Consumer(ctx, queue, o)
	if err != nil {
		return call.Nothing, err
	}
	return newWorker(handle.Consumer, c, s), nil
}

// coreWorker is what a core.Producer and a core.Consumer have in common.
type coreWorker interface {
	ID() int64
	Heartbeat(context.Context) error
	Suspend(context.Context) error
	Interrupt(context.Context) error
	Resume(context.Context) error
	Poll(context.Context, bool) error
	Shutdown(context.Context) error
	Status(context.Context) (model.WorkerStatus, error)
	Close(context.Context) error
}

// worker is a producer or consumer behind a handle.
type worker struct {
	coreWorker
	store   *store
	waiting context.Context // ends when the handle is closed: dequeues stop waiting
	stop    context.CancelFunc
}

func newWorker(kind handle.Kind, w coreWorker, s *store) call.Reply {
	s.files.join()
	waiting, stop := context.WithCancel(context.Background())
	return call.Reply{Kind: kind, Value: &worker{coreWorker: w, store: s, waiting: waiting, stop: stop}}
}

// Local implements call.Local.
func (w *worker) Local() bool { return w.store.Local() }

func (w *worker) producer() *core.Producer { return w.coreWorker.(*core.Producer) }
func (w *worker) consumer() *core.Consumer { return w.coreWorker.(*core.Consumer) }

// Closed implements handle.Closer: calls that only wait need not be waited for.
func (w *worker) Closed() { w.stop() }

// Freed implements handle.Freer: the calls that were accepted have ended, now the
// worker ends.
func (w *worker) Freed() {
	lib.Background(func(ctx context.Context) {
		_ = w.Close(ctx) // nobody is left to tell; unreleased leases expire
		w.store.files.leave()
	})
}

// descriptors are the files of a store that a forked child must close. They stay
// registered until the store and every worker of it is closed.
type descriptors struct {
	users         atomic.Int64
	registrations []registration
}

func guardDescriptors(fds []int) *descriptors {
	d := &descriptors{}
	d.users.Store(1)
	for _, fd := range fds {
		d.registrations = append(d.registrations, register(fd))
	}
	return d
}

func (d *descriptors) join() { d.users.Add(1) }

func (d *descriptors) leave() {
	if d.users.Add(-1) != 0 {
		return
	}
	for _, r := range d.registrations {
		r.remove()
	}
}
