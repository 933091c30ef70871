package ratelimit

import (
	"sync"
	"time"

	"github.com/pgqrs/pgqrs/core/fault"
)

// Bucket admits so many messages a second. A nil Bucket admits everything.
type Bucket struct {
	rate  float64 // tokens per second
	burst float64 // tokens it holds at most

	// mu guards the fields below.
	mu     sync.Mutex
	tokens float64
	at     time.Time // when tokens was right
}

// New returns a full bucket of burst tokens (0: one second's worth, at least one)
// that refills at perSecond; nil, no limit, for a perSecond of 0.
func New(perSecond float64, burst int) *Bucket {
	if perSecond <= 0 {
		return nil
	}
	size := float64(burst)
	if burst == 0 {
		size = max(1, perSecond)
	}
	return &Bucket{rate: perSecond, burst: size, tokens: size, at: time.Now()}
}

// Return gives back what was taken for n messages that will be asked for again.
func (b *Bucket) Return(n int) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens += float64(n) // Take cuts it off at the burst
}

// Take admits n messages or none: fault.RateLimited, with the time until they
// would be admitted. More than the burst is admitted when the bucket is full, and
// leaves a debt, or it would never be.
func (b *Bucket) Take(n int) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.tokens = min(b.burst, b.tokens+now.Sub(b.at).Seconds()*b.rate)
	b.at = now
	need := min(float64(n), b.burst)
	if b.tokens >= need {
		b.tokens -= float64(n)
		return nil
	}
	after := time.Duration((need - b.tokens) / b.rate * float64(time.Second))
	return &fault.Error{
		Kind: fault.RateLimited, Field: "max_enqueue_per_second", RetryAfter: after, Safe: true,
		Text: "max_enqueue_per_second: the limit of this producer is reached; retry after " +
			after.Round(time.Millisecond).String() + " or raise the limit",
	}
}
