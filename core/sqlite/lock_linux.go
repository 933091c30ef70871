package sqlite

import (
	"time"

	"golang.org/x/sys/unix"
)

// What mark shows.
const (
	markWaiting = unix.F_RDLCK
	markNone    = unix.F_UNLCK
)

// mark shows whether this process waits for the lock.
// Where the file system has no such locks the queue is less fair, no more.
func (l *fileLock) mark(kind int16) {
	_ = unix.FcntlFlock(l.file.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: kind, Len: 1})
}

// contended reports whether another process waits.
func (l *fileLock) contended() bool {
	found := unix.Flock_t{Type: unix.F_WRLCK, Len: 1}
	err := unix.FcntlFlock(l.file.Fd(), unix.F_OFD_GETLK, &found)
	return err == nil && found.Type != unix.F_UNLCK
}

// pause sleeps in the kernel: Go's timers round a wait below a millisecond up to
// one, which is the length of several transactions.
func pause(d time.Duration) {
	left := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&left, nil) // a signal ends it early, which does no harm
}
