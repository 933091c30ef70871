package sqlite

import (
	"os"

	"golang.org/x/sys/unix"
)

// watch rings heard whenever somebody writes to the file, until the returned
// function is called.
func watch(e *store, path string, heard chan struct{}) (stop func(), err error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	// A non-blocking descriptor is served by Go's poller: no thread waits in it.
	events := os.NewFile(uintptr(fd), "inotify")
	if _, err := unix.InotifyAddWatch(fd, path, unix.IN_MODIFY); err != nil {
		events.Close()
		return nil, os.NewSyscallError("inotify_add_watch", err)
	}
	e.group.Go(func() {
		buffer := make([]byte, 4096)
		for {
			if _, err := events.Read(buffer); err != nil {
				return // closed
			}
			ring(heard)
		}
	})
	return func() { events.Close() }, nil
}
