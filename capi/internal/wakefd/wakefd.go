package wakefd

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Signal is a descriptor that is readable from Raise until Clear. Neither blocks,
// and both may be called on several threads at once. Close must come last.
type Signal interface {
	FD() int
	Raise()
	Clear()
	Close()
}

// NewPipe opens a signal for hosts whose loops take only pipes, and for platforms
// without eventfd.
func NewPipe() (Signal, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		return nil, err
	}
	return &pipe{r: fds[0], w: fds[1]}, nil
}

type pipe struct{ r, w int }

func (p *pipe) FD() int { return p.r }
func (p *pipe) Raise()  { write(p.w, []byte{1}) }

func (p *pipe) Clear() {
	var b [16]byte
	for read(p.r, b[:]) == len(b) {
	}
}

func (p *pipe) Close() {
	_ = unix.Close(p.r)
	_ = unix.Close(p.w)
}

// write writes a few bytes. EAGAIN means that the descriptor is readable already,
// which is all a raise wants; other errors cannot happen to a descriptor of ours.
func write(fd int, b []byte) {
	for {
		if _, err := unix.Write(fd, b); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// read reads what is there and returns how much; 0 when nothing is, also when
// somebody else has read the descriptor against the rules.
func read(fd int, b []byte) int {
	for {
		n, err := unix.Read(fd, b)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return max(n, 0)
	}
}
