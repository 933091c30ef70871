package cq

import "golang.org/x/sys/unix"

// eventfd is one descriptor with a counter in the kernel, cheaper than a pipe.
type eventfd int

func newSignal(usePipe bool) (signal, error) {
	if usePipe {
		return newPipe()
	}
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	return eventfd(fd), err
}

func (e eventfd) fd() int { return int(e) }
func (e eventfd) raise()  { writeAll(int(e), []byte{1, 0, 0, 0, 0, 0, 0, 0}) } // little-endian platforms only
func (e eventfd) close()  { _ = unix.Close(int(e)) }

func (e eventfd) clear() {
	var counter [8]byte
	readSome(int(e), counter[:])
}
