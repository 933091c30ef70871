package cq

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/pgqrs/pgqrs/capi/internal/cerr"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink records what the queue let go of.
type sink struct {
	mu        sync.Mutex
	retired   map[uint64]int
	discarded []Completion
}

func (s *sink) Retire(op uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retired[op]++
}

func (s *sink) Discard(c Completion) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discarded = append(s.discarded, c)
}

// each runs a test on both kinds of descriptor.
func each(t *testing.T, o Options, test func(t *testing.T, q *Queue, s *sink)) {
	t.Helper()
	for name, usePipe := range map[string]bool{"eventfd": false, "pipe": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := o
			o.Pipe = usePipe
			s := &sink{retired: map[uint64]int{}}
			q, err := New(o, s)
			require.NoError(t, err)
			t.Cleanup(q.Close)
			test(t, q, s)
		})
	}
}

func readable(t testing.TB, q *Queue) bool {
	t.Helper()
	fds := []unix.PollFd{{Fd: int32(q.FD()), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	require.NoError(t, err)
	return n == 1
}

func TestCompletionIsLaidOutAsInC(t *testing.T) {
	require.EqualValues(t, 32, unsafe.Sizeof(Completion{}))
	require.EqualValues(t, 8, unsafe.Offsetof(Completion{}.Status))
	require.EqualValues(t, 16, unsafe.Offsetof(Completion{}.Result))
	require.EqualValues(t, 24, unsafe.Offsetof(Completion{}.Error))
}

func TestDescriptorFollowsTheQueue(t *testing.T) {
	each(t, Options{}, func(t *testing.T, q *Queue, s *sink) {
		out := make([]Completion, 1)
		require.False(t, readable(t, q))
		for i := uint64(1); i <= 3; i++ {
			require.NoError(t, q.Reserve())
			q.Post(Completion{UserData: i}, 100+i)
		}
		for i := uint64(1); i <= 3; i++ {
			require.True(t, readable(t, q), "something is left")
			n, status := q.Poll(out)
			require.Equal(t, 1, n)
			require.Equal(t, cerr.OK, status)
			require.Equal(t, i, out[0].UserData)
			require.Equal(t, 1, s.retired[100+i], "the op is stale once its completion is handed out")
		}
		require.False(t, readable(t, q), "drained")
		n, status := q.Poll(out)
		require.Zero(t, n)
		require.Equal(t, cerr.OK, status)
	})
}

func TestSpuriousReadOfTheDescriptorLosesNothing(t *testing.T) {
	each(t, Options{}, func(t *testing.T, q *Queue, _ *sink) {
		out := make([]Completion, 4)
		require.NoError(t, q.Reserve())
		q.Post(Completion{UserData: 1}, 1)
		var b [8]byte
		_, err := unix.Read(q.FD(), b[:]) // against the rules; then it must poll
		require.NoError(t, err)
		n, _ := q.Poll(out)
		require.Equal(t, 1, n)
		require.NoError(t, q.Reserve())
		q.Post(Completion{UserData: 2}, 2)
		require.True(t, readable(t, q))
	})
}

func TestBusyUntilDrained(t *testing.T) {
	each(t, Options{MaxPending: 2}, func(t *testing.T, q *Queue, _ *sink) {
		require.NoError(t, q.Reserve())
		require.NoError(t, q.Reserve())
		require.Equal(t, cerr.Busy, cerr.StatusOf(q.Reserve()))
		q.Post(Completion{Flags: More}, 0)
		q.Post(Completion{}, 1)
		require.Equal(t, cerr.Busy, cerr.StatusOf(q.Reserve()), "posted is not polled")
		n, _ := q.Poll(make([]Completion, 8))
		require.Equal(t, 2, n)
		require.NoError(t, q.Reserve(), "the final completion made room")
		require.Equal(t, cerr.Busy, cerr.StatusOf(q.Reserve()), "the other op is still open")
	})
}

func TestWait(t *testing.T) {
	each(t, Options{}, func(t *testing.T, q *Queue, _ *sink) {
		require.Equal(t, cerr.Timeout, q.Wait(0))
		require.Equal(t, cerr.Timeout, q.Wait(time.Millisecond))
		require.NoError(t, q.Reserve())
		woken := make(chan cerr.Status)
		go func() { woken <- q.Wait(-1) }()
		q.Post(Completion{UserData: 7}, 1)
		require.Equal(t, cerr.OK, <-woken)
		require.Equal(t, cerr.OK, q.Wait(-1), "wait takes nothing")
	})
}

func TestOneThreadAtATime(t *testing.T) {
	each(t, Options{}, func(t *testing.T, q *Queue, _ *sink) {
		woken := make(chan cerr.Status)
		go func() { woken <- q.Wait(-1) }()
		require.Eventually(t, func() bool { return q.taken.Load() }, 5*time.Second, time.Millisecond)
		_, status := q.Poll(make([]Completion, 1))
		require.Equal(t, cerr.State, status)
		require.Equal(t, cerr.State, q.Wait(0))
		q.Close()
		require.Equal(t, cerr.Closed, <-woken)
	})
}

func TestCloseDiscardsWhatWasNotPolled(t *testing.T) {
	each(t, Options{}, func(t *testing.T, q *Queue, s *sink) {
		for range 3 {
			require.NoError(t, q.Reserve())
		}
		q.Post(Completion{Result: 11}, 1)
		q.Post(Completion{Result: 12}, 2)
		q.Close()
		q.Close()
		q.Post(Completion{Result: 13}, 3)
		require.Len(t, s.discarded, 3)
		require.Equal(t, map[uint64]int{1: 1, 2: 1, 3: 1}, s.retired)
		require.Equal(t, cerr.Closed, cerr.StatusOf(q.Reserve()))
	})
}

func TestEndLetsTheRestBePolled(t *testing.T) {
	each(t, Options{}, func(t *testing.T, q *Queue, _ *sink) {
		out := make([]Completion, 4)
		require.NoError(t, q.Reserve())
		q.End(cerr.Poisoned)
		q.End(cerr.Closed)
		require.True(t, readable(t, q), "the loop must come and see")
		require.Equal(t, cerr.Poisoned, cerr.StatusOf(q.Reserve()))
		q.Post(Completion{Status: cerr.Internal}, 1)
		require.Equal(t, cerr.OK, q.Wait(-1))
		n, status := q.Poll(out)
		require.Equal(t, 1, n)
		require.Equal(t, cerr.OK, status)
		_, status = q.Poll(out)
		require.Equal(t, cerr.Poisoned, status, "the first end counts")
		require.Equal(t, cerr.Poisoned, q.Wait(-1))
		require.True(t, readable(t, q))
	})
}

// TestStorm has many posters and one loop that polls only when the descriptor is
// readable: a lost wake-up would hang it, a double one would be harmless.
func TestStorm(t *testing.T) {
	each(t, Options{}, func(t *testing.T, q *Queue, s *sink) {
		const posters, per = 8, 2000
		var next atomic.Uint64
		var wg sync.WaitGroup
		for range posters {
			wg.Go(func() {
				for range per {
					if err := q.Reserve(); err != nil {
						t.Error(err)
					}
					id := next.Add(1)
					q.Post(Completion{UserData: id}, id)
				}
			})
		}
		seen := map[uint64]bool{}
		out := make([]Completion, 7)
		for len(seen) < posters*per {
			fds := []unix.PollFd{{Fd: int32(q.FD()), Events: unix.POLLIN}}
			n, err := unix.Poll(fds, 20_000)
			if err == unix.EINTR {
				continue
			}
			require.NoError(t, err)
			require.Equal(t, 1, n, "no wake-up although %d completions are missing", posters*per-len(seen))
			for n := len(out); n == len(out); {
				n, _ = q.Poll(out)
				for _, c := range out[:n] {
					require.False(t, seen[c.UserData])
					seen[c.UserData] = true
				}
			}
		}
		wg.Wait()
		require.Len(t, s.retired, posters*per)
		require.False(t, readable(t, q))
	})
}

func BenchmarkPostPoll(b *testing.B) {
	q, err := New(Options{}, &sink{retired: map[uint64]int{}})
	require.NoError(b, err)
	defer q.Close()
	out := make([]Completion, 64)
	for b.Loop() {
		for range len(out) {
			_ = q.Reserve()
			q.Post(Completion{Flags: More}, 0)
		}
		q.reserved = 0
		q.Poll(out)
	}
}
