package sqlite

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pgqrs/pgqrs/core/fault"
)

// How long a waiter sleeps between attempts: shortly at first, because a
// transaction is over after a fsync, and less and less often when it lasts.
const (
	lockRetryMin = 50 * time.Microsecond
	lockRetryMax = 500 * time.Microsecond
	// lockYield is how long the last holder stands back where others wait. It has
	// to outlast the usual pause of theirs, or it would always be the first again.
	lockYield = 250 * time.Microsecond
)

// fileLock queues the writers of all processes in front of SQLite's own lock,
// whose waiters sleep for ever longer and starve.
//
// The lock itself is an flock. Waiters hold a shared lock on a range of the same
// file, by which a process that comes back at once sees that it is not its turn.
// Both belong to the open file and go with the process when it is killed.
type fileLock struct {
	file     *os.File // nil for a store in memory, which has one writer
	released time.Time
}

// open opens the lock file, creating it with the database's mode.
func (l *fileLock) open(path string, mode os.FileMode) (err error) {
	l.file, err = openBeside(path, mode)
	return err
}

// openBeside opens a file of ours beside the database. Who may use the one may
// use the other, whatever the umask of the process that creates it.
func openBeside(path string, mode os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, os.ErrExist) {
		return os.OpenFile(path, os.O_RDWR|os.O_CREATE, mode)
	}
	if err != nil {
		return nil, err
	}
	return f, f.Chmod(mode)
}

// acquire takes the lock. It asks alive between attempts and gives up, returning
// false, when alive says so.
func (l *fileLock) acquire(alive func() bool) (bool, error) {
	if l.file == nil {
		return alive(), nil
	}
	if time.Since(l.released) < lockYield && l.contended() {
		pause(lockYield)
	}
	for wait := lockRetryMin; alive(); wait = min(wait+wait/8, lockRetryMax) {
		err := l.flock(unix.LOCK_EX | unix.LOCK_NB)
		if err == nil {
			if wait > lockRetryMin {
				l.mark(markNone)
			}
			return true, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return false, fault.New(fault.Database, "cannot lock %s: %w", l.file.Name(), err)
		}
		if wait == lockRetryMin {
			l.mark(markWaiting)
		}
		pause(wait)
	}
	l.mark(markNone)
	return false, nil
}

// release gives the lock back.
func (l *fileLock) release() {
	if l.file != nil {
		l.flock(unix.LOCK_UN)
		l.released = time.Now()
	}
}

// flock calls flock(2) until no signal comes between.
func (l *fileLock) flock(how int) error {
	for {
		if err := unix.Flock(int(l.file.Fd()), how); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// descriptors returns the descriptor that holds the lock.
func (l *fileLock) descriptors() []int {
	if l.file == nil {
		return nil
	}
	return []int{int(l.file.Fd())}
}

func (l *fileLock) close() {
	if l.file != nil {
		l.file.Close()
	}
}
