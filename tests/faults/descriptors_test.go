package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/fault"
)

// TestNoDescriptorsLeft: a process has no descriptor left. What needs a new one
// fails by name, what has its connection goes on, and with descriptors again
// everything works.
func TestNoDescriptorsLeft(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		job{Role: "descriptors", DSN: "sqlite:///" + filepath.Join(t.TempDir(), "queue.db"), Name: "file"}.done(t, 2*patience)
	})
	t.Run("postgres", func(t *testing.T) {
		dsn := testdb.Postgres(t)
		wire := testdb.NewProxy(t, dsn)
		job{Role: "descriptors", DSN: wire.DSN + "&pgqrs_schema=" + testdb.Schema(t, dsn), Name: "server"}.done(t, 2*patience)
	})
}

func descriptorsJob(j job) error {
	ctx := context.Background()
	store, p, c, err := openTasks(ctx, j.DSN)
	if err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 256, Max: 256}); err != nil {
		return err
	}
	var hoard []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		hoard = append(hoard, f)
	}
	count := map[string]int{}
	note := func(op string, err error) error {
		var typed *fault.Error
		switch {
		case err == nil:
			count[op+": done"]++
		case !errors.As(err, &typed) || typed.Kind == fault.Internal:
			return fmt.Errorf("%s without descriptors: %T %w", op, err, err)
		default:
			count[op+": "+typed.Kind.String()]++
		}
		return nil
	}
	stored := 0
	for n := range 20 {
		_, err := p.Enqueue(ctx, n)
		if err == nil {
			stored++
		}
		if err := note("enqueue", err); err != nil {
			return err
		}
		short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		_, err = c.Dequeue(short, core.DequeueOptions{Wait: 50 * time.Millisecond, Lease: time.Millisecond})
		cancel()
		if err := note("dequeue", err); err != nil {
			return err
		}
	}
	_, err = core.Open(ctx, other(j.DSN))
	if err == nil {
		return errors.New("another store was opened without descriptors")
	}
	if err := note("open", err); err != nil {
		return err
	}
	for _, f := range hoard {
		_ = f.Close()
	}
	for began := time.Now(); ; {
		if _, err = p.Enqueue(ctx, "again"); err == nil {
			stored++
			break
		}
		if time.Since(began) > recovery {
			return fmt.Errorf("there are descriptors again and the store does not go on: %w", err)
		}
	}
	queued, err := store.Admin().CountMessages(ctx, core.Filter{})
	if err != nil {
		return err
	}
	fmt.Printf("%d descriptors taken; %v; %d answered, %d in the queue\n", len(hoard), count, stored, queued)
	if int(queued) != stored {
		return errors.New("what was answered is not what is stored")
	}
	return store.Close(ctx)
}

// other is another store than that of a DSN.
func other(dsn string) string {
	if path, is := strings.CutSuffix(dsn, ".db"); is {
		return path + "-other.db"
	}
	return dsn + "&pgqrs_max_read_ct=7"
}
