package handle

// fifo is a queue of slot numbers in a ring that doubles when it is full.
type fifo struct {
	ring []uint32
	head int
	size int
}

func (f *fifo) push(v uint32) {
	if f.size == len(f.ring) {
		f.grow()
	}
	f.ring[(f.head+f.size)%len(f.ring)] = v
	f.size++
}

func (f *fifo) pop() (uint32, bool) {
	if f.size == 0 {
		return 0, false
	}
	v := f.ring[f.head]
	f.head = (f.head + 1) % len(f.ring)
	f.size--
	return v, true
}

func (f *fifo) grow() {
	ring := make([]uint32, max(16, 2*len(f.ring)))
	n := copy(ring, f.ring[f.head:])
	copy(ring[n:], f.ring[:f.head])
	f.ring, f.head = ring, 0
}
