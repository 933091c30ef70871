package batch

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/spawn"
)

func upTo(n int) []int {
	items := make([]int, n)
	for i := range items {
		items[i] = i
	}
	return items
}

func TestEachItemIsAUnitOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := &fault.Error{Kind: fault.Serialization, Text: "row refused", RowFault: true}
		db := &table{commit: time.Millisecond, refuse: refusing(13, bad)}
		ids, errs := db.lane(nil).DoEach(t.Context(), upTo(100))
		for i := range 100 {
			if i == 13 {
				assert.ErrorIs(t, errs[i], bad)
				assert.Zero(t, ids[i])
				continue
			}
			require.NoError(t, errs[i])
			assert.EqualValues(t, i*10, ids[i])
		}
	})
}

func TestEachFillsFlushesToTheirLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Millisecond}
		lane := db.lane(func(o *Options[int, int64]) { o.MaxRows, o.MaxPending = 40, 64 })
		ids, errs := lane.DoEach(t.Context(), upTo(100)) // more than there is room for
		assert.Equal(t, make([]error, 100), errs)
		assert.EqualValues(t, 990, ids[99])
		assert.Len(t, db.flushes, 3)
		assert.Equal(t, upTo(40), db.flushes[0], "in the order given")
		ids, errs = lane.DoEach(t.Context(), nil)
		assert.Empty(t, ids)
		assert.Empty(t, errs)
	})
}

func TestCancellingTakesBackWhatWasNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Second}
		lane := db.lane(func(o *Options[int, int64]) { o.MaxRows = 10 })
		go func() { _, _ = lane.Do(t.Context(), []int{1000}) }() // keeps the flusher busy
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan []error)
		go func() { _, errs := lane.DoEach(ctx, upTo(25)); done <- errs }()
		time.Sleep(1500 * time.Millisecond) // the first ten are on their way
		cancel()
		stored := 0
		for _, err := range <-done {
			if err == nil {
				stored++
			} else {
				assert.True(t, fault.Is(err, fault.Cancelled))
			}
		}
		assert.Equal(t, 10, stored)
		assert.Zero(t, lane.Stats().Waiting)
		require.NoError(t, lane.Close(t.Context()))
	})
}

func TestADeadlineOfEachIsAnsweredAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Hour}
		lane, start := db.lane(nil), time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, errs := lane.DoEach(ctx, upTo(3))
		assert.Equal(t, time.Second, time.Since(start))
		for _, err := range errs {
			assert.True(t, fault.Is(err, fault.OutcomeUnknown))
		}
		require.NoError(t, lane.Close(t.Context()))
	})
}

// A caller that carries the first flush itself must not go on carrying those of
// others when its own rows are stored.
func TestACallerThatFliesIsAnsweredAfterItsOwnFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Second}
		lane, start := db.lane(func(o *Options[int, int64]) { o.MaxRows = 1 }), time.Now()
		first := make(chan time.Duration)
		go func() {
			_, _ = lane.Do(t.Context(), []int{0})
			first <- time.Since(start)
		}()
		synctest.Wait()
		go func() { _, _ = lane.DoEach(t.Context(), upTo(5)) }()
		assert.Equal(t, time.Second, <-first)
		require.NoError(t, lane.Close(t.Context()))
		assert.Equal(t, 6*time.Second, time.Since(start))
	})
}

func TestBeginningFixesTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Millisecond}
		lane := db.lane(func(o *Options[int, int64]) { o.MaxRows = 2 })
		first := lane.BeginEach([]int{0, 1, 2})
		second := lane.BeginEach([]int{3, 4})
		_, errs := second(t.Context())
		assert.Equal(t, []error{nil, nil}, errs)
		ids, _ := first(t.Context())
		assert.Equal(t, []int64{0, 10, 20}, ids)
		assert.Equal(t, [][]int{{0, 1}, {2, 3}, {4}}, db.flushes)
	})
}

func TestClosingFlushesWhatWasOnlyBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Millisecond}
		lane := db.lane(func(o *Options[int, int64]) { o.MaxPending = 3 })
		wait := lane.BeginEach(upTo(5)) // two find no room
		require.NoError(t, lane.Close(t.Context()))
		_, errs := wait(t.Context())
		assert.Equal(t, [][]int{{0, 1, 2}}, db.flushes)
		assert.Equal(t, []error{nil, nil, nil}, errs[:3])
		assert.True(t, fault.Is(errs[3], fault.Closed))
		require.NoError(t, lane.Close(t.Context()))
	})
}

func TestWhatWasBegunAndCancelledIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Millisecond}
		lane := db.lane(nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, errs := lane.BeginEach(upTo(2))(ctx)
		assert.True(t, fault.Is(errs[1], fault.Cancelled))
		_, err := lane.Do(t.Context(), []int{7})
		require.NoError(t, err)
		require.NoError(t, lane.Close(t.Context()))
		assert.Equal(t, [][]int{{7}}, db.flushes)
	})
}

func TestStatsTellHowLongRowsWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{commit: time.Second}
		lane := db.lane(nil)
		go func() { _, _ = lane.Do(t.Context(), []int{0}) }()
		synctest.Wait()
		go func() { _, _ = lane.DoEach(t.Context(), upTo(3)) }() // waits for the first flush
		synctest.Wait()
		assert.Equal(t, Stats{Waiting: 3, Flying: 1}, lane.Stats())
		require.NoError(t, lane.Close(t.Context()))
		synctest.Wait()
		assert.Equal(t, Stats{Flushes: 2, Rows: 4, Largest: 3, Waited: 3 * time.Second}, lane.Stats())
	})
}

// BenchmarkEach is what a row costs in a lane when 256 of them come in one call.
func BenchmarkEach(b *testing.B) {
	lane := NewLane(Options[int, int64]{
		MaxRows: 1000, Group: &spawn.Group{},
		Flush: func(_ context.Context, items []int) ([]int64, error) { return make([]int64, len(items)), nil },
	})
	items := upTo(256)
	b.ReportAllocs()
	for b.Loop() {
		lane.DoEach(b.Context(), items)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/256, "ns/row")
}
