package bindings

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// keepPreemption saves what happens on SIGURG and returns what puts it back.
func keepPreemption() (restore func(), err error) {
	// Opaque: struct sigaction of the kernel is 32 bytes, with room to spare. It is
	// given back as it came.
	var saved [128]byte
	action := func(set, get *[128]byte) syscall.Errno {
		const maskSize = 8
		_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGURG),
			uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(get)), maskSize, 0, 0)
		return errno
	}
	if errno := action(nil, &saved); errno != 0 {
		return nil, fmt.Errorf("reading the disposition of SIGURG: %w", errno)
	}
	return func() { action(&saved, nil) }, nil
}

// watch returns a file of this process's own on a descriptor of the library's: an
// os.File closes its descriptor, which the library's must not be. The poller takes
// it because it is non-blocking already.
func watch(fd int32) (*os.File, error) {
	own, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return nil, os.NewSyscallError("fcntl", errno)
	}
	return os.NewFile(own, "pgqrs completion queue"), nil
}
