package faults

import (
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/model"
)

// late is by how much the contract lets an eligible message be late for a
// consumer that waits.
const late = time.Second

// TestClockSteps moves the clock of the server by hours, forward and backward,
// under load. Clients keep theirs, so from the first step on the two differ, as
// they do when it is a client's clock that is wrong. What is promised holds by
// the server's clock alone.
func TestClockSteps(t *testing.T) {
	r := seeded(t)
	clock := newServerClock(t)
	s := startServerIn(t, clock.env())
	store, err := core.Open(t.Context(), s.dsn, core.WithBootstrap())
	require.NoError(t, err)
	t.Cleanup(func() { closeStore(store) })
	for _, name := range []string{"tasks", "probe", "delayed", "leases"} {
		_, err = store.Admin().CreateQueue(t.Context(), name, 1000)
		require.NoError(t, err)
	}
	load := newLoad(t, store)
	defer load.end()
	load.mustGoOn("the start")
	w := clockWorld{t: t, clock: clock, store: store, dsn: s.dsn}
	w.open()

	steps := scaled([]time.Duration{time.Hour, -2 * time.Hour, time.Hour}, []time.Duration{
		time.Hour, -time.Hour, -3 * time.Hour, 5 * time.Hour, 48 * time.Hour, -70 * time.Hour,
		between(r, -time.Hour, time.Hour), between(r, -time.Minute, time.Minute), -time.Second, time.Second,
	})
	for _, by := range steps {
		w.lease()
		clock.move(by)
		w.leased(by)
		load.mustGoOn("a step of " + by.String())
		w.found()
		w.delayed()
		w.stamped()
	}
	t.Logf("%d steps: %v; a message was found %v after it was stored at the latest, a delayed one %v after it was due",
		len(steps), steps, w.slowest.Round(time.Millisecond), w.slowestDelayed.Round(time.Millisecond))

	// What was stored before a step backward is due when the clock gets there, so
	// everything is there once it has passed the latest it ever was.
	clock.move(clock.highest - clock.offset + time.Minute)
	load.end()
	t.Logf("%d enqueued, %d archived; errors: %v", load.enqueued.Load(), load.archived.Load(), load.kinds())
	w.close()
	load.judge(archivedIDs(t, store))
}

// TestClockStepFindsAWaitingConsumer moves the clock past the instant of a
// delayed message for which a consumer waits: nobody tells it, it has to look.
func TestClockStepFindsAWaitingConsumer(t *testing.T) {
	clock := newServerClock(t)
	s := startServerIn(t, clock.env())
	store, err := core.Open(t.Context(), s.dsn, core.WithBootstrap())
	require.NoError(t, err)
	t.Cleanup(func() { closeStore(store) })
	_, err = store.Admin().CreateQueue(t.Context(), "tasks", 10)
	require.NoError(t, err)
	p, err := store.Producer(t.Context(), "tasks", core.WorkerOptions{})
	require.NoError(t, err)
	c, err := store.Consumer(t.Context(), "tasks", core.WorkerOptions{})
	require.NoError(t, err)
	_, err = p.EnqueueWith(t.Context(), 1, core.EnqueueOptions{Delay: 30 * time.Minute})
	require.NoError(t, err)
	got := make(chan error, 1)
	go func() {
		messages, err := c.Dequeue(context.Background(), core.DequeueOptions{Wait: patience})
		if err == nil && len(messages) != 1 {
			err = context.DeadlineExceeded
		}
		got <- err
	}()
	time.Sleep(2 * time.Second) // it has looked in vain, and looks less and less often
	clock.move(time.Hour)
	began := time.Now()
	require.NoError(t, <-got)
	t.Logf("the message was handed out %v after the step", time.Since(began).Round(time.Millisecond))
}

// clockWorld watches queues of its own while the load runs.
type clockWorld struct {
	t          *testing.T
	clock      *serverClock
	store      *core.Store
	dsn        string
	probe      *core.Producer
	delayedOne *core.Producer
	producer   *core.Producer
	owner      *core.Consumer
	other      *core.Consumer
	held       *core.Message

	slowest, slowestDelayed time.Duration
}

func (w *clockWorld) open() {
	w.t.Helper()
	for queue, p := range map[string]**core.Producer{"probe": &w.probe, "delayed": &w.delayedOne, "leases": &w.producer} {
		var err error
		*p, err = w.store.Producer(w.t.Context(), queue, core.WorkerOptions{})
		require.NoError(w.t, err)
	}
	for _, c := range []**core.Consumer{&w.owner, &w.other} {
		var err error
		*c, err = w.store.Consumer(w.t.Context(), "leases", core.WorkerOptions{})
		require.NoError(w.t, err)
	}
}

// lease takes a lease of ten minutes.
func (w *clockWorld) lease() {
	w.t.Helper()
	_, err := w.producer.Enqueue(w.t.Context(), "leased")
	require.NoError(w.t, err)
	messages, err := w.owner.Dequeue(w.t.Context(), core.DequeueOptions{Lease: 10 * time.Minute, Wait: late})
	require.NoError(w.t, err)
	require.Len(w.t, messages, 1)
	w.held = messages[0]
	w.atServer(w.held.VT.Add(-10*time.Minute), "a lease begins")
}

