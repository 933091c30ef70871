package enginetest

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/spawn"
)

const (
	tortureEngines   = 3
	tortureProducers = 4
	tortureUsers     = 3 // who write in transactions of their own
	tortureConsumers = 6
	tortureLimit     = 4    // the queue's max_read_ct
	tortureBacklog   = 1500 // producers pause above this
	tortureDrain     = 60 * time.Second
)

// torture is one run.
type torture struct {
	b       *bundle
	ctx     context.Context
	fail    context.CancelCauseFunc
	seed    uint64
	engines []engine.Engine
	ledger  *ledger
	cut     bool // connections are cut all the time

	producing sync.WaitGroup // producers and users that have not ended
	draining  chan struct{}  // closed when they all have
}

// Torture lets producers and consumers of several engines do everything at once
// on one store, in time and late, and then compares every id that was answered
// with what is stored: nothing missing, nothing twice, one true acknowledgement
// a message, dead letters only at the limit, no two leases at a time.
//
// PGQRS_TORTURE_SECONDS is how long they go on (5), PGQRS_TEST_SEED repeats
// the choices of a run, as far as the scheduling of goroutines lets it.
func Torture(t *testing.T, newStore NewStore) {
	t.Helper()
	tortureOn(t, newStore(t), false)
}

// TortureCut is Torture while connections are torn all the time. What a call
// cut off at its commit did is then unknown, and everything else is not.
func TortureCut(t *testing.T, newStore NewStore) {
	t.Helper()
	store := newStore(t)
	if store.Cut == nil {
		t.Skipf("%s has no connections to cut", store.Name)
	}
	tortureOn(t, store, true)
}

func tortureOn(t *testing.T, store Store, cut bool) {
	t.Helper()
	seconds, seed := setting(t, "PGQRS_TORTURE_SECONDS", 5), setting(t, "PGQRS_TEST_SEED", rand.Uint64())
	t.Logf("PGQRS_TEST_SEED=%d PGQRS_TORTURE_SECONDS=%d", seed, seconds)
	duration := time.Duration(seconds) * time.Second

	limited, cancel := context.WithTimeout(t.Context(), duration+2*tortureDrain)
	defer cancel()
	ctx, fail := context.WithCancelCause(limited)
	defer fail(nil)
	b := &bundle{t: t, ctx: ctx, store: store}
	b.eng = b.store.Open(t)
	b.setup(true)
	b.limit(tortureLimit)

	x := &torture{b: b, ctx: ctx, fail: fail, seed: seed, ledger: newLedger(), draining: make(chan struct{}), cut: cut}
	x.engines = b.peers(tortureEngines)
	x.run(duration)
	x.judge()
}

// setting reads a number from the environment.
func setting(t *testing.T, variable string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, variable)
	return n
}

// run starts all actors, ends the producers after the duration, and waits until
// the consumers have emptied the queue.
func (x *torture) run(duration time.Duration) {
	var group spawn.Group
	stop, cancel := context.WithTimeout(x.ctx, duration)
	defer cancel()
	number := uint64(0)
	start := func(act func(a *actor) error) {
		number++
		a := &actor{torture: x, rand: rand.New(rand.NewPCG(x.seed, number)), eng: x.engines[number%uint64(len(x.engines))]}
		group.Go(func() {
			if err := act(a); err != nil && x.ctx.Err() == nil {
				x.fail(err)
			}
		})
	}
	for range tortureProducers {
		x.producing.Add(1)
		start(func(a *actor) error { defer x.producing.Done(); return a.produce(stop) })
	}
	if x.b.store.EnqueueTx != nil {
		for range tortureUsers {
			x.producing.Add(1)
			start(func(a *actor) error { defer x.producing.Done(); return a.use(stop) })
		}
	}
	for range tortureConsumers {
		start((*actor).consume)
	}
	start((*actor).maintain)
	if x.cut {
		start((*actor).tear)
	}
	x.producing.Wait()
	close(x.draining)
	group.Wait()
	if err := context.Cause(x.ctx); err != nil {
		x.b.t.Fatalf("the torture was cut short: %v", err)
	}
}

