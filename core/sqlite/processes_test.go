package sqlite

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// contention is how long processes compete for the write lock.
const contention = 2 * time.Second

// contender is what a process says about its commits.
type contender struct {
	Commits int
	Worst   time.Duration
}

// roles are what another process can play; each gets the path of the database.
var roles = map[string]func(path string) error{
	"open": openRole,
	"contend": func(path string) error {
		ctx := context.Background()
		eng, err := reopen(ctx, path)
		if err != nil {
			return err
		}
		defer eng.Close()
		q, err := eng.GetQueue(ctx, "queue")
		if err != nil {
			return err
		}
		if err := say("ready"); err != nil {
			return err
		}
		if err := proceed(); err != nil {
			return err
		}
		var c contender
		for begin := time.Now(); time.Since(begin) < contention; c.Commits++ {
			start := time.Now()
			if _, err := eng.Enqueue(ctx, q.ID, []model.NewMessage{{Payload: payload}}); err != nil {
				return err
			}
			c.Worst = max(c.Worst, time.Since(start))
		}
		return say(c)
	},
	"toil": toil,
	"wake": func(path string) error {
		ctx := context.Background()
		eng, err := reopen(ctx, path)
		if err != nil {
			return err
		}
		defer eng.Close()
		for range wakeUps {
			if err := proceed(); err != nil {
				return err
			}
			at := time.Now()
			if err := eng.Notify(ctx, []int64{1}); err != nil {
				return err
			}
			if err := say(at); err != nil {
				return err
			}
		}
		return nil
	},
}

// wakeUps is how many announcements the latency is measured with.
const wakeUps = 50

// toiled is what a process says after each of its acknowledged calls.
type toiled struct{ Sent, Archived []int64 }

// toil sends messages and archives whatever there is, until it is killed or the
// parent tells it to stop sending, and then until nothing is left.
func toil(path string) error {
	ctx := context.Background()
	eng, err := reopen(ctx, path)
	if err != nil {
		return err
	}
	defer eng.Close()
	q, err := eng.GetQueue(ctx, "queue")
	if err != nil {
		return err
	}
	w, err := eng.RegisterWorker(ctx, model.NewWorker{QueueID: q.ID, Name: "consumer"})
	if err != nil {
		return err
	}
	stopped := background(proceed)
	for sending := true; ; {
		select {
		case <-stopped:
			sending = false
		default:
		}
		var done toiled
		if sending {
			messages := []model.NewMessage{{Payload: payload}, {Payload: payload}, {Payload: payload}}
			if done.Sent, err = eng.Enqueue(ctx, q.ID, messages); err != nil {
				return err
			}
		}
		c, err := engine.ClaimOne(ctx, eng, engine.Claim{QueueID: q.ID, WorkerID: w.ID, Limit: 5, Lease: 300 * time.Millisecond})
		if err != nil {
			return err
		}
		tokens := make([]model.Token, len(c.Messages))
		for i, m := range c.Messages {
			tokens[i] = model.Token{ID: m.ID, Worker: w.ID, ReadCt: m.ReadCt}
		}
		took, err := eng.Finish(ctx, engine.FinishArchive, tokens)
		if err != nil {
			return err
		}
		for i, ok := range took {
			if ok {
				done.Archived = append(done.Archived, tokens[i].ID)
			}
		}
		if err := say(done); err != nil {
			return err
		}
		if !sending && len(tokens) == 0 && c.NextDue < 0 {
			return nil
		}
	}
}

