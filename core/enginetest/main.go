package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// jobVariable tells a re-executed test binary what it is to do.
const jobVariable = "PGQRS_ENGINETEST_JOB"

// job is the work of another process.
type job struct {
	Role   string
	Spec   string
	Queue  int64
	Total  int64         // how many messages there are in all
	Batch  int           // messages a call
	Lease  time.Duration // of a claim
	Worker int64
}

// reply is one line that another process writes.
type reply struct {
	IDs   []int64 `json:",omitempty"`
	Woken int64   `json:",omitempty"`
}

// Main is the TestMain of an engine room: it runs the tests and looks for
// goroutines that were left behind, or, when the suite re-executed the binary,
// does the work of that process on the store that reopen opens.
func Main(m *testing.M, reopen Reopen) {
	if text := os.Getenv(jobVariable); text != "" {
		if err := runJob(text, reopen); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func runJob(text string, reopen Reopen) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	role, ok := roles[j.Role]
	if !ok {
		return fmt.Errorf("no role %q", j.Role)
	}
	ctx, cancel := context.WithTimeout(context.Background(), caseTimeout)
	defer cancel()
	// The pipe on standard input closes when the parent ends, however it ends.
	spawn.Go(nil, func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	})
	eng, err := reopen(ctx, j.Spec)
	if err != nil {
		return err
	}
	defer eng.Close()
	out := json.NewEncoder(os.Stdout)
	return role(ctx, eng, j, func(r reply) error { return out.Encode(r) })
}

// roles are what another process can do. A reply is written after the store
// answered, so what the parent reads is a promise kept.
var roles = map[string]func(ctx context.Context, eng engine.Engine, j job, say func(reply) error) error{
	"install": func(ctx context.Context, eng engine.Engine, _ job, say func(reply) error) error {
		if err := say(reply{}); err != nil { // all processes are up before any begins
			return err
		}
		if err := eng.Install(ctx); err != nil {
			return err
		}
		return eng.Verify(ctx)
	},
	"produce": func(ctx context.Context, eng engine.Engine, j job, say func(reply) error) error {
		for n := int64(0); n < j.Total; n += int64(j.Batch) {
			ids, err := eng.Enqueue(ctx, j.Queue, numbered(j.Batch))
			if err != nil {
				return err
			}
			if err := say(reply{IDs: ids}); err != nil {
				return err
			}
		}
		return nil
	},
	"consume": consume,
	"hold": func(ctx context.Context, eng engine.Engine, j job, say func(reply) error) error {
		c, err := engine.ClaimOne(ctx, eng, engine.Claim{QueueID: j.Queue, WorkerID: j.Worker, Limit: j.Batch, Lease: j.Lease})
		if err != nil {
			return err
		}
		if err := say(reply{IDs: ids(c.Messages)}); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	},
	"notify": func(ctx context.Context, eng engine.Engine, j job, _ func(reply) error) error {
		return eng.Notify(ctx, []int64{j.Queue})
	},
	"listen": func(ctx context.Context, eng engine.Engine, _ job, say func(reply) error) error {
		err := eng.Listen(ctx, func(id int64) { _ = say(reply{Woken: id}) })
		if ctx.Err() != nil {
			return nil
		}
		return err
	},
}

// consume archives until Total messages are archived, by whomever, and replies
// with the ids whose acknowledgement took effect.
func consume(ctx context.Context, eng engine.Engine, j job, say func(reply) error) error {
	w, err := eng.RegisterWorker(ctx, model.NewWorker{QueueID: j.Queue, Name: "consumer", Hostname: "process"})
	if err != nil {
		return err
	}
	var failed error
	over := poll(ctx, caseTimeout, func() bool {
		var full bool
		for ok := true; ok; ok = full {
			if full, failed = consumeOnce(ctx, eng, j, w.ID, say); failed != nil {
				return true
			}
		}
		var n int64
		n, failed = eng.CountArchived(ctx, engine.Filter{QueueID: j.Queue})
		return failed != nil || n >= j.Total
	})
	if failed == nil && !over {
		return fault.New(fault.Timeout, "the queue was not emptied in time")
	}
	return failed
}

// consumeOnce claims and archives one batch; full reports that there may be more.
func consumeOnce(ctx context.Context, eng engine.Engine, j job, worker int64, say func(reply) error) (full bool, err error) {
	c, err := engine.ClaimOne(ctx, eng, engine.Claim{QueueID: j.Queue, WorkerID: worker, Limit: j.Batch, Lease: j.Lease})
	if err != nil || len(c.Messages) == 0 {
		return false, err
	}
	outcomes, err := eng.Finish(ctx, engine.FinishArchive, tokens(c.Messages))
	if err != nil {
		return false, err
	}
	var r reply
	for i, ok := range outcomes {
		if ok {
			r.IDs = append(r.IDs, c.Messages[i].ID)
		}
	}
	return len(c.Messages) == j.Batch, say(r)
}
