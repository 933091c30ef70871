package batch

import (
	"context"
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

// stream is a connection: flushes are carried in the order in which they were sent, 10 ms
// each, and the next one may be sent while they are.
type stream struct {
	t      *testing.T
	refuse func(items []int) error

	mu    sync.Mutex
	last  chan struct{} // closed when the last one was answered
	open  int
	most  int
	alone int // flushes that asked for the time of their commit
	sizes []int
	rows  []int
}

func (s *stream) flush(_ context.Context, items []int, sent, placed func()) ([]int64, error) {
	s.mu.Lock()
	before, answered := s.last, make(chan struct{})
	s.last = answered
	s.open++
	s.most = max(s.most, s.open)
	s.sizes = append(s.sizes, len(items))
	if placed != nil {
		s.alone++
		assert.Equal(s.t, 1, s.open, "whose commit is timed goes alone")
	}
	s.mu.Unlock()
	if sent != nil {
		sent()
	}
	if before != nil {
		<-before
	}
	time.Sleep(10 * time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.refuse != nil {
		err = s.refuse(items)
	}
	if err == nil {
		s.rows = append(s.rows, items...)
	}
	if placed != nil {
		placed()
	}
	s.open--
	close(answered)
	return make([]int64, len(items)), err
}

func (s *stream) lane() *Lane[int, int64] {
	return NewLane(Options[int, int64]{FlushInTurn: s.flush, MaxRows: 10, Flushers: 4, Group: &spawn.Group{}})
}

func TestAFlushIsSentBehindTheOneUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &stream{t: t}
		lane := db.lane()
		for _, err := range load(t, lane, 1000) {
			require.NoError(t, err)
		}
		assert.Equal(t, upTo(1000), db.rows)
		assert.Equal(t, 2, db.most, "one is at hand; more would only be smaller")
		assert.Equal(t, 1000/10/timedEvery, db.alone)
		require.NoError(t, lane.Close(t.Context()))
	})
}

func TestASmallFlushWaitsForMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &stream{t: t}
		lane := db.lane()
		flushes := func() []int {
			synctest.Wait()
			db.mu.Lock()
			defer db.mu.Unlock()
			return slices.Clone(db.sizes)
		}
		begin := func(n int) []int {
			wait := lane.BeginEach(upTo(n))
			go wait(t.Context()) // whoever waits has it sent
			return flushes()
		}
		assert.Equal(t, []int{8}, begin(8))
		assert.Equal(t, []int{8}, begin(3))
		assert.Equal(t, []int{8, 4}, begin(1), "half as many as are under way")
		assert.Equal(t, []int{8, 4}, begin(9), "two are under way")
		time.Sleep(11 * time.Millisecond)
		assert.Equal(t, []int{8, 4, 9}, flushes())
		time.Sleep(time.Second)
		require.NoError(t, lane.Close(t.Context()))
	})
}

// What was sent behind a flush that is refused because of one row has been stored when the
// others of that flush are.
func TestARefusedFlushIsStoredInHalvesAfterWhatFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := &fault.Error{Kind: fault.Serialization, Text: "row refused", RowFault: true}
		db := &stream{t: t, refuse: refusing(3, bad)}
		lane := db.lane()
		for i, err := range load(t, lane, 100) {
			if i == 3 {
				require.ErrorIs(t, err, bad)
			} else {
				require.NoError(t, err)
			}
		}
		assert.ElementsMatch(t, append(upTo(3), upTo(100)[4:]...), db.rows)
		require.NoError(t, lane.Close(t.Context()))
	})
}
