package handle

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// probe counts what the table tells an object.
type probe struct{ closed, freed atomic.Int32 }

func (p *probe) Closed() { p.closed.Add(1) }
func (p *probe) Freed()  { p.freed.Add(1) }

func TestHandleIsFoundUntilItIsClosed(t *testing.T) {
	t.Parallel()
	var table Table
	p := &probe{}
	h := table.Insert(Store, p)
	require.NotZero(t, h)
	require.Equal(t, Store, h.Kind())

	e := table.Acquire(h, Store)
	require.Same(t, p, e.Value())
	e.Release()

	require.True(t, table.Remove(h))
	require.False(t, table.Remove(h), "closed twice")
	require.Nil(t, table.Acquire(h, Store), "stale")
	require.EqualValues(t, 1, p.closed.Load())
	require.EqualValues(t, 1, p.freed.Load())
	require.Zero(t, table.Len())
}

func TestWrongKindIsRefused(t *testing.T) {
	t.Parallel()
	var table Table
	h := table.Insert(Producer, 1)
	require.Nil(t, table.Acquire(h, Consumer, Store))
	require.False(t, table.Remove(h, Result))

	forged := h&^(0xff<<56) | Handle(Consumer)<<56
	require.Nil(t, table.Acquire(forged, Consumer), "right slot and generation, wrong kind")
	require.NotNil(t, table.Acquire(h, Producer))
}

func TestPinOutlivesTheName(t *testing.T) {
	t.Parallel()
	var table Table
	p := &probe{}
	h := table.Insert(Result, p)
	e := table.Acquire(h)
	require.True(t, table.Remove(h))
	require.EqualValues(t, 1, p.closed.Load())
	require.Zero(t, p.freed.Load(), "still pinned")
	e.Release()
	require.EqualValues(t, 1, p.freed.Load())
}

func TestTakeHandsThePinOver(t *testing.T) {
	t.Parallel()
	var table Table
	p := &probe{}
	h := table.Insert(Result, p)
	e := table.Take(h, Result)
	require.Nil(t, table.Take(h, Result))
	require.Zero(t, p.freed.Load())
	e.Release()
	require.EqualValues(t, 1, p.freed.Load())
}

func TestSlotsAreReusedFirstInFirstOut(t *testing.T) {
	t.Parallel()
	var table Table
	const n = 4 * shards
	var first []Handle
	for range n {
		first = append(first, table.Insert(Op, nil))
	}
	for _, h := range first {
		table.Remove(h)
	}
	for _, old := range first {
		h := table.Insert(Op, nil)
		require.Equal(t, old.slot(), h.slot())
		require.Equal(t, old.generation()+1, h.generation())
		require.Nil(t, table.Acquire(old), "the old name does not fit the reused slot")
	}
}

func TestSlotRetiresBeforeItsGenerationWraps(t *testing.T) {
	t.Parallel()
	var table Table
	h := table.Insert(Op, nil)
	s := &table.shards[h.slot()%shards]
	s.slots[h.slot()>>shardBits].generation = maxGeneration
	last := pack(Op, maxGeneration, h.slot())
	require.True(t, table.Remove(last))
	require.Zero(t, s.free.size)
	require.Nil(t, table.Acquire(last))
}

func TestEachVisitsEveryHandleOfAKind(t *testing.T) {
	t.Parallel()
	var table Table
	want := map[Handle]bool{}
	for range 100 {
		want[table.Insert(Queue, nil)] = true
		table.Insert(Op, nil)
	}
	table.Each(Queue, func(h Handle, _ *Entry) {
		require.True(t, want[h])
		delete(want, h)
		require.True(t, table.Remove(h), "closing inside is allowed")
	})
	require.Empty(t, want)
	require.Equal(t, 100, table.Len())
}

func TestCloseRacesWithUse(t *testing.T) {
	t.Parallel()
	var table Table
	for range 200 {
		p := &probe{}
		h := table.Insert(Consumer, p)
		var wg sync.WaitGroup
		var closed atomic.Int32
		for range 4 {
			wg.Go(func() {
				if e := table.Acquire(h, Consumer); e != nil {
					if e.Value().(*probe).freed.Load() != 0 {
						t.Error("an acquired object was freed")
					}
					e.Release()
				}
			})
			wg.Go(func() {
				if table.Remove(h) {
					closed.Add(1)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, closed.Load(), "exactly one close takes effect")
		require.EqualValues(t, 1, p.freed.Load())
	}
	require.Zero(t, table.Len())
}

func FuzzDecoder(f *testing.F) {
	for _, seed := range []uint64{0, 1, 1 << 32, 1 << 56, 1<<56 | 1<<32, ^uint64(0), 0xff << 56} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw uint64) {
		var table Table
		valid := map[Handle]bool{}
		for k := Store; k <= lastKind; k++ {
			for range 3 {
				valid[table.Insert(k, k)] = true
			}
		}
		h := Handle(raw)
		e := table.Acquire(h)
		if (e != nil) != valid[h] {
			t.Fatalf("handle %#x: found %v, valid %v", raw, e != nil, valid[h])
		}
		if e != nil {
			e.Release()
		}
		if table.Remove(h) != valid[h] || table.Remove(h) {
			t.Fatalf("handle %#x: close does not agree with its validity", raw)
		}
	})
}

func BenchmarkInsertAcquireRemove(b *testing.B) {
	var table Table
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			h := table.Insert(Op, nil)
			table.Acquire(h, Op).Release()
			table.Remove(h)
		}
	})
}