// TestKilledProcessesLoseNothing has four processes compete, kills two of them in
// the middle of things, again and again, and compares what all were answered with
// what is stored.
func TestKilledProcessesLoseNothing(t *testing.T) {
	b := setup(t, Config{})
	sent, archived := map[int64]bool{}, map[int64]bool{}
	note := func(d toiled) {
		for _, id := range d.Sent {
			require.False(t, sent[id], "id %d given twice", id)
			sent[id] = true
		}
		for _, id := range d.Archived {
			require.False(t, archived[id], "message %d archived twice", id)
			archived[id] = true
		}
	}
	hear := func(p *other, lines int) {
		for range lines {
			var d toiled
			if !p.hear(&d) {
				return
			}
			note(d)
		}
	}
	survivors := []*other{startRole(t, "toil", b.path), startRole(t, "toil", b.path)}
	for round := range 5 {
		victims := []*other{startRole(t, "toil", b.path), startRole(t, "toil", b.path)}
		for _, v := range victims {
			hear(v, 20+7*round)
		}
		for _, v := range victims {
			require.NoError(t, v.cmd.Process.Kill())
		}
		for _, v := range victims {
			hear(v, 1<<30) // what it said before it died
		}
	}
	for _, s := range survivors {
		s.tell()
	}
	for _, s := range survivors {
		hear(s, 1<<30)
		require.NoError(t, s.cmd.Wait())
	}
	list, err := b.store.ListArchived(b.ctx, engine.Filter{}, model.Page{Limit: 1 << 40})
	require.NoError(t, err)
	stored := map[int64]bool{}
	for _, m := range list {
		stored[m.ID] = true
	}
	for id := range sent {
		require.True(t, stored[id], "message %d is lost", id)
	}
	for id := range archived {
		require.True(t, stored[id], "the archive lost message %d", id)
	}
	n, err := b.store.CountMessages(b.ctx, engine.Filter{})
	require.NoError(t, err)
	require.Zero(t, n)
	require.Zero(t, len(list)%3, "half a batch is stored")
	require.Equal(t, "ok", b.store.writer.conn.text(t, "PRAGMA integrity_check"))
	t.Logf("%d messages, %d acknowledged by a process that could tell", len(list), len(archived))
}

func TestAnotherProcessWakesAtOnce(t *testing.T) {
	b := setup(t, Config{})
	woken := make(chan time.Time, 1000)
	ctx, cancel := context.WithCancel(b.ctx)
	ended := background(func() error { return b.store.Listen(ctx, func(int64) { woken <- time.Now() }) })
	within(t, woken, "the listener")
	p := startRole(t, "wake", b.path)
	var late []time.Duration
	for range wakeUps {
		for len(woken) > 0 {
			<-woken
		}
		p.tell()
		at := within(t, woken, "a wake-up")
		var announced time.Time
		require.True(t, p.hear(&announced))
		late = append(late, at.Sub(announced))
	}
	cancel()
	fails(t, fault.Cancelled, "", within(t, ended, "the listener's end"))
	slices.Sort(late)
	t.Logf("wake-up p50 %v, worst %v", late[len(late)/2], late[len(late)-1])
	require.Less(t, late[len(late)/2], foreignPoll/10, "the poll must not be what wakes")
}

// TestForeignCommitsAreNoticed is about programs that announce nothing.
func TestForeignCommitsAreNoticed(t *testing.T) {
	b := setup(t, Config{})
	woken := make(chan struct{}, 1000)
	ctx, cancel := context.WithCancel(b.ctx)
	ended := background(func() error { return b.store.Listen(ctx, func(int64) { woken <- struct{}{} }) })
	within(t, woken, "the listener")
	foreign, err := sqlite3.Open(b.path)
	require.NoError(t, err)
	require.NoError(t, foreign.Exec("UPDATE pgqrs_queues SET max_read_ct = 7"))
	within(t, woken, "a wake-up")
	require.NoError(t, foreign.Close())
	cancel()
	<-ended
}

func TestProcessesQueueForTheLock(t *testing.T) {
	b := setup(t, Config{})
	var list []*other
	for range 4 {
		p := startRole(t, "contend", b.path)
		var ready string
		require.True(t, p.hear(&ready))
		list = append(list, p)
	}
	for _, p := range list {
		p.tell()
	}
	total, least, most, worst := 0, 1<<30, 0, time.Duration(0)
	for _, p := range list {
		var c contender
		require.True(t, p.hear(&c))
		total += c.Commits
		least, most = min(least, c.Commits), max(most, c.Commits)
		worst = max(worst, c.Worst)
	}
	t.Logf("%d commits in %v, slowest/fastest process %d/%d, worst wait %v", total, contention, least, most, worst)
	require.Positive(t, least, "nobody starves")
	n, err := b.store.CountMessages(b.ctx, engine.Filter{})
	require.NoError(t, err)
	require.EqualValues(t, total, n)
}
