package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/fault"
)

// TestDiskFull fills the place of a database, in a process of its own because
// such a thing may kill one: callers get a typed error, nothing answered is lost,
// nothing that was refused is stored, and with room again work goes on.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	t.Run("file system", func(t *testing.T) {
		directory := t.TempDir()
		if err := unix.Mount("pgqrs-test", directory, "tmpfs", 0, "size=3m"); err != nil {
			t.Skipf("skipped: no file system of a few megabytes can be mounted: %v", err)
		}
		t.Cleanup(func() { require.NoError(t, unix.Unmount(directory, unix.MNT_DETACH)) })
		fillDisk(t, job{Role: "diskfull", DSN: filepath.Join(directory, "queue.db"), Name: "ballast"})
	})
	t.Run("file size limit", func(t *testing.T) {
		fillDisk(t, job{Role: "diskfull", DSN: filepath.Join(t.TempDir(), "queue.db"), Name: "limit"})
	})
}

func fillDisk(t *testing.T, j job) {
	t.Helper()
	j.done(t, 3*patience)
	store, err := core.Open(t.Context(), "sqlite:///"+j.DSN)
	require.NoError(t, err, "another process opens the file")
	defer closeStore(store)
	require.NoError(t, store.Verify(t.Context()))
}

// scarcity is how a place gets full, and free again.
type scarcity struct{ begin, end func() error }

func (j job) scarcity() scarcity {
	if j.Name == "limit" {
		limit := func(size uint64) func() error {
			return func() error {
				var now unix.Rlimit
				if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &now); err != nil {
					return err
				}
				return unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: min(size, now.Max), Max: now.Max})
			}
		}
		return scarcity{begin: limit(1 << 20), end: limit(unix.RLIM_INFINITY)}
	}
	ballast := filepath.Join(filepath.Dir(j.DSN), "ballast")
	return scarcity{
		begin: func() error { return os.WriteFile(ballast, make([]byte, 1<<20), 0o600) },
		end:   func() error { return os.Remove(ballast) },
	}
}

// filler is the job of the process whose disk is full.
type filler struct {
	store *core.Store
	p     *core.Producer

	mu      sync.Mutex // guards the fields below
	stored  map[int64]int
	refused map[int]error
	unknown map[int]bool // whether it was found to be stored
	kinds   map[string]int
}

// padding makes a message fill a page or two.
var padding = strings.Repeat("x", 6000)

type bulky struct {
	N   int    `json:"n"`
	Pad string `json:"pad"`
}

