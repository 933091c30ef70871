package handle

import "testing"

// The actions of one step of FuzzTable, by the low bits of its first byte.
const (
	insert = iota
	acquire
	release
	remove
	take
	forge
	count
	actions
)

// FuzzTable runs a program against a table and a model of it, a map. Two bytes
// are a step: what to do, and to which of the handles there ever were.
//
// The seeds, and what fuzzing has found, run with every `go test`.
func FuzzTable(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{insert, 0, acquire, 0, remove, 0, acquire, 0, release, 0, remove, 0})
	f.Add([]byte{insert, 1, take, 0, insert, 1, remove, 0, remove, 1, count, 0})
	f.Add([]byte{insert, 2, insert, 3, forge, 0, forge, 1, remove, 0, insert, 4, acquire, 0, acquire, 2, count, 0})
	long := make([]byte, 0, 2000)
	for i := range 500 { // more names than a shard has slots, and most of them given up
		long = append(long, insert, byte(i), byte(i%actions), byte(i*7))
	}
	f.Add(long)
	f.Fuzz(func(t *testing.T, program []byte) {
		m := model{t: t, given: map[Handle]bool{}}
		for i := 0; i+1 < len(program); i += 2 {
			m.step(program[i], program[i+1])
		}
		m.end()
	})
}

// model is what the table must be equal to.
type model struct {
	t     *testing.T
	table Table
	names []named
	pins  []pin
	given map[Handle]bool
}

// named is a handle there ever was.
type named struct {
	handle Handle
	kind   Kind
	probe  *probe
	open   bool
	pins   int // of its object, beside the table's own
}

// pin is an entry the model holds, and whose it is.
type pin struct {
	entry *Entry
	of    int
}

func (m *model) step(action, operand byte) {
	if action %= actions; action == insert || len(m.names) == 0 {
		kind, p := Kind(operand)%lastKind+1, &probe{}
		h := m.table.Insert(kind, p)
		if m.given[h] {
			m.t.Fatalf("handle %#x was given twice", h)
		}
		m.given[h] = true
		m.names = append(m.names, named{handle: h, kind: kind, probe: p, open: true})
		return
	}
	i := int(operand) % len(m.names)
	n := &m.names[i]
	wrong := n.kind%lastKind + 1
	switch action {
	case acquire:
		m.refused(m.table.Acquire(n.handle, wrong), "of another kind")
		m.pinned(i, m.table.Acquire(n.handle, wrong, n.kind))
	case take:
		m.refused(m.table.Take(n.handle, wrong), "of another kind")
		m.pinned(i, m.table.Take(n.handle))
		n.open = false
	case remove:
		if m.table.Remove(n.handle, wrong) || m.table.Remove(n.handle, n.kind) != n.open {
			m.t.Fatalf("handle %#x, open %v, was not removed so", n.handle, n.open)
		}
		n.open = false
	case release:
		if len(m.pins) > 0 {
			last := m.pins[len(m.pins)-1]
			m.pins = m.pins[:len(m.pins)-1]
			m.names[last.of].pins--
			last.entry.Release()
			m.heard(&m.names[last.of])
		}
	case forge: // a bit of the name is another, so it is nobody's or somebody else's
		forged := n.handle ^ 1<<(operand%64)
		if e := m.table.Acquire(forged); e != nil {
			if e.Value() == any(n.probe) {
				m.t.Fatalf("%#x is found by %#x", n.handle, forged)
			}
			e.Release()
		}
	case count:
		m.counted()
	}
	m.heard(n)
}

// pinned notes an entry, which must be there exactly if the handle is open.
func (m *model) pinned(of int, e *Entry) {
	n := &m.names[of]
	if (e != nil) != n.open {
		m.t.Fatalf("handle %#x: found %v, open %v", n.handle, e != nil, n.open)
	}
	if e == nil {
		return
	}
	if e.Value() != any(n.probe) {
		m.t.Fatalf("handle %#x leads to another object", n.handle)
	}
	n.pins++
	m.pins = append(m.pins, pin{e, of})
}

func (m *model) refused(e *Entry, why string) {
	if e != nil {
		m.t.Fatalf("a handle %s was taken", why)
	}
}

// heard requires that an object knows that its name is gone, and that nobody uses
// it, exactly when that is so, and once.
func (m *model) heard(n *named) {
	closed, freed := int32(0), int32(0)
	if !n.open {
		closed = 1
		if n.pins == 0 {
			freed = 1
		}
	}
	if n.probe.closed.Load() != closed || n.probe.freed.Load() != freed {
		m.t.Fatalf("handle %#x, open %v, %d pins: closed %d times, freed %d times",
			n.handle, n.open, n.pins, n.probe.closed.Load(), n.probe.freed.Load())
	}
}

func (m *model) counted() {
	open := 0
	for _, n := range m.names {
		if n.open {
			open++
		}
	}
	if m.table.Len() != open {
		m.t.Fatalf("%d handles are open, and the table has %d", open, m.table.Len())
	}
}

// end lets everything go: no object may be left, or be told twice.
func (m *model) end() {
	for _, p := range m.pins {
		m.names[p.of].pins--
		p.entry.Release()
	}
	for i := range m.names {
		m.table.Remove(m.names[i].handle)
		m.names[i].open = false
		m.heard(&m.names[i])
	}
	if m.table.Len() != 0 {
		m.t.Fatalf("%d handles are left", m.table.Len())
	}
}
