package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/fault"
)

// recovery bounds how long a store may take to work again after a fault.
const recovery = 10 * time.Second

// TestConnectionsRecover breaks the connections of a busy store again and again:
// terminated, torn in the middle of whatever they carry, stalled without a word,
// and with the server killed. The store must come back by itself every time, must
// have told the truth, and must not grow.
func TestConnectionsRecover(t *testing.T) {
	r := seeded(t)
	s := startServer(t)
	wire := testdb.NewProxy(t, s.dsn)
	store, err := core.Open(t.Context(), wire.DSN+"&application_name=under-test&pgqrs_connection_timeout_seconds=5", core.WithBootstrap())
	require.NoError(t, err)
	t.Cleanup(func() { closeStore(store) })
	_, err = store.Admin().CreateQueue(t.Context(), "tasks", 1000)
	require.NoError(t, err)
	load := newLoad(t, store)
	defer load.end()

	cycles := scaled(8, 100)
	done := map[string]int{}
	var slowest time.Duration
	var first, last footprint
	for cycle := range cycles {
		time.Sleep(between(r, 10*time.Millisecond, 60*time.Millisecond))
		kind := []string{"terminate", "cut", "stall", "cut"}[r.IntN(4)]
		if cycle%10 == 5 {
			kind = "kill"
		}
		done[kind]++
		switch kind {
		case "terminate":
			terminate(t, s.dsn)
		case "cut":
			wire.Cut()
		case "stall":
			thaw := wire.Freeze()
			time.Sleep(between(r, 50*time.Millisecond, 400*time.Millisecond))
			thaw()
		case "kill":
			s.restart(between(r, 0, 200*time.Millisecond))
		}
		began := time.Now()
		load.mustGoOn(kind)
		slowest = max(slowest, time.Since(began))
		if cycle == cycles/4 {
			first = measure()
		}
	}
	load.end()
	last = measure()
	t.Logf("%d cycles %v, the slowest recovery %v", cycles, done, slowest.Round(time.Millisecond))
	t.Logf("%d enqueued, %d archived; errors: %v", load.enqueued.Load(), load.archived.Load(), load.kinds())
	t.Logf("after a quarter: %v; in the end: %v", first, last)
	load.judge(archivedIDs(t, store))
	require.Less(t, slowest, recovery)
	// A pool may have grown to its limit of 16, which is no growth without end.
	require.LessOrEqual(t, last.goroutines, first.goroutines+16, "goroutines grow")
	require.LessOrEqual(t, last.descriptors, first.descriptors+2*16, "descriptors grow")
	require.LessOrEqual(t, last.heap, first.heap+(16<<20), "memory grows")
}

func closeStore(store *core.Store) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = store.Close(ctx)
}

// terminate ends every connection of the store as an administrator does.
func terminate(t *testing.T, dsn string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	_, err = conn.Exec(t.Context(), "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'under-test'")
	require.NoError(t, err)
}

// footprint is what a process takes.
type footprint struct{ goroutines, descriptors, heap int }

func (f footprint) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, %d kB of heap", f.goroutines, f.descriptors, f.heap>>10)
}

func measure() footprint {
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	f := footprint{goroutines: runtime.NumGoroutine(), heap: int(memory.HeapAlloc)}
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil {
		f.descriptors = len(entries)
	}
	return f
}

// load is producers and consumers of one store who go on through every fault.
type load struct {
	t        *testing.T
	store    *core.Store
	stop     chan struct{}
	once     sync.Once
	group    sync.WaitGroup
	enqueued atomic.Int64
	archived atomic.Int64

	mu      sync.Mutex // guards the fields below
	certain map[int64]bool
	taken   map[int64]int
	errors  map[string]int
	wrong   []string
}

