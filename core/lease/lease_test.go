package lease

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// leases is a database of leases: when each ends, in the bubble's time.
type leases struct {
	mu         sync.Mutex
	ends       map[model.Token]time.Time
	statements int
	err        error
}

func (l *leases) extend(_ context.Context, extensions []engine.Extension) ([]bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.statements++
	if l.err != nil {
		return nil, l.err
	}
	done := make([]bool, len(extensions))
	for i, e := range extensions {
		if _, held := l.ends[e.Token]; held {
			l.ends[e.Token] = time.Now().Add(e.For)
			done[i] = true
		}
	}
	return done, nil
}

// left returns how long a lease still lasts.
func (l *leases) left(t model.Token) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.ends[t])
}

// set changes the database between statements.
func (l *leases) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

func token(id int64) model.Token { return model.Token{ID: id, Worker: 1, ReadCt: 1} }

func keep(l *leases, k *Keeper, id int64, d, most time.Duration, lost func(model.Token)) {
	l.set(func() { l.ends[token(id)] = time.Now().Add(d) })
	k.Keep([]Lease{{Token: token(id), For: d, Until: time.Now().Add(most), Lost: lost}})
}

func TestALeaseIsKeptUntilForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, group := &leases{ends: map[model.Token]time.Time{}}, &spawn.Group{}
		k := NewKeeper(group, db.extend)
		keep(db, k, 1, 3*time.Second, time.Hour, nil)
		for range 60 {
			time.Sleep(time.Second)
			synctest.Wait()
			assert.Positive(t, db.left(token(1)), "the lease never runs out")
		}
		k.Forget([]model.Token{{ID: 1, Worker: 1}})
		group.Wait() // nothing kept: the goroutine has ended
		assert.LessOrEqual(t, db.statements, 61)
	})
}

func TestKeepingEndsWhenItHasLastedLongEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, group := &leases{ends: map[model.Token]time.Time{}}, &spawn.Group{}
		k := NewKeeper(group, db.extend)
		start := time.Now()
		keep(db, k, 1, 3*time.Second, 10*time.Second, nil)
		group.Wait()
		assert.LessOrEqual(t, db.ends[token(1)].Sub(start), 13*time.Second)
		assert.Zero(t, k.Len())
	})
}

func TestLeasesDueTogetherShareAStatement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, group := &leases{ends: map[model.Token]time.Time{}}, &spawn.Group{}
		k := NewKeeper(group, db.extend)
		for id := range int64(100) {
			keep(db, k, id+1, 3*time.Second, 4*time.Second, nil)
			time.Sleep(time.Millisecond / 2)
		}
		group.Wait()
		assert.LessOrEqual(t, db.statements, 6)
	})
}

func TestASignOfLifePutsTheEndOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, group := &leases{ends: map[model.Token]time.Time{}}, &spawn.Group{}
		k := NewKeeper(group, db.extend)
		start := time.Now()
		db.set(func() { db.ends[token(1)] = start.Add(3 * time.Second) })
		k.Keep([]Lease{{
			Token: token(1), For: 3 * time.Second, Until: start.Add(10 * time.Second), Most: start.Add(30 * time.Second),
		}})
		assert.Equal(t, 1, k.Prolong([]model.Token{token(1), token(2)}, start.Add(5*time.Second)), "never forward")
		time.Sleep(8 * time.Second)
		assert.Equal(t, 1, k.Prolong([]model.Token{token(1)}, start.Add(time.Hour)))
		time.Sleep(20 * time.Second)
		synctest.Wait()
		assert.Positive(t, db.left(token(1)))
		group.Wait()
		assert.Zero(t, k.Prolong([]model.Token{token(1)}, start.Add(time.Hour)))
		assert.LessOrEqual(t, db.ends[token(1)].Sub(start), 33*time.Second, "never beyond the most")
	})
}

func TestALostLeaseIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, group := &leases{ends: map[model.Token]time.Time{}}, &spawn.Group{}
		k := NewKeeper(group, db.extend)
		var lost []model.Token
		keep(db, k, 1, 3*time.Second, time.Hour, func(t model.Token) { lost = append(lost, t) })
		db.set(func() { delete(db.ends, token(1)) })
		group.Wait()
		assert.Equal(t, []model.Token{token(1)}, lost)
	})
}

func TestALeaseTakenAnewByTheSameWorkerProvesTheOldOneLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, group := &leases{ends: map[model.Token]time.Time{}}, &spawn.Group{}
		k := NewKeeper(group, db.extend)
		var lost []model.Token
		note := func(t model.Token) { lost = append(lost, t) }
		keep(db, k, 1, 3*time.Second, time.Hour, note)
		anew := model.Token{ID: 1, Worker: 1, ReadCt: 2}
		db.set(func() { db.ends[anew] = time.Now().Add(time.Hour) })
		k.Keep([]Lease{{Token: anew, For: time.Second, Until: time.Now().Add(time.Hour), Lost: note}})
		assert.Equal(t, []model.Token{token(1)}, lost)
		k.Forget([]model.Token{token(1)})
		assert.Equal(t, 1, k.Len(), "a late acknowledgement of the old lease leaves the new one alone")
		k.Forget([]model.Token{anew})
		group.Wait()
		assert.Len(t, lost, 1)
	})
}

func TestWhatIsBeingAcknowledgedIsNotCalledLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, group := &leases{ends: map[model.Token]time.Time{}}, &spawn.Group{}
		k := NewKeeper(group, db.extend)
		lost := 0
		keep(db, k, 1, 3*time.Second, time.Hour, func(model.Token) { lost++ })
		k.Hold([]model.Token{token(1)})
		db.set(func() { delete(db.ends, token(1)) }) // the acknowledgement commits
		time.Sleep(5 * time.Second)
		synctest.Wait()
		assert.Zero(t, lost)
		assert.Equal(t, 1, k.Len(), "undecided")
		k.Unhold([]model.Token{token(1)}) // it failed: somebody else was faster
		group.Wait()
		assert.Equal(t, 1, lost)
	})
}

func TestAnAbsentDatabaseDoesNotLoseLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, group := &leases{ends: map[model.Token]time.Time{}, err: errors.New("away")}, &spawn.Group{}
		k := NewKeeper(group, db.extend)
		keep(db, k, 1, 3*time.Second, time.Hour, func(model.Token) { t.Error("not lost, only away") })
		time.Sleep(1900 * time.Millisecond)
		db.set(func() { db.err = nil })
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Greater(t, db.left(token(1)), time.Second)
		k.Close()
		group.Wait()
	})
}

func TestForgettingAWorkerForgetsItsLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, group := &leases{ends: map[model.Token]time.Time{}}, &spawn.Group{}
		k := NewKeeper(group, db.extend)
		keep(db, k, 1, time.Second, time.Hour, nil)
		keep(db, k, 2, time.Second, time.Hour, nil)
		k.ForgetWorker(1)
		group.Wait()
		assert.Zero(t, db.statements)
	})
}

func TestOneBeatServesAllWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var beats [][]int64
		group := &spawn.Group{}
		h := NewHeart(group, 5*time.Second, func(_ context.Context, ids []int64) (map[int64]model.WorkerStatus, error) {
			beats = append(beats, ids)
			return map[int64]model.WorkerStatus{1: model.WorkerSuspended}, nil
		})
		seen := map[int64]model.WorkerStatus{}
		for id := range int64(3) {
			h.Add(id+1, func(s model.WorkerStatus) { seen[id+1] = s })
		}
		time.Sleep(11 * time.Second)
		synctest.Wait()
		assert.Len(t, beats, 2)
		assert.ElementsMatch(t, []int64{1, 2, 3}, beats[0])
		assert.Equal(t, map[int64]model.WorkerStatus{
			1: model.WorkerSuspended, 2: model.WorkerStopped, 3: model.WorkerStopped,
		}, seen, "a worker the database does not know is stopped")
		for id := range int64(3) {
			h.Remove(id + 1)
		}
		group.Wait()
	})
}
