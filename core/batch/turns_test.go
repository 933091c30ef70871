package batch

import (
	"context"
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

// log is a database where storing rows takes a millisecond, one flush after the
// other, and the commit a while of its own.
type log struct {
	t      *testing.T
	commit time.Duration
	refuse func(items []int) error

	mu      sync.Mutex
	placing bool
	open    int // flushes under way
	most    int // of them at once
	rows    []int
}

func (g *log) flush(_ context.Context, items []int, _, placed func()) ([]int64, error) {
	g.mu.Lock()
	assert.False(g.t, g.placing, "one flush at a time stores rows")
	g.placing = true
	g.open++
	g.most = max(g.most, g.open)
	g.mu.Unlock()
	time.Sleep(time.Millisecond)
	g.mu.Lock()
	g.placing = false
	var err error
	if g.refuse != nil {
		err = g.refuse(items)
	}
	if err == nil {
		g.rows = append(g.rows, items...)
	}
	g.mu.Unlock()
	if err == nil && placed != nil {
		placed()
	}
	if err == nil {
		time.Sleep(g.commit)
	}
	g.mu.Lock()
	g.open--
	g.mu.Unlock()
	return make([]int64, len(items)), err
}

func (g *log) lane(flushers int) *Lane[int, int64] {
	return NewLane(Options[int, int64]{FlushInTurn: g.flush, MaxRows: 10, Flushers: flushers, Group: &spawn.Group{}})
}

// load sends n items, each by a call of its own, in order, and waits for all.
func load(t *testing.T, lane *Lane[int, int64], n int) (errs []error) {
	errs = make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		wait := lane.BeginEach([]int{i})
		all.Go(func() {
			_, each := wait(t.Context())
			errs[i] = each[0]
		})
	}
	all.Wait()
	return errs
}

func TestSlowCommitsOverlapAndRowsKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &log{t: t, commit: 20 * time.Millisecond}
		lane := db.lane(4)
		errs := load(t, lane, 10*(timedEvery-2))
		assert.Equal(t, 1, db.most, "none was timed yet")
		errs = append(errs, load(t, lane, 100)...)
		start := time.Now()
		errs = append(errs, load(t, lane, 400)...)
		assert.Equal(t, 4, db.most)
		const serial = 400 / 10 * 21 * time.Millisecond
		assert.Less(t, time.Since(start), serial/3)
		for _, err := range errs {
			require.NoError(t, err)
		}
		assert.Equal(t, slices.Concat(upTo(10*(timedEvery-2)), upTo(100), upTo(400)), db.rows)
		require.NoError(t, lane.Close(t.Context()))
	})
}

func TestFastCommitsDoNotOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &log{t: t, commit: slowCommit - time.Microsecond}
		lane := db.lane(4)
		load(t, lane, 1000)
		assert.Equal(t, 1, db.most)
		db.commit = time.Second
		load(t, lane, 10*timedEvery) // one of them is timed
		load(t, lane, 40)
		assert.Equal(t, 4, db.most, "a disk that becomes slow is noticed")
		db.commit, db.most = 0, 0
		load(t, lane, 200) // the average falls
		db.most = 0
		load(t, lane, 1000)
		assert.Equal(t, 1, db.most, "and one that becomes fast")
	})
}

func TestOneFlusherNeverOverlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &log{t: t, commit: time.Second}
		load(t, db.lane(1), 1000)
		assert.Equal(t, 1, db.most)
	})
}

// A flush that is halved is carried whole before the next one begins, or rows that
// were called for later would come earlier.
func TestHalvesGoBeforeTheNextFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := &fault.Error{Kind: fault.Serialization, Text: "row refused", RowFault: true}
		db := &log{t: t, commit: 20 * time.Millisecond}
		lane := db.lane(4)
		load(t, lane, 11*timedEvery)
		db.rows = nil
		db.refuse = refusing(13, bad)
		errs := load(t, lane, 100)
		require.ErrorIs(t, errs[13], bad)
		assert.Equal(t, append(upTo(13), upTo(100)[14:]...), db.rows)
	})
}

func TestAPanicGivesTheTurnBack(t *testing.T) {
	for name, tell := range map[string]func(sent, placed func()){
		"with a flush behind it":    func(sent, _ func()) { say(sent) },
		"while others store theirs": func(_, placed func()) { say(placed) },
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { panicsInTurn(t, tell) }) })
	}
}

func say(f func()) {
	if f != nil {
		f()
	}
}

// panicsInTurn has every second flush panic once it has told what it was asked to.
func panicsInTurn(t *testing.T, tell func(sent, placed func())) {
	var panics atomic.Int32
	group := &spawn.Group{Report: func(any, []byte) { panics.Add(1) }}
	lane := NewLane(Options[int, int64]{
		MaxRows: 1, Flushers: 4, Group: group,
		FlushInTurn: func(_ context.Context, items []int, sent, placed func()) ([]int64, error) {
			tell(sent, placed)
			time.Sleep(time.Millisecond)
			if items[0]%2 == 0 {
				panic("engine")
			}
			return make([]int64, len(items)), nil
		},
	})
	for i, err := range load(t, lane, 200) {
		assert.Equal(t, i%2 == 0, err != nil, i)
	}
	require.NoError(t, lane.Close(t.Context()))
	group.Wait()
	assert.EqualValues(t, 100, panics.Load())
}
