package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/model"
)

const (
	lockTime  = time.Second
	readLimit = 3
)

// TestKillPoints kills producers, consumers and servers at random points, and
// then holds what callers were answered against what is stored.
func TestKillPoints(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		runKills(t, killPlan{dsn: "sqlite:///" + filepath.Join(t.TempDir(), "queue.db"), actors: scaled(25, 210)})
	})
	t.Run("postgres", func(t *testing.T) {
		s := startServer(t)
		runKills(t, killPlan{dsn: s.dsn, server: s, actors: scaled(22, 190), servers: scaled(2, 20)})
	})
}

// killPlan is how a run goes.
type killPlan struct {
	dsn     string
	server  *server
	actors  int           // kills of producers and consumers
	servers int           // kills of the server, spread among them
	until   time.Duration // not zero: for so long, whatever the numbers above
	keep    bool          // half of the consumers keep their leases alive
}

// laboratory is a run.
type laboratory struct {
	killPlan
	t      *testing.T
	rand   *rand.Rand
	ledger string
	number int
	actors []*process
	python string
}

// process is an actor that runs.
type process struct {
	job job
	lab *laboratory
	// python is the interpreter, if the actor is a Python program.
	python string
	cmd    *exec.Cmd
	ended  chan error
}

func runKills(t *testing.T, plan killPlan) {
	t.Helper()
	l := &laboratory{killPlan: plan, t: t, rand: seeded(t), ledger: filepath.Join(t.TempDir(), "ledger")}
	l.python = interpreter(t)
	l.prepare()
	began := time.Now()
	kills := l.run()
	ended := time.Now()
	store := l.open()
	drained := l.drain(store)
	took := drained.Sub(ended)
	book := readLedger(t, l.ledger)
	c := book.compare(archived(t, store), readLimit, len(l.server.outages()), l.server.outages())
	t.Logf("%v: %d producers, %d consumers and %d servers killed", ended.Sub(began).Round(time.Second),
		kills["produce"], kills["consume"], kills["server"])
	t.Logf("%d messages tried, %d answered, %d stored without an answer; %d leases, %d redeliveries, the latest %v after its time; %d archived, %d dead",
		c.tried, c.answered, c.unanswered, c.leases, c.redelivered, c.latest.Round(time.Millisecond), c.archived, c.dead)
	t.Logf("empty %v after everybody was killed; the lock time is %v", took.Round(time.Millisecond), lockTime)
	book.report()
	require.NotZero(t, c.archived)
	require.Less(t, c.latest, lockTime+time.Second, "a redelivery came late")
	require.Less(t, took, lockTime+time.Second+l.leisure(c), "a dead worker kept a lease for too long")
}

// leisure is what the last consumer may need besides, for what had piled up.
func (l *laboratory) leisure(c counts) time.Duration {
	return 500*time.Millisecond + time.Duration(c.tried/20)*time.Millisecond
}

// prepare makes the queue and starts the actors.
func (l *laboratory) prepare() {
	store := l.open()
	_, err := store.Admin().CreateQueue(l.t.Context(), "tasks", readLimit)
	require.NoError(l.t, err)
	require.NoError(l.t, store.Close(l.t.Context()))
	for i, role := range []string{"produce", "produce", "consume", "consume", "consume"} {
		p := &process{lab: l, job: job{Role: role, Keep: l.keep && i%2 == 0}}
		if i == 1 || i == 4 {
			p.python = l.python
		}
		p.start()
		l.actors = append(l.actors, p)
	}
	l.t.Cleanup(l.killAll)
}

func (l *laboratory) open() *core.Store {
	l.t.Helper()
	store, err := core.Open(l.t.Context(), l.dsn, core.WithBootstrap())
	require.NoError(l.t, err)
	l.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = store.Close(ctx)
	})
	return store
}

// run kills until the plan is fulfilled, and then everybody.
func (l *laboratory) run() map[string]int {
	kills := map[string]int{}
	total, ends := l.killPlan.actors+l.servers, time.Now().Add(l.until)
	var wait sync.WaitGroup
	defer wait.Wait()
	for n := 0; n < total || l.until > 0 && time.Now().Before(ends); n++ {
		time.Sleep(between(l.rand, 20*time.Millisecond, 480*time.Millisecond))
		if l.servers > 0 && (l.rand.IntN(total) < l.servers || total-n <= l.servers-kills["server"]) && kills["server"] < max(l.servers, n/10) {
			kills["server"]++
			l.server.restart(between(l.rand, 0, 300*time.Millisecond))
			continue
		}
		p := l.actors[l.rand.IntN(len(l.actors))]
		select {
		case err := <-p.ended:
			l.t.Errorf("%s ended by itself: %v", p.job.Name, err)
		default:
			p.kill()
		}
		kills[p.job.Role]++
		p.start()
	}
	l.killAll()
	return kills
}

