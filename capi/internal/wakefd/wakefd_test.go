package wakefd

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func each(t *testing.T, test func(t *testing.T, s Signal)) {
	t.Helper()
	for name, open := range map[string]func() (Signal, error){"default": New, "pipe": NewPipe} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := open()
			require.NoError(t, err)
			t.Cleanup(s.Close)
			test(t, s)
		})
	}
}

func readable(t *testing.T, s Signal) bool {
	t.Helper()
	fds := []unix.PollFd{{Fd: int32(s.FD()), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	require.NoError(t, err)
	return n == 1
}

func TestReadableFromRaiseUntilClear(t *testing.T) {
	each(t, func(t *testing.T, s Signal) {
		require.False(t, readable(t, s))
		s.Clear() // of nothing
		for range 2 {
			s.Raise()
			s.Raise()
			require.True(t, readable(t, s))
			s.Clear()
			require.False(t, readable(t, s), "one Clear takes any number of raises")
		}
	})
}

// More raises than a pipe has room for: none blocks.
func TestRaiseNeverBlocks(t *testing.T) {
	each(t, func(t *testing.T, s Signal) {
		var raising sync.WaitGroup
		for range 4 {
			raising.Go(func() {
				for range 50_000 {
					s.Raise()
				}
			})
		}
		raising.Wait()
		require.True(t, readable(t, s))
		s.Clear()
		require.False(t, readable(t, s))
	})
}

func TestChildrenDoNotInheritIt(t *testing.T) {
	each(t, func(t *testing.T, s Signal) {
		flags, err := unix.FcntlInt(uintptr(s.FD()), unix.F_GETFD, 0)
		require.NoError(t, err)
		require.NotZero(t, flags&unix.FD_CLOEXEC)
	})
}
