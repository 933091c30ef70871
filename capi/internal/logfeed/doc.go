// Package logfeed hands the log of the stores to whoever follows it.
//
// A library has no log of its own to write: a line goes to the followers there are
// when it is logged, as one JSON document, and nowhere when there is none. Then it
// costs one atomic load, because the handler says beforehand that nobody listens.
//
// Logging never waits for a follower. One that does not read has at most
// [MaxUnread] lines kept for it; what comes beyond is dropped, and the next line
// it gets says how many were.
package logfeed