func newLoad(t *testing.T, store *core.Store) *load {
	t.Helper()
	l := &load{
		t: t, store: store, stop: make(chan struct{}), certain: map[int64]bool{}, taken: map[int64]int{}, errors: map[string]int{},
	}
	p, err := store.Producer(t.Context(), "tasks", core.WorkerOptions{})
	require.NoError(t, err)
	c, err := store.Consumer(t.Context(), "tasks", core.WorkerOptions{})
	require.NoError(t, err)
	for range 2 {
		l.group.Go(func() { l.produce(p) })
		l.group.Go(func() { l.consume(c) })
	}
	return l
}

func (l *load) over() bool {
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}

// note records an error, and complains about those that have no place here.
func (l *load) note(op string, err error) {
	if err == nil {
		return
	}
	var typed *fault.Error
	l.mu.Lock()
	defer l.mu.Unlock()
	if !errors.As(err, &typed) || !fault.IsTransient(err) {
		l.wrong = append(l.wrong, fmt.Sprintf("%s: %T %v", op, err, err))
		return
	}
	l.errors[op+": "+typed.Kind.String()]++
}

func (l *load) produce(p *core.Producer) {
	for !l.over() {
		id, err := p.Enqueue(context.Background(), "work")
		l.note("enqueue", err)
		if err == nil {
			l.enqueued.Add(1)
			l.mu.Lock()
			l.certain[id] = true
			l.mu.Unlock()
		}
		time.Sleep(time.Millisecond)
	}
}

func (l *load) consume(c *core.Consumer) {
	for !l.over() {
		messages, err := c.Dequeue(context.Background(), core.DequeueOptions{Batch: 10, Lease: time.Second, Wait: 100 * time.Millisecond})
		l.note("dequeue", err)
		if err != nil {
			time.Sleep(time.Millisecond)
		}
		if len(messages) == 0 {
			continue
		}
		outcomes, err := c.ArchiveMany(context.Background(), tokensOf(messages))
		l.note("archive", err)
		l.mu.Lock()
		for i, ok := range outcomes {
			if ok {
				l.archived.Add(1)
				l.taken[messages[i].ID]++
			}
		}
		l.mu.Unlock()
	}
}

// mustGoOn waits until messages come and go again.
func (l *load) mustGoOn(after string) {
	l.t.Helper()
	in, out := l.enqueued.Load(), l.archived.Load()
	for began := time.Now(); l.enqueued.Load() < in+3 || l.archived.Load() < out+3; {
		if time.Since(began) > recovery {
			l.t.Fatalf("the store has not come back %v after %s: %v", recovery, after, l.kinds())
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (l *load) kinds() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprint(l.errors)
}

// end stops the load.
func (l *load) end() {
	l.once.Do(func() { close(l.stop) })
	l.group.Wait()
}

// judge drains the queue and compares.
func (l *load) judge(archive func() map[int64]bool) {
	l.t.Helper()
	c, err := l.store.Consumer(l.t.Context(), "tasks", core.WorkerOptions{})
	require.NoError(l.t, err)
	eventually(l.t, "the queue to be empty", func() bool {
		messages, err := c.Dequeue(l.t.Context(), core.DequeueOptions{Batch: 500, Wait: 50 * time.Millisecond})
		require.NoError(l.t, err)
		_, err = c.ArchiveMany(l.t.Context(), tokensOf(messages))
		require.NoError(l.t, err)
		n, err := l.store.Admin().CountMessages(l.t.Context(), core.Filter{})
		require.NoError(l.t, err)
		return n == 0
	})
	kept := archive()
	for id := range l.certain {
		if !kept[id] {
			l.wrong = append(l.wrong, fmt.Sprintf("message %d is lost", id))
		}
	}
	for id, n := range l.taken {
		if n > 1 || !kept[id] {
			l.wrong = append(l.wrong, fmt.Sprintf("message %d was archived %d times, and kept: %v", id, n, kept[id]))
		}
	}
	require.Empty(l.t, l.wrong)
	require.NotEmpty(l.t, l.certain)
}

func archivedIDs(t *testing.T, store *core.Store) func() map[int64]bool {
	return func() map[int64]bool {
		t.Helper()
		ids := map[int64]bool{}
		for id := range archived(t, store) {
			ids[id] = true
		}
		return ids
	}
}