func diskFullJob(j job) error {
	ctx := context.Background()
	f := &filler{stored: map[int64]int{}, refused: map[int]error{}, unknown: map[int]bool{}, kinds: map[string]int{}}
	var err error
	if f.store, err = core.Open(ctx, "sqlite:///"+j.DSN); err != nil {
		return err
	}
	if _, err := f.store.Admin().CreateQueue(ctx, "tasks", 100); err != nil {
		return err
	}
	if f.p, err = f.store.Producer(ctx, "tasks", core.WorkerOptions{}); err != nil {
		return err
	}
	c, err := f.store.Consumer(ctx, "tasks", core.WorkerOptions{})
	if err != nil {
		return err
	}
	scarce := j.scarcity()
	if err := scarce.begin(); err != nil {
		return err
	}
	if err := f.fill(ctx); err != nil {
		return err
	}
	// Reads go on; what changes something may fail, by name.
	if n, err := f.store.Admin().CountMessages(ctx, core.Filter{}); err != nil || int(n) < len(f.stored) {
		return fmt.Errorf("%d messages are seen on a full disk, %d were answered: %w", n, len(f.stored), err)
	}
	held, err := c.Dequeue(ctx, core.DequeueOptions{Batch: 5, Lease: time.Hour})
	if err := f.note("dequeue", err); err != nil {
		return err
	}
	acknowledged := map[int64]bool{}
	if len(held) > 0 {
		outcomes, err := c.ArchiveMany(ctx, tokensOf(held))
		if err := f.note("archive", err); err != nil {
			return err
		}
		for i, ok := range outcomes {
			acknowledged[held[i].ID] = ok
		}
	}

	if err := scarce.end(); err != nil {
		return err
	}
	began := time.Now()
	for {
		id, err := f.p.Enqueue(ctx, bulky{N: -1})
		if err == nil {
			f.stored[id] = -1
			break
		}
		if time.Since(began) > recovery {
			return fmt.Errorf("there is room again and the store does not go on: %w", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	recovered := time.Since(began)
	for _, m := range held {
		if acknowledged[m.ID] {
			continue
		}
		if ok, err := m.Archive(ctx); err != nil || !ok {
			return fmt.Errorf("a lease taken on the full disk does not hold: %v %w", ok, err)
		}
	}
	if err := f.judge(ctx, c); err != nil {
		return err
	}
	found := 0
	for _, stored := range f.unknown {
		if stored {
			found++
		}
	}
	fmt.Printf("%d stored, %d refused, %d of unknown outcome (%d of them stored), recovered after %v; errors: %v\n", len(f.stored),
		len(f.refused), len(f.unknown), found, recovered.Round(time.Millisecond), f.kinds)
	if len(f.unknown) > 0 && found == 0 {
		return errors.New("a full disk is certain to store nothing, and callers were told that the outcome is unknown")
	}
	return f.store.Close(ctx)
}

// note counts an error, and returns those that a full disk does not excuse.
func (f *filler) note(op string, err error) error {
	if err == nil {
		return nil
	}
	var typed *fault.Error
	full := errors.As(err, &typed) && (typed.SQLState == "SQLITE_FULL" || typed.SQLState == "SQLITE_IOERR")
	if !full {
		return fmt.Errorf("%s on a full disk: %T %w", op, err, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kinds[fmt.Sprintf("%s: %v %s safe=%v", op, typed.Kind, typed.SQLState, fault.SafeToRetry(err))]++
	return nil
}

// fill enqueues from several sides until that has failed often.
func (f *filler) fill(ctx context.Context) error {
	const sides, failures = 4, 15
	answers := make(chan error, sides)
	for side := range sides {
		go func() {
			failed := 0
			for n := side; failed < failures && n < 20_000; n += sides {
				id, err := f.p.Enqueue(ctx, bulky{n, padding})
				if bad := f.note("enqueue", err); bad != nil {
					answers <- bad
					return
				}
				f.mu.Lock()
				switch {
				case err == nil:
					f.stored[id] = n
				case fault.Is(err, fault.OutcomeUnknown):
					f.unknown[n] = false
					failed++
				default:
					f.refused[n] = err
					failed++
				}
				f.mu.Unlock()
			}
			answers <- nil
		}()
	}
	var errs []error
	for range sides {
		errs = append(errs, <-answers)
	}
	if len(f.refused)+len(f.unknown) == 0 {
		errs = append(errs, errors.New("the disk did not get full"))
	}
	return errors.Join(errs...)
}

// judge empties the queue and compares what comes with what was answered.
func (f *filler) judge(ctx context.Context, c *core.Consumer) error {
	seen := map[int64]bool{}
	for {
		messages, err := c.Dequeue(ctx, core.DequeueOptions{Batch: 50, Lease: time.Hour})
		if err != nil {
			return err
		}
		if len(messages) == 0 {
			break
		}
		for _, m := range messages {
			var b bulky
			if err := m.Decode(&b); err != nil {
				return err
			}
			if err := f.refused[b.N]; err != nil && b.N >= 0 {
				return fmt.Errorf("message %d is stored although its caller was told: %w", b.N, err)
			}
			if _, is := f.unknown[b.N]; is {
				f.unknown[b.N] = true
			}
			seen[m.ID] = true
		}
		if _, err := c.DeleteMany(ctx, tokensOf(messages)); err != nil {
			return err
		}
	}
	finished, err := f.store.Admin().CountArchived(ctx, core.Filter{})
	if err != nil {
		return err
	}
	missing := 0
	for id := range f.stored {
		if !seen[id] {
			missing++
		}
	}
	if missing != int(finished) {
		return fmt.Errorf("%d messages are missing from the queue, %d were archived", missing, finished)
	}
	return nil
}

// TestReadOnlyFileSystem: a database on a file system that cannot be written is
// refused by name, and works again once it can.
func TestReadOnlyFileSystem(t *testing.T) {
	directory := t.TempDir()
	if err := unix.Mount("pgqrs-test", directory, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("skipped: no file system can be mounted: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(directory, unix.MNT_DETACH)) })
	mode := func(flags uintptr) {
		require.NoError(t, unix.Mount("pgqrs-test", directory, "tmpfs", unix.MS_REMOUNT|flags, "size=8m"))
	}
	dsn := "sqlite:///" + filepath.Join(directory, "queue.db")
	child := func() error { // another process, because this one keeps its files open
		out, err := job{Role: "install", DSN: dsn}.command(t.Context(), t).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	mode(unix.MS_RDONLY)
	err := child()
	require.ErrorContains(t, err, "writable", "no database yet")
	require.ErrorContains(t, err, "queue.db")
	mode(0)
	require.NoError(t, child())
	mode(unix.MS_RDONLY)
	err = child()
	t.Log(err)
	require.ErrorContains(t, err, "writable", "a database")
	require.ErrorContains(t, err, "queue.db")
	mode(0)
	require.NoError(t, child())
}
