package cq

import (
	"errors"

	"golang.org/x/sys/unix"
)

// signal is the descriptor a loop watches. raise makes it readable, clear makes
// it unreadable; neither blocks. Callers serialize all three.
type signal interface {
	fd() int
	raise()
	clear()
	close()
}

// pipe is the signal of platforms without eventfd, and of hosts whose loops take
// only pipes. At most one byte is in it: raise is called only when not armed.
type pipe struct{ r, w int }

func newPipe() (signal, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		return nil, err
	}
	return &pipe{r: fds[0], w: fds[1]}, nil
}

func (p *pipe) fd() int { return p.r }
func (p *pipe) raise()  { writeAll(p.w, []byte{1}) }

func (p *pipe) clear() {
	var b [16]byte
	for readSome(p.r, b[:]) == len(b) {
	}
}

func (p *pipe) close() {
	_ = unix.Close(p.r)
	_ = unix.Close(p.w)
}

// writeAll writes a few bytes. EAGAIN means the descriptor is readable already,
// which is all a raise wants; other errors cannot happen to a descriptor of ours.
func writeAll(fd int, b []byte) {
	for {
		if _, err := unix.Write(fd, b); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// readSome reads what is there and returns how much; 0 when nothing is, also
// when somebody else has read the descriptor against the rules.
func readSome(fd int, b []byte) int {
	for {
		n, err := unix.Read(fd, b)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return max(n, 0)
	}
}
