package lease

import (
	"context"
	"sync"
	"time"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// together is how far ahead of its time a lease is extended when a statement is
// sent anyway.
const together = 100 * time.Millisecond

// Lease is one lease to keep alive.
type Lease struct {
	Token model.Token
	// For is the lock time: every extension asks for so much from now.
	For time.Duration
	// Until is when keeping ends and the lease runs out by itself, unless Prolong
	// puts that off, to Most at the latest.
	Until, Most time.Time
	// Prior is when the message had become eligible, before it was leased.
	Prior time.Time
	// Lost, when not nil, is called once if the lease was lost in spite of
	// keeping. It must not block.
	Lost func(model.Token)
}

// Keeper extends leases until they are forgotten, lost, or kept long enough.
type Keeper struct {
	// Extend carries one tick's extensions.
	extend func(context.Context, []engine.Extension) ([]bool, error)
	group  *spawn.Group

	// mu guards everything below. It is never held during Extend.
	mu      sync.Mutex
	kept    map[key]*kept
	changed chan struct{} // capacity 1: the loop must look again
	running bool
	closed  bool
	ctx     context.Context
	cancel  context.CancelFunc
}

type key struct{ id, worker int64 }

type kept struct {
	Lease
	due  time.Time // when it wants to be extended next
	held int       // acknowledgements on their way: whether it is lost is for them to say
}

// NewKeeper returns a keeper whose goroutine belongs to group.
func NewKeeper(group *spawn.Group, extend func(context.Context, []engine.Extension) ([]bool, error)) *Keeper {
	ctx, cancel := context.WithCancel(context.Background())
	return &Keeper{
		extend: extend, group: group, kept: map[key]*kept{}, changed: make(chan struct{}, 1),
		ctx: ctx, cancel: cancel,
	}
}

// Keep starts to keep leases that were just taken. A newer lease of the same
// message and worker replaces the older one, which it proves lost.
func (k *Keeper) Keep(leases []Lease) {
	if len(leases) > 0 {
		tell(k.take(leases, time.Now()))
	}
}

// take adds leases, sees to it that the loop runs, and returns what they replace.
func (k *Keeper) take(leases []Lease, now time.Time) (lost []*kept) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil
	}
	for _, l := range leases {
		id := key{l.Token.ID, l.Token.Worker}
		if old := k.kept[id]; old != nil && old.held == 0 && old.Token != l.Token {
			lost = append(lost, old)
		}
		k.kept[id] = &kept{Lease: l, due: now.Add(l.For / 3)}
	}
	if !k.running {
		k.running = true
		k.group.Go(k.loop)
		return lost
	}
	select {
	case k.changed <- struct{}{}:
	default:
	}
	return lost
}

// Hold announces acknowledgements: until Forget or Unhold the leases are still
// kept alive, but not called lost, because an extension that finds the message
// gone may have met the acknowledgement itself.
func (k *Keeper) Hold(tokens []model.Token) {
	k.each(tokens, func(_ key, l *kept) { l.held++ })
}

// Unhold is the end of acknowledgements that failed.
func (k *Keeper) Unhold(tokens []model.Token) {
	k.each(tokens, func(_ key, l *kept) { l.held = max(l.held-1, 0) })
}

// Prolong puts the end of keeping off, never forward and never beyond a lease's
// Most. It returns how many of the leases are kept.
func (k *Keeper) Prolong(tokens []model.Token, until time.Time) int {
	n := 0
	k.each(tokens, func(_ key, l *kept) {
		n++
		put := until
		if put.After(l.Most) {
			put = l.Most
		}
		if put.After(l.Until) {
			l.Until = put
		}
	})
	return n
}

// Prior tells when messages had become eligible before they were leased, as far as
// they are kept; the zero time for the others.
func (k *Keeper) Prior(tokens []model.Token) map[int64]time.Time {
	prior := make(map[int64]time.Time, len(tokens))
	k.each(tokens, func(id key, l *kept) { prior[id.id] = l.Prior })
	return prior
}

// Forget stops keeping: the messages were acknowledged, or are about to be.
func (k *Keeper) Forget(tokens []model.Token) {
	k.each(tokens, func(id key, _ *kept) { delete(k.kept, id) })
}

// each visits what is kept of tokens, under the rule of every acknowledgement: a
// receive count names one lease, none whichever there is.
func (k *Keeper) each(tokens []model.Token, visit func(key, *kept)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.kept) == 0 {
		return
	}
	for _, t := range tokens {
		id := key{t.ID, t.Worker}
		if l := k.kept[id]; l != nil && (t.ReadCt == 0 || l.Token.ReadCt == 0 || t.ReadCt == l.Token.ReadCt) {
			visit(id, l)
		}
	}
}

// ForgetWorker stops keeping whatever a worker holds.
func (k *Keeper) ForgetWorker(worker int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id := range k.kept {
		if id.worker == worker {
			delete(k.kept, id)
		}
	}
}

// Len returns how many leases are kept.
func (k *Keeper) Len() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.kept)
}

// Close stops keeping. The goroutine ends with its group.
func (k *Keeper) Close() {
	k.mu.Lock()
	k.closed = true
	clear(k.kept)
	k.mu.Unlock()
	k.cancel()
}

// loop extends what is due and sleeps until the next lease is. It ends when
// nothing is kept.
func (k *Keeper) loop() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		due, wait, more := k.due(time.Now())
		if !more {
			return
		}
		if len(due) > 0 {
			k.renew(due)
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-k.changed:
		case <-k.ctx.Done():
		}
	}
}

// due returns what wants to be extended now, or how long until something does,
// and whether anything is kept at all; if not, the loop has been signed off.
func (k *Keeper) due(now time.Time) (due []*kept, wait time.Duration, more bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	wait = time.Hour
	for id, l := range k.kept {
		switch left := l.due.Sub(now); {
		case !now.Before(l.Until):
			delete(k.kept, id)
		case left <= 0:
			due = append(due, l)
		default:
			wait = min(wait, left)
		}
	}
	if len(due) > 0 { // a statement will be sent: take along what is due soon
		for _, l := range k.kept {
			if left := l.due.Sub(now); left > 0 && left <= min(together, l.For/4) {
				due = append(due, l)
			}
		}
	}
	k.running = len(k.kept) > 0
	return due, wait, k.running
}

// renew sends one statement for all of due and notes what was lost.
func (k *Keeper) renew(due []*kept) {
	extensions := make([]engine.Extension, len(due))
	for i, l := range due {
		extensions[i] = engine.Extension{Token: l.Token, For: l.For}
	}
	done, err := k.extend(k.ctx, extensions)
	now := time.Now()
	var lost []*kept
	k.mu.Lock()
	for i, l := range due {
		id := key{l.Token.ID, l.Token.Worker}
		switch {
		case k.kept[id] != l: // acknowledged or leased anew meanwhile
		case err != nil: // the database is away: keep trying while the lease may live
			l.due = now.Add(min(time.Second, l.For/6))
		case done[i], l.held > 0:
			l.due = now.Add(l.For / 3)
		default:
			delete(k.kept, id)
			lost = append(lost, l)
		}
	}
	k.mu.Unlock()
	tell(lost)
}

// tell reports losses. The keeper's lock is not held: whoever hears may call it.
func tell(lost []*kept) {
	for _, l := range lost {
		if l.Lost != nil {
			l.Lost(l.Token)
		}
	}
}
