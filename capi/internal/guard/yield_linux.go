package guard

import "golang.org/x/sys/unix"

// canYield: a thread may stay awake without being in the way of others.
const canYield = true

// yield lets every other thread that wants this processor have it first. It keeps its
// place in the Go scheduler: to give that back and get it again may wake other threads.
func yield() { _, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
