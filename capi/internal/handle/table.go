package handle

import (
	"sync"
	"sync/atomic"
)

// shardBits is the number of low slot bits that choose a shard. Sixteen shards
// keep the lookups of many threads from meeting on one lock.
const (
	shardBits = 4
	shards    = 1 << shardBits
)

// Table is the set of valid handles. The zero Table is empty and ready for use.
type Table struct {
	next   atomic.Uint32 // round robin over the shards
	shards [shards]shard
}

// shard is a part of the table. Its lock guards everything in it and is never
// held while an object's methods run.
type shard struct {
	mu    sync.RWMutex
	slots []slot
	free  fifo
	_     [40]byte // keeps neighbours' locks off this cache line
}

type slot struct {
	entry      *Entry // nil: free
	generation uint32 // of the present or the next handle
	kind       Kind
}

// Insert gives value a name. The caller owns the name, not a pin.
func (t *Table) Insert(kind Kind, value any) Handle {
	e := &Entry{value: value}
	e.refs.Store(1)
	n := t.next.Add(1) % shards
	s := &t.shards[n]
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.free.pop()
	if !ok {
		i = uint32(len(s.slots))
		s.slots = append(s.slots, slot{generation: 1})
	}
	s.slots[i].entry, s.slots[i].kind = e, kind
	return pack(kind, s.slots[i].generation, i<<shardBits|n)
}

// Acquire pins the object a handle names, if it is valid and of one of the
// wanted kinds. The caller must Release the entry. It returns nil otherwise.
func (t *Table) Acquire(h Handle, want ...Kind) *Entry {
	if !h.isA(want) {
		return nil
	}
	s := &t.shards[h.slot()%shards]
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := s.find(h)
	if found == nil {
		return nil
	}
	found.entry.Pin() // legal: the table is a user while the slot is taken
	return found.entry
}

// Remove gives a name up if it is valid and of one of the wanted kinds, and
// reports whether it did. The object hears of it at once (Closer) and again
// when its last pin is gone (Freer).
func (t *Table) Remove(h Handle, want ...Kind) bool {
	_, ok := t.take(h, want, false)
	return ok
}

// Take is Remove that hands the table's own pin to the caller, who must Release
// the entry. It returns nil where Remove would return false.
func (t *Table) Take(h Handle, want ...Kind) *Entry {
	e, _ := t.take(h, want, true)
	return e
}

func (t *Table) take(h Handle, want []Kind, keep bool) (*Entry, bool) {
	if !h.isA(want) {
		return nil, false
	}
	e := t.shards[h.slot()%shards].vacate(h)
	if e == nil {
		return nil, false
	}
	if c, ok := e.value.(Closer); ok {
		c.Closed()
	}
	if !keep {
		e.Release()
	}
	return e, true
}

// Len returns how many names are valid.
func (t *Table) Len() int {
	n := 0
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.RLock()
		for j := range s.slots {
			if s.slots[j].entry != nil {
				n++
			}
		}
		s.mu.RUnlock()
	}
	return n
}

// Each calls f with a pinned entry of every valid handle of a kind. f runs
// without locks and may close handles; what appears meanwhile may be missed.
func (t *Table) Each(kind Kind, f func(Handle, *Entry)) {
	for n := range t.shards {
		for h, e := range t.shards[n].pinned(kind, uint32(n)) {
			f(h, e)
			e.Release()
		}
	}
}

func (s *shard) pinned(kind Kind, n uint32) map[Handle]*Entry {
	found := map[Handle]*Entry{}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for i, slot := range s.slots {
		if slot.entry != nil && slot.kind == kind {
			slot.entry.Pin()
			found[pack(kind, slot.generation, uint32(i)<<shardBits|n)] = slot.entry
		}
	}
	return found
}

// find returns the slot a handle names, or nil. The caller holds the lock.
func (s *shard) find(h Handle) *slot {
	i := h.slot() >> shardBits
	if int(i) >= len(s.slots) {
		return nil
	}
	found := &s.slots[i]
	if found.entry == nil || found.generation != h.generation() || found.kind != h.Kind() {
		return nil
	}
	return found
}

// vacate empties the slot a handle names and returns its entry, or nil. Slots
// are reused first in, first out, which makes the time until a generation comes
// round as long as it can be; a slot at its last generation is never reused.
func (s *shard) vacate(h Handle) *Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.find(h)
	if found == nil {
		return nil
	}
	e := found.entry
	found.entry = nil
	if found.generation < maxGeneration {
		found.generation++
		s.free.push(h.slot() >> shardBits)
	}
	return e
}

// isA reports whether h claims to be of one of the kinds; none means any.
func (h Handle) isA(want []Kind) bool {
	have := h.Kind()
	if have == 0 {
		return false
	}
	for _, k := range want {
		if k == have {
			return true
		}
	}
	return len(want) == 0
}
