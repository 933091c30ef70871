// Package lease keeps what a process holds alive, outside the host language: a
// blocked event loop or a handler that never lets go of the interpreter's lock
// does not lose its message.
//
// [Keeper] extends the leases it was given, one statement a tick for all that
// are due. [Heart] refreshes the heartbeats of every worker of the store, one
// statement a tick. Both own one goroutine, and only while there is something to
// keep alive.
package lease
