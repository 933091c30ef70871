package wakefd

import "golang.org/x/sys/unix"

// eventfd is one descriptor with a counter in the kernel, cheaper than a pipe.
type eventfd int

// New opens a signal. It fails when the process has no descriptor left.
func New() (Signal, error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	return eventfd(fd), err
}

func (e eventfd) FD() int { return int(e) }
func (e eventfd) Raise()  { write(int(e), []byte{1, 0, 0, 0, 0, 0, 0, 0}) } // little-endian platforms only
func (e eventfd) Close()  { _ = unix.Close(int(e)) }

func (e eventfd) Clear() {
	var counter [8]byte
	read(int(e), counter[:])
}
