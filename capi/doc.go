// Command capi is the C ABI of pgqrs: built with -buildmode=c-shared (build.sh)
// it is libpgqrs, whose contract is include/pgqrs.h.
//
// A call passes a C shim (fork and poison flags, NULL checks, struct sizes), a Go
// export of a few lines, and capi/internal, and ends in core. There is no queue
// logic here. What each layer may do:
//
//	shim*.c      public symbols; never enters Go in a forked child
//	guard.c      fork, poison, SIGURG; the functions that work without Go
//	exports_*.go one function per public symbol: decode, submit, done
//	ops.go       the two ways to run a call, asynchronous and waiting
//	internal     handles, completion queues, C memory, errors, JSON, the log
//
// The library runs on 64-bit little-endian Linux with glibc.
package main
