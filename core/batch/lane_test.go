package batch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// table is a database of one column whose commits take a while: every test runs
// in a synctest bubble, so the while costs nothing and is exact.
type table struct {
	mu      sync.Mutex
	commit  time.Duration
	refuse  func(items []int) error
	flushes [][]int
}

func (t *table) flush(_ context.Context, items []int) ([]int64, error) {
	time.Sleep(t.commit)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refuse != nil {
		if err := t.refuse(items); err != nil {
			return nil, err
		}
	}
	t.flushes = append(t.flushes, append([]int{}, items...))
	ids := make([]int64, len(items))
	for i, item := range items {
		ids[i] = int64(item) * 10
	}
	return ids, nil
}

// refusing refuses flushes that carry an item.
func refusing(item int, err error) func([]int) error {
	return func(items []int) error {
		if slices.Contains(items, item) {
			return err
		}
		return nil
	}
}

func (t *table) lane(change func(*Options[int, int64])) *Lane[int, int64] {
	opt := Options[int, int64]{Flush: t.flush, MaxRows: 1000, Group: &spawn.Group{}}
	if change != nil {
		change(&opt)
	}
	return NewLane(opt)
}

func TestAnIdleLaneAddsNoDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Millisecond}
		lane, start := db.lane(nil), time.Now()
		ids, err := lane.Do(t.Context(), []int{7})
		require.NoError(t, err)
		assert.Equal(t, []int64{70}, ids)
		assert.Equal(t, time.Millisecond, time.Since(start), "one commit and nothing else")
	})
}

func TestConcurrentCallsShareCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Millisecond}
		lane := db.lane(nil)
		var all sync.WaitGroup
		for i := range 500 {
			all.Go(func() {
				ids, err := lane.Do(t.Context(), []int{i})
				assert.NoError(t, err)
				assert.Equal(t, []int64{int64(i) * 10}, ids)
			})
		}
		all.Wait()
		assert.LessOrEqual(t, len(db.flushes), 3)
		stats := lane.Stats()
		assert.EqualValues(t, 500, stats.Rows)
		assert.GreaterOrEqual(t, stats.Largest, int64(250))
		assert.Zero(t, stats.Waiting)
	})
}

func TestCallsKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Millisecond}
		lane := db.lane(nil)
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() { _, _ = lane.Do(t.Context(), []int{i}) })
			synctest.Wait() // i is queued before i+1 calls
		}
		all.Wait()
		var order []int
		for _, f := range db.flushes {
			order = append(order, f...)
		}
		for i, item := range order {
			assert.Equal(t, i, item)
		}
	})
}

func TestOneBadUnitFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := &fault.Error{Kind: fault.Serialization, Text: "row refused", RowFault: true}
		db := &table{commit: time.Millisecond, refuse: refusing(13, bad)}
		lane := db.lane(nil)
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				// Unit 13 is {13, 113}: it fails whole, 113 is not stored either.
				items := []int{i}
				if i == 13 {
					items = []int{13, 113}
				}
				_, err := lane.Do(t.Context(), items)
				if i == 13 {
					assert.ErrorIs(t, err, bad)
				} else {
					assert.NoError(t, err)
				}
			})
		}
		all.Wait()
		stored := map[int]int{}
		for _, f := range db.flushes {
			for _, item := range f {
				stored[item]++
			}
		}
		assert.Len(t, stored, 99)
		assert.NotContains(t, stored, 113)
	})
}

func TestAFaultOfTheDatabaseFailsTheWholeFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		db := &table{commit: time.Millisecond, refuse: func([]int) error {
			calls++
			return fault.New(fault.Connect, "gone")
		}}
		lane := db.lane(nil)
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() {
				_, err := lane.Do(t.Context(), []int{i})
				assert.True(t, fault.Is(err, fault.Connect))
			})
		}
		all.Wait()
		assert.LessOrEqual(t, calls, 2, "a lost connection is not tried row by row")
	})
}

func TestSizeLimitsSplitFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Millisecond}
		lane := db.lane(func(o *Options[int, int64]) {
			o.MaxRows, o.MaxBytes = 4, 100
			o.Bytes = func(item int) int { return item }
		})
		var all sync.WaitGroup
		call := func(items ...int) {
			all.Go(func() { _, err := lane.Do(t.Context(), items); assert.NoError(t, err) })
			synctest.Wait()
		}
		call(1) // on its way at once
		call(1, 1, 1)
		call(1, 1)          // a fifth row: the next flush
		call(90)            // over the bytes: the next one again
		call(1, 1, 1, 1, 1) // larger than a flush: alone
		all.Wait()
		assert.Equal(t, [][]int{{1}, {1, 1, 1}, {1, 1, 90}, {1, 1, 1, 1, 1}}, db.flushes)
	})
}

func TestCancelBeforeSendingStoresNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Second}
		lane := db.lane(nil)
		go func() { _, _ = lane.Do(context.Background(), []int{1}) }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { _, err := lane.Do(ctx, []int{2}); done <- err }()
		synctest.Wait()
		cancel()
		err := <-done
		assert.True(t, fault.Is(err, fault.Cancelled))
		assert.True(t, fault.SafeToRetry(err))
		require.NoError(t, lane.Close(t.Context()))
		assert.Equal(t, [][]int{{1}}, db.flushes)
	})
}

func TestCancelOnTheWireGetsTheTrueOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Second}
		lane := db.lane(nil)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(time.Millisecond); cancel() }()
		ids, err := lane.Do(ctx, []int{2})
		require.NoError(t, err)
		assert.Equal(t, []int64{20}, ids)
	})
}

func TestDeadlineOnTheWireIsOutcomeUnknownAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Minute}
		lane, start := db.lane(nil), time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := lane.Do(ctx, []int{2})
		assert.True(t, fault.Is(err, fault.OutcomeUnknown))
		assert.False(t, fault.SafeToRetry(err))
		assert.Equal(t, time.Second, time.Since(start))
		require.NoError(t, lane.Close(context.Background()))
	})
}

func TestDeadlineWhileWaitingIsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Minute}
		lane := db.lane(nil)
		go func() { _, _ = lane.Do(context.Background(), []int{1}) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := lane.Do(ctx, []int{2})
		assert.True(t, fault.Is(err, fault.Timeout))
		assert.True(t, errors.Is(err, context.DeadlineExceeded))
		require.NoError(t, lane.Close(context.Background()))
	})
}

func TestCallersWaitForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Second}
		lane := db.lane(func(o *Options[int, int64]) { o.MaxPending = 5 })
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() { _, err := lane.Do(t.Context(), []int{i}); assert.NoError(t, err) })
		}
		for range 5 {
			synctest.Wait()
			assert.LessOrEqual(t, lane.Stats().Waiting, int64(5))
			time.Sleep(time.Second)
		}
		all.Wait()
		assert.EqualValues(t, 100, lane.Stats().Rows)
	})
}

func TestCloseAnswersWhatWasAcceptedAndRefusesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Second}
		lane := db.lane(nil)
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() { _, err := lane.Do(t.Context(), []int{i}); assert.NoError(t, err) })
		}
		synctest.Wait()
		require.NoError(t, lane.Close(t.Context()))
		all.Wait()
		_, err := lane.Do(t.Context(), []int{11})
		assert.True(t, fault.Is(err, fault.Closed))
		require.NoError(t, lane.Close(t.Context()))
	})
}

func TestAPanicOfTheEngineLeavesNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		var reported []any
		group := &spawn.Group{Report: func(r any, _ []byte) { reported = append(reported, r) }}
		lane := NewLane(Options[int, int64]{
			MaxRows: 10, Group: group,
			Flush: func(_ context.Context, items []int) ([]int64, error) {
				time.Sleep(time.Second)
				if first {
					first = false
					panic("engine")
				}
				return make([]int64, len(items)), nil
			},
		})
		done := make(chan error, 2)
		for range 2 {
			go func() { _, err := lane.Do(t.Context(), []int{1}); done <- err }()
			synctest.Wait()
		}
		assert.True(t, fault.Is(<-done, fault.Internal))
		assert.NoError(t, <-done, "the next flush goes on")
		require.NoError(t, lane.Close(t.Context()))
		group.Wait()
		assert.Equal(t, []any{"engine"}, reported)
	})
}

func TestSeveralFlushersFlyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Second}
		lane, start := db.lane(func(o *Options[int, int64]) { o.Flushers, o.MaxRows = 4, 1 }), time.Now()
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() { _, _ = lane.Do(t.Context(), []int{i}) })
		}
		all.Wait()
		assert.Equal(t, 2*time.Second, time.Since(start))
	})
}

func BenchmarkLane(b *testing.B) {
	lane := NewLane(Options[int, int64]{
		MaxRows: 1000, Group: &spawn.Group{},
		Flush: func(_ context.Context, items []int) ([]int64, error) { return make([]int64, len(items)), nil },
	})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		items := []int{1}
		for pb.Next() {
			_, _ = lane.Do(context.Background(), items)
		}
	})
}
