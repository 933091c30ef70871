package sqlite

import (
	"context"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// deadlined is a context that ends soon.
func deadlined(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestTheFileLockIsWaitedForUntilTheDeadline(t *testing.T) {
	t.Run("whoever comes first", testFileLock)
	t.Run("the one with a deadline first", func(t *testing.T) { // and the other while it yields
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		testFileLock(t)
	})
}

func testFileLock(t *testing.T) {
	b := setup(t, Config{})
	var foreign fileLock
	require.NoError(t, foreign.open(b.store.at.lockPath(), 0o600))
	t.Cleanup(foreign.close)
	locked, err := foreign.acquire(func() bool { return true })
	require.True(t, locked)
	require.NoError(t, err)

	// The patient call keeps the group waiting; the other must not wait with it.
	patient := background(func() error {
		_, err := b.store.Enqueue(b.ctx, b.queue.ID, []model.NewMessage{{Payload: payload}})
		return err
	})
	_, err = b.store.Enqueue(deadlined(t, 50*time.Millisecond), b.queue.ID, []model.NewMessage{{Payload: payload}})
	require.True(t, fault.SafeToRetry(fails(t, fault.Timeout, "", err)))
	_, err = b.store.GetQueue(b.ctx, "queue")
	require.NoError(t, err, "readers do not wait")
	foreign.release()
	require.NoError(t, within(t, patient, "the patient call"))
	require.Len(t, b.claim(10), 1)
}

func TestAForeignWriterIsWaitedForUntilTheDeadline(t *testing.T) {
	b := setup(t, Config{})
	foreign, err := sqlite3.Open(b.path)
	require.NoError(t, err)
	t.Cleanup(func() { foreign.Close() })
	require.NoError(t, foreign.Exec("BEGIN IMMEDIATE; UPDATE pgqrs_queues SET max_read_ct = 7"))

	start := time.Now()
	_, err = b.store.Enqueue(deadlined(t, 100*time.Millisecond), b.queue.ID, []model.NewMessage{{Payload: payload}})
	fails(t, fault.Timeout, "", err)
	require.Less(t, time.Since(start), 5*time.Second)
	ctx, cancel := context.WithCancel(b.ctx)
	cancelled := background(func() error {
		_, err := b.store.Enqueue(ctx, b.queue.ID, []model.NewMessage{{Payload: payload}})
		return err
	})
	cancel()
	fails(t, fault.Cancelled, "", within(t, cancelled, "the cancelled call"))

	waiting := background(func() error {
		_, err := b.store.Enqueue(b.ctx, b.queue.ID, []model.NewMessage{{Payload: payload}})
		return err
	})
	require.NoError(t, foreign.Exec("COMMIT"))
	require.NoError(t, within(t, waiting, "the waiting call"))
	require.Len(t, b.claim(10), 1, "what timed out or was cancelled must not be stored")
}

func TestALongCallIsInterrupted(t *testing.T) {
	b := setup(t, Config{})
	err := b.store.write(deadlined(t, 50*time.Millisecond), 0, func(tx *tx) error {
		return tx.raw.Exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n")
	})
	fails(t, fault.Timeout, "", err)
	b.enqueue(1, 0)
}

func TestCloseAnswersEveryCall(t *testing.T) {
	b := setup(t, Config{})
	var calls sync.WaitGroup
	var stored sync.Map
	begun := make(chan struct{}, 1000)
	for range 8 {
		calls.Go(func() {
			for {
				ids, err := b.store.Enqueue(b.ctx, b.queue.ID, []model.NewMessage{{Payload: payload}})
				if err != nil {
					fails(t, fault.Closed, "", err)
					return
				}
				stored.Store(ids[0], true)
				begun <- struct{}{}
			}
		})
	}
	listening := background(func() error { return b.store.Listen(b.ctx, func(int64) {}) })
	for range 100 {
		<-begun
	}
	spawnDrain := background(func() error {
		for range begun {
		}
		return nil
	})
	b.store.Close()
	calls.Wait()
	close(begun)
	require.NoError(t, <-spawnDrain)
	fails(t, fault.Closed, "", within(t, listening, "the listener"))
	_, err := b.store.GetQueue(b.ctx, "queue")
	fails(t, fault.Closed, "", err)
	require.NoFileExists(t, b.path+"-wal", "the last connection takes the log along")

	again := open(t, Config{Path: b.path})
	stored.Range(func(id, _ any) bool {
		_, err := again.GetMessage(b.ctx, id.(int64))
		require.NoError(t, err)
		return true
	})
}

func TestTheDescriptorsNeverChange(t *testing.T) {
	b := setup(t, Config{Readers: 3})
	fds := b.store.Descriptors()
	require.Len(t, fds, 4*3+1, "database, log and shared memory of four connections, and the lock")
	for range 30 {
		b.enqueue(1000, 0)
		tokens := b.claim(1000)
		_, err := b.store.Finish(b.ctx, engine.FinishArchive, tokens)
		require.NoError(t, err)
		_, err = b.store.Metrics(b.ctx, 0)
		require.NoError(t, err)
	}
	now := descriptorsOf(b.store.at)
	for _, fd := range fds[:len(fds)-1] {
		require.True(t, now[fd])
	}
	require.Len(t, now, len(fds)-1)
	require.Empty(t, open(t, Config{Path: ":memory:"}).Descriptors())
}

// TestCloseSparesTheLocksOfOthers plays another SQLite library in this process.
func TestCloseSparesTheLocksOfOthers(t *testing.T) {
	if _, err := os.ReadDir(selfFD); err != nil {
		t.Skipf("descriptors cannot be listed here: %v", err)
	}
	b := setup(t, Config{})
	b.enqueue(1, 0)
	theirs, err := os.Open(b.path)
	require.NoError(t, err)
	shared := unix.Flock_t{Type: unix.F_RDLCK, Start: 1073741826, Len: 510}
	require.NoError(t, unix.FcntlFlock(theirs.Fd(), unix.F_SETLK, &shared))
	locks := func() string {
		info, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(int(theirs.Fd())))
		require.NoError(t, err)
		return string(info)
	}
	require.Contains(t, locks(), "POSIX")

	another := open(t, Config{Path: b.path}) // an engine of ours is no reason to park
	fds := b.store.Descriptors()
	b.store.Close()
	require.Contains(t, locks(), "POSIX", "their lock must survive our close")
	open := descriptorsOf(b.store.at)
	for _, fd := range fds[:len(fds)-1] {
		require.True(t, open[fd], "parked")
	}
	require.NoError(t, theirs.Close())
	another.Close()
	require.Empty(t, descriptorsOf(b.store.at), "nobody is left, so the parked ones were closed too")
	require.False(t, slices.ContainsFunc(parked.sets, func(r retired) bool { return len(r.conns) > 0 }))
}

func TestAStoreInMemoryIsAlone(t *testing.T) {
	one, two := open(t, Config{}), open(t, Config{Path: ":memory:"})
	_, err := one.CreateQueue(t.Context(), "queue", 5)
	require.NoError(t, err)
	n, err := two.CountQueues(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, "the store in memory", one.at.String())
}

func TestAStoreInMemoryCanBeFull(t *testing.T) {
	s := open(t, Config{})
	q, err := s.CreateQueue(t.Context(), "queue", 5)
	require.NoError(t, err)
	s.writer.conn.raw.Exec("PRAGMA max_page_count=300")
	large := []byte(`"` + strings.Repeat("x", 2<<20) + `"`)
	_, err = s.Enqueue(t.Context(), q.ID, []model.NewMessage{{Payload: large}})
	fails(t, fault.Database, "SQLITE_FULL", err)
	_, err = s.Enqueue(t.Context(), q.ID, []model.NewMessage{{Payload: payload}})
	require.NoError(t, err)
}

func TestAPanicReachesTheReportAndEveryCaller(t *testing.T) {
	reported := make(chan any, 1)
	b := setup(t, Config{Report: func(r any, _ []byte) { reported <- r }})
	err := b.store.write(b.ctx, 1, func(*tx) error { panic("a defect") })
	fails(t, fault.Internal, "", err)
	require.Equal(t, "a defect", within(t, reported, "the report"))
	_, err = b.store.Enqueue(b.ctx, b.queue.ID, []model.NewMessage{{Payload: payload}})
	fails(t, fault.Internal, "", err)
}

// TestAnOlderFileIsUpgradedInPlace goes back to the file before workflows, with a
// message in it.
func TestAnOlderFileIsUpgradedInPlace(t *testing.T) {
	b := setup(t, Config{})
	ids := b.enqueue(1, 0)
	require.NoError(t, b.store.write(b.ctx, 0, func(t *tx) error {
		return t.raw.Exec(`DROP TABLE pgqrs_workflows; DROP TABLE pgqrs_workflow_runs; DROP TABLE pgqrs_workflow_steps;
			DROP TABLE pgqrs_dedup;
			DELETE FROM pgqrs_schema_version WHERE version > 1`)
	}))
	require.ErrorContains(t, b.store.Verify(b.ctx), "install()")
	_, err := b.store.CreateWorkflow(b.ctx, "orders", 5)
	require.True(t, fault.Is(err, fault.Schema), "%v", err)

	require.NoError(t, b.store.Install(b.ctx))
	require.NoError(t, b.store.Verify(b.ctx))
	_, err = b.store.CreateWorkflow(b.ctx, "orders", 5)
	require.NoError(t, err)
	require.Equal(t, ids[0], b.claim(1)[0].ID)
}