// judge compares the ledger with the store.
func (x *torture) judge() {
	b := x.b
	b.ok(b.eng.Verify(b.ctx))
	left, err := b.eng.CountMessages(b.ctx, engine.Filter{})
	b.ok(err)
	require.Zero(b.t, left, "messages that no consumer got hold of")

	archive := map[int64]model.Message{}
	for page := (model.Page{Limit: 1000}); ; page.Offset += page.Limit {
		list, err := b.eng.ListArchived(b.ctx, engine.Filter{}, page)
		b.ok(err)
		for _, m := range list {
			archive[m.ID] = m
		}
		if int64(len(list)) < page.Limit {
			break
		}
	}
	l := x.ledger
	dead := l.compare(archive, tortureLimit)
	metrics := b.metrics()
	require.EqualValues(b.t, dead, metrics.Dead)
	require.EqualValues(b.t, len(archive)-dead, metrics.Archived)
	b.t.Logf("%d messages in %d batches: %d archived, %d dead, %d deleted; %d calls of unknown outcome",
		len(l.messages), len(l.batches), len(archive)-dead, dead, len(l.messages)-len(archive), l.uncertain)
	for _, p := range l.problems {
		b.t.Error(p)
	}
	require.NotEmpty(b.t, l.messages)
}

// actor is one producer, user or consumer, and its own source of chance.
type actor struct {
	*torture
	rand *rand.Rand
	eng  engine.Engine
}

// chance reports true in so many of a hundred cases.
func (a *actor) chance(percent int) bool { return a.rand.IntN(100) < percent }

// between returns a duration in [low, high).
func (a *actor) between(low, high time.Duration) time.Duration {
	return low + time.Duration(a.rand.Int64N(int64(high-low)))
}

// pause lets time pass, because in this test lateness is the subject.
func (a *actor) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-a.ctx.Done():
	case <-timer.C:
	}
}

// hasty returns a context that in so many of a hundred cases is cancelled soon.
func (a *actor) hasty(percent int) (context.Context, context.CancelFunc) {
	if a.chance(percent) {
		return context.WithTimeout(a.ctx, a.between(0, 5*time.Millisecond))
	}
	return a.ctx, func() {}
}

// verdict is what an error leaves known of a call.
type verdict uint8

const (
	done    verdict = iota
	undone          // certainly not done; the call may be repeated
	unknown         // cut off at the commit
	failed          // an error that has no place in this run
)

// verdict judges an error of a call.
func (a *actor) verdict(err error) verdict {
	switch {
	case err == nil:
		return done
	case a.ctx.Err() != nil:
		return failed // the run has ended
	case fault.Is(err, fault.OutcomeUnknown):
		return unknown
	case fault.Is(err, fault.Cancelled), fault.Is(err, fault.Timeout):
		return undone
	case a.cut && fault.IsTransient(err) && fault.SafeToRetry(err):
		return undone
	}
	return failed
}

// unless returns nil for errors whose effect does not matter.
func (a *actor) unless(err error) error {
	if a.verdict(err) == failed {
		return err
	}
	return nil
}

// tear cuts connections until the producers have ended.
func (a *actor) tear() error {
	for {
		select {
		case <-a.draining:
			return nil
		case <-a.ctx.Done():
			return nil
		case <-time.After(a.between(20*time.Millisecond, 300*time.Millisecond)):
			a.b.store.Cut()
		}
	}
}

// maintain does what the maintenance of a process does, while all others work.
func (a *actor) maintain() error {
	for !a.over() {
		_, sweep := a.eng.Sweep(a.ctx, 0)
		_, _, since := a.eng.SweepSince(a.ctx, time.Now().Add(-time.Minute))
		_, purge := a.eng.PurgeWorkers(a.ctx, time.Hour)
		_, stats := a.eng.Stats(a.ctx)
		for _, err := range []error{sweep, since, purge, stats} {
			if a.unless(err) != nil {
				return err
			}
		}
		a.pause(50 * time.Millisecond)
	}
	return nil
}

// over reports that producers have ended and the queue is empty, or that the
// run has failed.
func (a *actor) over() bool {
	if a.ctx.Err() != nil {
		return true
	}
	select {
	case <-a.draining:
	default:
		return false
	}
	n, err := a.eng.CountMessages(a.ctx, engine.Filter{QueueID: a.b.queue.ID})
	if a.unless(err) != nil {
		a.fail(err)
		return true
	}
	return err == nil && n == 0
}