func (l *laboratory) killAll() {
	for _, p := range l.actors {
		p.kill()
	}
	l.actors = nil
}

// start starts the actor under a new name.
func (p *process) start() {
	l := p.lab
	l.number++
	p.job.Name = fmt.Sprintf("%s-%d", p.job.Role, l.number)
	p.job.DSN, p.job.Queue, p.job.Ledger = l.dsn, "tasks", l.ledger
	p.job.Seed, p.job.LockMS, p.job.PauseMS = l.rand.Uint64()>>1, lockTime.Milliseconds(), 6
	text, err := json.Marshal(p.job)
	require.NoError(l.t, err)
	if p.python != "" {
		p.cmd = exec.Command(p.python, "-B", filepath.Join(root(l.t), "tests", "faults", "actor.py"), string(text))
		p.cmd.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(root(l.t), "python"))
	} else {
		p.cmd = exec.Command(os.Args[0])
		p.cmd.Env = append(os.Environ(), jobVariable+"="+string(text))
	}
	p.cmd.Stderr = os.Stderr
	require.NoError(l.t, p.cmd.Start())
	ended, cmd := make(chan error, 1), p.cmd
	p.ended = ended
	go func() { ended <- cmd.Wait() }()
}

// kill ends the actor as kill -9 does.
func (p *process) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		<-p.ended
		p.cmd = nil
	}
}

// interpreter finds what runs the Python actors; without it they are Go programs.
func interpreter(t *testing.T) string {
	t.Helper()
	library := os.Getenv("PGQRS_LIBRARY")
	if library == "" {
		library = filepath.Join(root(t), "build", "libpgqrs.so.1")
		t.Setenv("PGQRS_LIBRARY", library)
	}
	if _, err := os.Stat(library); err != nil {
		t.Logf("no Python actors: the library is not built (make lib), or PGQRS_LIBRARY does not name it")
		return ""
	}
	for _, name := range []string{os.Getenv("PGQRS_FAULTS_PYTHON"), os.Getenv("PYTHON"), "python3"} {
		if name == "" {
			continue
		}
		if exec.Command(name, "-c", "import sys; sys.exit(sys.version_info < (3, 11))").Run() == nil {
			return name
		}
	}
	t.Logf("no Python actors: no Python 3.11 or later; name one in PGQRS_FAULTS_PYTHON")
	return ""
}

// drain consumes what the dead have left and returns when the queue was empty.
func (l *laboratory) drain(store *core.Store) time.Time {
	l.t.Helper()
	last := &actor{job: job{Name: "last", Queue: "tasks", LockMS: time.Minute.Milliseconds()}, ctx: l.t.Context(), store: store}
	var err error
	last.ledger, err = os.OpenFile(l.ledger, os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(l.t, err)
	defer func() { _ = last.ledger.Close() }()
	c, err := store.Consumer(l.t.Context(), "tasks", core.WorkerOptions{})
	require.NoError(l.t, err)
	for deadline := time.Now().Add(patience); ; {
		messages, err := c.Dequeue(l.t.Context(), core.DequeueOptions{Batch: 50, Lease: time.Minute, Wait: 50 * time.Millisecond})
		require.NoError(l.t, err)
		var tokens []model.Token
		for _, m := range messages {
			last.say(line{
				Kind: "lease", IDs: []int64{m.ID}, Worker: c.ID(), ReadCt: m.ReadCt,
				At: m.VT.Add(-time.Minute).UnixMicro(), VT: m.VT.UnixMicro(), Payload: m.Payload,
			})
			tokens = append(tokens, model.Token{ID: m.ID, ReadCt: m.ReadCt})
		}
		require.NoError(l.t, last.archive(c, tokens))
		n, err := store.Admin().CountMessages(l.t.Context(), core.Filter{})
		require.NoError(l.t, err)
		if n == 0 {
			return time.Now()
		}
		require.True(l.t, time.Now().Before(deadline), "%d messages are stuck", n)
	}
}

// archived reads the whole archive.
func archived(t *testing.T, store *core.Store) map[int64]model.Message {
	t.Helper()
	all := map[int64]model.Message{}
	for page := (model.Page{Limit: 1000}); ; page.Offset += page.Limit {
		list, err := store.Admin().ListArchived(t.Context(), core.Filter{}, page)
		require.NoError(t, err)
		for _, m := range list {
			_, twice := all[m.ID]
			require.False(t, twice, "message %d is archived twice", m.ID)
			all[m.ID] = m
		}
		if int64(len(list)) < page.Limit {
			return all
		}
	}
}
