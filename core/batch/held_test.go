package batch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/spawn"
)

var errHeld = &fault.Error{Kind: fault.Timeout, Text: "held", Safe: true, RowFault: true, Held: true}

// Of the fake's time: how long it waits for a row of somebody else's.
const (
	waitsInTurn = 20 * time.Millisecond
	waitsApart  = time.Second
)

// keyed is a database in which transactions of somebody else hold rows.
type keyed struct {
	mu      sync.Mutex
	holders map[int]chan struct{} // by item; closed at the end of the transaction
	rows    []int
	apart   [][]int // what was tried apart
}

func (k *keyed) hold(items ...int) (end func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	holder := make(chan struct{})
	for _, item := range items {
		k.holders[item] = holder
	}
	return func() { close(holder) }
}

func (k *keyed) store(items []int, patience time.Duration) ([]int64, error) {
	timeout := time.After(patience)
	for _, item := range items {
		k.mu.Lock()
		holder := k.holders[item]
		k.mu.Unlock()
		if holder == nil {
			continue
		}
		select {
		case <-holder:
		case <-timeout:
			return nil, errHeld
		}
	}
	time.Sleep(time.Millisecond)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rows = append(k.rows, items...)
	return make([]int64, len(items)), nil
}

func (k *keyed) lane(report spawn.Report) *Lane[int, int64] {
	k.holders = map[int]chan struct{}{}
	return NewLane(Options[int, int64]{
		FlushInTurn: func(_ context.Context, items []int, _, _ func()) ([]int64, error) {
			return k.store(items, waitsInTurn)
		},
		FlushHeld: func(_ context.Context, items []int) ([]int64, error) {
			k.mu.Lock()
			k.apart = append(k.apart, items)
			k.mu.Unlock()
			if items[0] < 0 {
				panic("engine")
			}
			return k.store(items, waitsApart)
		},
		HeldFor: 30 * time.Second, MaxRows: 10, Group: &spawn.Group{Report: report},
	})
}

// call sends items as one unit and returns where its error will be.
func call(t *testing.T, lane *Lane[int, int64], ctx context.Context, items ...int) chan error {
	t.Helper()
	answer := make(chan error, 1)
	go func() {
		_, err := lane.Do(ctx, items)
		answer <- err
	}()
	synctest.Wait() // it is in the lane
	return answer
}

func TestWhatIsHeldHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db keyed
		lane := db.lane(nil)
		end := db.hold(5, 13)
		start := time.Now()
		five, thirteen := call(t, lane, t.Context(), 5), call(t, lane, t.Context(), 13)
		errs := load(t, lane, 5)
		assert.Less(t, time.Since(start), 10*waitsInTurn)
		for _, err := range errs {
			require.NoError(t, err)
		}
		assert.Equal(t, upTo(5), db.rows)
		stats := lane.Stats()
		assert.EqualValues(t, 1, stats.Waiting)
		assert.EqualValues(t, 1, stats.Flying, "the other one is being tried")
		time.Sleep(3 * waitsApart)
		end()
		require.NoError(t, <-five)
		require.NoError(t, <-thirteen)
		slices.Sort(db.rows)
		assert.Equal(t, append(upTo(5), 5, 13), db.rows)
		assert.Zero(t, lane.Stats().Waiting)
		require.NoError(t, lane.Close(t.Context()))
	})
}

func TestACallOfSeveralUnitsIsNotKeptWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db keyed
		lane := db.lane(nil)
		defer db.hold(1)()
		start := time.Now()
		_, errs := lane.DoEach(t.Context(), upTo(3))
		require.ErrorIs(t, errs[1], errHeld)
		require.NoError(t, errors.Join(errs[0], errs[2]))
		assert.Less(t, time.Since(start), 4*waitsInTurn)
		assert.Empty(t, db.apart)
	})
}

func TestOfWhatIsHeldEachIsTriedInItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db keyed
		lane := db.lane(nil)
		endOne, endTwo := db.hold(1), db.hold(2)
		one, two := call(t, lane, t.Context(), 1), call(t, lane, t.Context(), 2)
		time.Sleep(waitsApart)
		endTwo()
		require.NoError(t, <-two, "the first does not keep it")
		assert.Empty(t, one)
		endOne()
		require.NoError(t, <-one)
	})
}

func TestWhatIsHeldForTooLongFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db keyed
		lane := db.lane(nil)
		end := db.hold(1)
		start := time.Now()
		require.ErrorIs(t, <-call(t, lane, t.Context(), 1, 2), errHeld)
		assert.InDelta(t, 30, time.Since(start).Seconds(), 1)
		end()
		assert.Empty(t, db.rows)
		assert.Zero(t, lane.Stats().Waiting)
	})
}

func TestACallThatIsHeldCanBeCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db keyed
		lane := db.lane(nil)
		defer db.hold(1)()
		first := call(t, lane, t.Context(), 1)
		ctx, cancel := context.WithCancel(t.Context())
		tried, waits := call(t, lane, ctx, 1), call(t, lane, ctx, 1)
		time.Sleep(waitsApart + waitsApart/2) // the second of the three is being tried
		start := time.Now()
		cancel()
		require.True(t, fault.Is(<-waits, fault.Cancelled))
		assert.Zero(t, time.Since(start), "it is not being tried, so nothing of it can be stored")
		require.True(t, fault.Is(<-tried, fault.Cancelled))
		assert.LessOrEqual(t, time.Since(start), waitsApart)
		assert.Empty(t, first)
		require.NoError(t, lane.Close(t.Context()))
		require.True(t, fault.Is(<-first, fault.Closed))
		assert.Empty(t, db.rows)
	})
}

// Whoever finds no flusher carries the first flush in person, and then waits for its
// own call only, not for an end of the others.
func TestACallThatIsHeldCarriesNothingForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db keyed
		lane := db.lane(nil)
		defer db.hold(1)()
		ctx, cancel := context.WithCancel(t.Context())
		held := call(t, lane, ctx, 1)
		var load sync.WaitGroup
		var over atomic.Bool
		for i := range 3 { // so that always one of them waits
			load.Go(func() {
				for !over.Load() {
					_, err := lane.Do(t.Context(), slices.Repeat([]int{10 + i}, 10)) // as much as fits in a flush
					assert.NoError(t, err)
				}
			})
		}
		time.Sleep(waitsApart)
		start := time.Now()
		cancel()
		require.True(t, fault.Is(<-held, fault.Cancelled))
		assert.LessOrEqual(t, time.Since(start), waitsApart)
		over.Store(true)
		load.Wait()
	})
}

func TestClosingRefusesWhatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db keyed
		lane := db.lane(nil)
		end := db.hold(1)
		tried, waits := call(t, lane, t.Context(), 1), call(t, lane, t.Context(), 1)
		time.Sleep(waitsApart / 2)
		start := time.Now()
		require.NoError(t, lane.Close(t.Context()))
		assert.LessOrEqual(t, time.Since(start), waitsApart)
		require.True(t, fault.Is(<-tried, fault.Closed))
		require.True(t, fault.Is(<-waits, fault.Closed))
		end()
	})
}

func TestAPanicOverWhatIsHeldLeavesNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db keyed
		reported := make(chan any, 1)
		lane := db.lane(func(value any, _ []byte) { reported <- value })
		end := db.hold(-1, 2)
		panics, held := call(t, lane, t.Context(), -1), call(t, lane, t.Context(), 2)
		require.True(t, fault.Is(<-panics, fault.Internal))
		assert.Equal(t, "engine", <-reported)
		end()
		require.NoError(t, <-held)
		require.NoError(t, lane.Close(t.Context()))
	})
}
