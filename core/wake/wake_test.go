package wake

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/spawn"
)

const queue = 1

func hub(push bool, listen func(context.Context, func(int64)) error) (*Hub, *spawn.Group) {
	group := &spawn.Group{}
	return NewHub(Options{
		Push: push, Listen: listen, Poll: 250 * time.Millisecond, Group: group, Log: slog.New(slog.DiscardHandler),
	}), group
}

func silent(ctx context.Context, woken func(int64)) error {
	woken(0)
	<-ctx.Done()
	return nil
}

// woken counts the waiters that have a signal.
func woken(waiters []*Waiter) (n int) {
	for _, w := range waiters {
		n += len(w.C)
	}
	return n
}

func TestAnAnnouncementWakesOneAndSuccessWakesTwoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, group := hub(false, nil)
		var waiters []*Waiter
		for range 10 {
			waiters = append(waiters, h.Join(queue))
		}
		h.Announce(queue)
		assert.Equal(t, 1, woken(waiters))
		<-waiters[0].C
		waiters[0].Leave(true)
		assert.Equal(t, 2, woken(waiters[1:]))
		for _, w := range waiters[1:] {
			w.Leave(false)
		}
		h.Close()
		group.Wait()
	})
}

func TestAForgottenQueueIsWaitedOnAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := hub(false, nil)
		h.Join(queue).Leave(false)
		h.Forget(queue)
		assert.Empty(t, h.gates)
		h.Announce(queue)
		again := h.Join(queue)
		h.Announce(queue)
		assert.Equal(t, 1, woken([]*Waiter{again}))
		again.Leave(true)
		h.Close()
	})
}

func TestAnUnusedSignalIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := hub(false, nil)
		a, b := h.Join(queue), h.Join(queue)
		h.Announce(queue)
		assert.Len(t, a.C, 1)
		a.Leave(false) // its caller gave up before it could claim
		assert.Len(t, b.C, 1)
		b.Leave(false)
	})
}

func TestTheNextDueInstantWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, group := hub(true, silent)
		start, w := time.Now(), h.Join(queue)
		synctest.Wait()
		for due := 3 * time.Second; due > 0; due = 3*time.Second - time.Since(start) {
			w.Idle(due) // what every empty claim reports
			<-w.C
		}
		assert.Less(t, time.Since(start), 3100*time.Millisecond)
		w.Leave(false)
		h.Close()
		group.Wait()
	})
}

func TestPollsGrowRareWhileAnnouncementsAreHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, group := hub(true, silent)
		w := h.Join(queue)
		polls := 0
		deadline := time.After(10 * time.Minute)
		for waiting := true; waiting; {
			select {
			case <-w.C:
				polls++
			case <-deadline:
				waiting = false
			}
		}
		assert.LessOrEqual(t, polls, 45, "about one in fifteen seconds")
		assert.GreaterOrEqual(t, polls, 38)
		w.Leave(false)
		h.Close()
		group.Wait()
	})
}

func TestWithoutAnnouncementsThePollKeepsItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := hub(false, nil)
		w := h.Join(queue)
		start := time.Now()
		for range 40 {
			<-w.C
		}
		assert.Equal(t, 10*time.Second, time.Since(start))
		w.Leave(false)
	})
}

func TestOneWaiterPollsForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := hub(false, nil)
		a, b := h.Join(queue), h.Join(queue)
		time.Sleep(300 * time.Millisecond)
		assert.Equal(t, 1, woken([]*Waiter{a, b}))
		a.Leave(false)
		b.Leave(false)
	})
}

func TestALostListenerPollsAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		h, group := hub(true, func(ctx context.Context, woken func(int64)) error {
			if attempts++; attempts < 4 {
				return fault.New(fault.Connect, "cut")
			}
			return silent(ctx, woken)
		})
		w := h.Join(queue)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, 4, attempts)
		w.Leave(false)
		h.Close()
		group.Wait()
	})
}

func TestAnUnsupportedListenerIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		h, group := hub(true, func(context.Context, func(int64)) error {
			attempts++
			return fault.Of(fault.Unsupported)
		})
		w := h.Join(queue)
		start := time.Now()
		for range 20 {
			<-w.C
		}
		synctest.Wait()
		assert.LessOrEqual(t, time.Since(start), 5*time.Second, "polls at the pace without announcements")
		assert.Equal(t, 1, attempts)
		w.Leave(false)
		group.Wait()
	})
}

func TestNobodyMissesABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := hub(false, nil)
		var mu sync.Mutex
		messages := 0
		var all sync.WaitGroup
		for range 64 {
			w := h.Join(queue)
			all.Go(func() {
				for {
					mu.Lock()
					got := messages > 0
					if got {
						messages--
					}
					mu.Unlock()
					if got {
						w.Leave(true)
						return
					}
					<-w.C
				}
			})
		}
		synctest.Wait()
		start := time.Now()
		mu.Lock()
		messages = 64
		mu.Unlock()
		h.Announce(queue)
		all.Wait()
		assert.Zero(t, time.Since(start), "no poll was needed")
	})
}

func TestAnnouncementsAreCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said [][]int64
		group := &spawn.Group{}
		a := NewAnnouncer(group, slog.New(slog.DiscardHandler), func(_ context.Context, ids []int64) error {
			said = append(said, ids)
			return nil
		})
		for range 1000 {
			a.Announce(queue)
			time.Sleep(100 * time.Microsecond)
		}
		group.Wait()
		assert.LessOrEqual(t, len(said), 22)
		assert.Equal(t, []int64{queue}, said[0])
	})
}
