package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/model"
)

const (
	lockTime  = time.Second
	readLimit = 3
	// punctual is how late a redelivery may come while consumers wait: a second,
	// and what this machine, busy with killing, adds to it.
	punctual = 1500 * time.Millisecond
)

// TestKillPoints kills producers, consumers and servers at random points, and
// then holds what callers were answered against what is stored.
func TestKillPoints(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		runKills(t, killPlan{dsn: "sqlite:///" + filepath.Join(t.TempDir(), "queue.db"), actors: scaled(20, 210)})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		s := startServer(t)
		runKills(t, killPlan{dsn: s.dsn, server: s, actors: scaled(18, 190), servers: scaled(2, 20)})
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
	// residents: a producer and a consumer of each kind live through everything.
	residents bool
	failover  bool // half-way the standby takes over, and then no server dies
}

// laboratory is a run.
type laboratory struct {
	killPlan
	t      *testing.T
	rand   *rand.Rand
	ledger string
	number int
	actors []*process
	// stayers are not killed before the end.
	stayers []*process
	python  string
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
	grown := watch(l.residentPIDs())
	kills := l.run()
	ended := time.Now()
	grown.report(t)
	store := l.open()
	drained := l.drain(store)
	took := drained.Sub(ended)
	book := readLedger(t, l.ledger)
	c := book.compare(archived(t, store), readLimit, len(l.server.outages()), l.server.outages(), kills["failover"] > 0)
	t.Logf("%v: %d producers, %d consumers and %d servers killed, %d failovers", ended.Sub(began).Round(time.Second),
		kills["produce"], kills["consume"], kills["server"], kills["failover"])
	t.Logf("%d messages tried, %d answered, %d stored without an answer, %d leased and vanished without one (%d ids given again); %d leases, %d redeliveries, the latest %v after its time; %d archived, %d dead",
		c.tried, c.answered, c.unanswered, c.vanished, c.reused, c.leases, c.redelivered, c.latest.Round(time.Millisecond), c.archived, c.dead)
	t.Logf("empty %v after everybody was killed; the lock time is %v", took.Round(time.Millisecond), lockTime)
	book.report()
	require.NotZero(t, c.archived)
	require.Less(t, c.latest, punctual, "a redelivery came late")
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
	if l.residents {
		for i, role := range []string{"produce", "consume", "produce", "consume"} {
			p := &process{lab: l, job: job{Role: role, Keep: true}}
			if i >= 2 {
				p.python = l.python
			}
			p.start()
			l.stayers = append(l.stayers, p)
		}
	}
	l.t.Cleanup(l.killAll)
}

// residentPIDs are the processes that live through the run, by name.
func (l *laboratory) residentPIDs() map[string]int {
	pids := map[string]int{}
	for _, p := range l.stayers {
		pids[map[bool]string{true: "Python ", false: "Go "}[p.python != ""]+p.job.Name] = p.cmd.Process.Pid
	}
	return pids
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
	total, began := l.killPlan.actors+l.servers, time.Now()
	more := func(n int) bool {
		if l.until > 0 {
			return time.Since(began) < l.until
		}
		return n < total
	}
	for n := 0; more(n); n++ {
		time.Sleep(between(l.rand, 20*time.Millisecond, 480*time.Millisecond))
		switch {
		case l.failover && time.Since(began) > l.until/2:
			l.failover, l.servers = false, 0
			kills["failover"]++
			l.server.kill()
			l.server.promote()
			continue
		case l.servers > 0 && n%10 == 9 || l.servers-kills["server"] >= total-n && l.until == 0:
			if kills["server"] == l.servers {
				break
			}
			kills["server"]++
			l.server.restart(between(l.rand, 0, 300*time.Millisecond))
			continue
		}
		p := l.actors[l.rand.IntN(len(l.actors))]
		select {
		case err := <-p.ended:
			l.t.Errorf("%s ended by itself: %v", p.job.Name, err)
			p.cmd = nil
		default:
			p.kill()
		}
		kills[p.job.Role]++
		p.start()
	}
	for _, p := range l.stayers {
		select {
		case err := <-p.ended:
			l.t.Errorf("%s ended by itself: %v", p.job.Name, err)
			p.cmd = nil
		default:
		}
	}
	l.killAll()
	return kills
}

func (l *laboratory) killAll() {
	for _, p := range append(l.actors, l.stayers...) {
		p.kill()
	}
	l.actors, l.stayers = nil, nil
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
		p.cmd.Env = pythonEnvironment(l.t)
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
	for _, name := range []string{os.Getenv("PGQRS_FAULTS_PYTHON"), os.Getenv("PYTHON"), "python3"} {
		if name == "" {
			continue
		}
		cmd := exec.Command(name, "-B", "-c", "import asyncio, pgqrs; asyncio.run(pgqrs.connect('sqlite::memory:'))")
		cmd.Env = pythonEnvironment(t)
		out, err := cmd.CombinedOutput()
		if err == nil {
			return name
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		t.Logf("%s cannot play: %v: %s", name, err, lines[len(lines)-1])
	}
	t.Logf("no Python actors, Go plays their parts: build the library (make lib), name a Python 3.11 or later in PGQRS_FAULTS_PYTHON")
	return ""
}

// pythonEnvironment lets a Python program use the package of this checkout and,
// unless another is named, the library that make builds.
func pythonEnvironment(t *testing.T) []string {
	t.Helper()
	env := append(os.Environ(), "PYTHONPATH="+filepath.Join(root(t), "python"))
	if os.Getenv("PGQRS_LIBRARY") == "" {
		env = append(env, "PGQRS_LIBRARY="+filepath.Join(root(t), "build", "libpgqrs.so.1"))
	}
	return env
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

// archivePage is how much of the archive one call reads.
const archivePage = 10_000

// archived reads the whole archive.
func archived(t *testing.T, store *core.Store) map[int64]model.Message {
	t.Helper()
	all := map[int64]model.Message{}
	for page := (model.Page{Limit: archivePage}); ; page.Offset += page.Limit {
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
