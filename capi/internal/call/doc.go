// Package call runs what the C functions ask for: asynchronously, with one
// completion on a queue, or waiting on the caller's thread. Both forms share one
// path, so concurrent calls of either kind are group-committed alike.
//
// A call pins its target for as long as it runs: closing the target's handle
// gives the name up, and the object ends after the calls that were accepted.
package call
