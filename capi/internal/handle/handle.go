package handle

// Handle names one object: kind 8 bits, generation 24 bits, slot 32 bits, from
// the top. Zero is never valid. Twin of pgqrs_handle in include/pgqrs.h.
type Handle uint64

// Kind says what a handle names. Zero is no kind.
type Kind uint8

// The kinds. Their numbers are opaque to callers and may change between builds.
const (
	Store Kind = iota + 1
	Producer
	Consumer
	Queue // a completion queue
	Op
	Result
	Error
	lastKind = Error
)

var kindNames = [...]string{"object", "store", "producer", "consumer", "completion queue", "op", "result", "error"}

// String returns the kind in the words of the header.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[0]
}

const (
	slotBits       = 32
	generationBits = 24
	// maxGeneration is the last one a slot may have: a slot that reached it is
	// retired, because a wrapped generation would let a stale handle fit again.
	maxGeneration = 1<<generationBits - 1
)

func pack(kind Kind, generation uint32, slot uint32) Handle {
	return Handle(kind)<<(slotBits+generationBits) | Handle(generation)<<slotBits | Handle(slot)
}

// Kind returns the kind a handle claims to have; 0 when there is no such kind.
func (h Handle) Kind() Kind {
	k := Kind(h >> (slotBits + generationBits))
	if k > lastKind {
		return 0
	}
	return k
}

func (h Handle) generation() uint32 { return uint32(h>>slotBits) & maxGeneration }
func (h Handle) slot() uint32       { return uint32(h) }