// leased requires that the lease ended with the step exactly if it was longer than
// the lease, and then belongs to whoever asks first.
func (w *clockWorld) leased(by time.Duration) {
	w.t.Helper()
	messages, err := w.other.Dequeue(w.t.Context(), core.DequeueOptions{Batch: 10})
	require.NoError(w.t, err)
	expired := by > 10*time.Minute
	require.Equal(w.t, expired, len(messages) == 1, "after a step of %v", by)
	owned, err := w.held.Archive(w.t.Context())
	require.NoError(w.t, err)
	require.Equal(w.t, !expired, owned, "after a step of %v", by)
	for _, m := range messages {
		require.Equal(w.t, w.held.ID, m.ID)
		require.EqualValues(w.t, 2, m.ReadCt)
		owned, err := m.Archive(w.t.Context())
		require.NoError(w.t, err)
		require.True(w.t, owned)
	}
}

// found requires that a waiting consumer gets a new message in time, whatever its
// process has seen of the queue before.
func (w *clockWorld) found() {
	w.t.Helper()
	took := w.sent("probe", w.probe, 0)
	require.Less(w.t, took, late)
	w.slowest = max(w.slowest, took)
}

func (w *clockWorld) delayed() {
	w.t.Helper()
	delay := 300 * time.Millisecond
	took := w.sent("delayed", w.delayedOne, delay) - delay
	require.Less(w.t, took, late)
	require.GreaterOrEqual(w.t, took, -20*time.Millisecond)
	w.slowestDelayed = max(w.slowestDelayed, took)
}

// sent stores a message while a consumer waits and returns how long that took.
func (w *clockWorld) sent(queue string, p *core.Producer, delay time.Duration) time.Duration {
	w.t.Helper()
	c, err := w.store.Consumer(w.t.Context(), queue, core.WorkerOptions{})
	require.NoError(w.t, err)
	defer func() { _ = c.Shutdown(w.t.Context()) }()
	waiting := make(chan struct{})
	got := make(chan error, 1)
	go func() {
		close(waiting)
		messages, err := c.Dequeue(context.Background(), core.DequeueOptions{Wait: patience})
		if err == nil && len(messages) > 0 {
			_, err = messages[0].Archive(context.Background())
		}
		got <- err
	}()
	<-waiting
	began := time.Now()
	_, err = p.EnqueueWith(w.t.Context(), "found", core.EnqueueOptions{Delay: delay})
	require.NoError(w.t, err)
	require.NoError(w.t, <-got)
	return time.Since(began)
}

// stamped requires that instants are the server's.
func (w *clockWorld) stamped() {
	w.t.Helper()
	_, err := w.probe.Enqueue(w.t.Context(), "stamped")
	require.NoError(w.t, err)
	messages, err := w.store.Admin().ListMessages(w.t.Context(), core.Filter{Queue: "probe"}, model.Page{Limit: 10})
	require.NoError(w.t, err)
	require.Len(w.t, messages, 1)
	w.atServer(messages[0].EnqueuedAt, "a message is stored")
	_, err = w.store.Admin().PurgeQueue(w.t.Context(), "probe")
	require.NoError(w.t, err)
}

func (w *clockWorld) atServer(at time.Time, what string) {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), w.dsn)
	require.NoError(w.t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	var now time.Time
	require.NoError(w.t, conn.QueryRow(w.t.Context(), "select now()").Scan(&now))
	require.WithinDuration(w.t, time.Now().Add(w.clock.offset), now, patience, "the clock of the server did not move")
	require.WithinDuration(w.t, now, at, patience, what)
}

// close empties the queues of its own.
func (w *clockWorld) close() {
	w.t.Helper()
	for _, queue := range []string{"probe", "delayed", "leases"} {
		_, err := w.store.Admin().PurgeQueue(w.t.Context(), queue)
		require.NoError(w.t, err)
	}
}

// serverClock moves the wall clock of a server.
type serverClock struct {
	t               *testing.T
	directory       string
	offset, highest time.Duration
}

// newServerClock compiles what is preloaded into the server. Its files can be read
// by whoever the server runs as.
func newServerClock(t *testing.T) *serverClock {
	t.Helper()
	directory, err := os.MkdirTemp("", "pgqrs-clock-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(directory) })
	require.NoError(t, os.Chmod(directory, 0o755))
	c := &serverClock{t: t, directory: directory}
	compiler := os.Getenv("CC")
	if compiler == "" {
		compiler = "cc"
	}
	if _, err := exec.LookPath(compiler); err != nil {
		t.Skip("skipped: no C compiler for what moves the server's clock")
	}
	out, err := exec.Command(compiler, "-shared", "-fPIC", "-O1", "-o", c.library(), filepath.Join("testdata", "clock.c")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.WriteFile(c.file(), make([]byte, 8), 0o600))
	require.NoError(t, os.Chmod(c.file(), 0o644))
	require.NoError(t, os.Chmod(c.library(), 0o755))
	return c
}

func (c *serverClock) library() string { return filepath.Join(c.directory, "clock.so") }
func (c *serverClock) file() string    { return filepath.Join(c.directory, "offset") }

// env is the environment of a server whose clock can be moved.
func (c *serverClock) env() []string {
	return []string{"LD_PRELOAD=" + c.library(), "SERVER_CLOCK=" + c.file()}
}

// move moves the clock at once, in every process of the server.
func (c *serverClock) move(by time.Duration) {
	c.t.Helper()
	c.offset += by
	c.highest = max(c.highest, c.offset)
	file, err := os.OpenFile(c.file(), os.O_WRONLY, 0)
	require.NoError(c.t, err)
	defer func() { _ = file.Close() }()
	_, err = file.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(c.offset.Microseconds())), 0)
	require.NoError(c.t, err)
}
