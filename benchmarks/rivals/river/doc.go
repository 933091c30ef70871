// River, measured as its documentation tunes it for throughput: a thousand workers,
// the shortest pause between fetches. A module of its own, so that pgqrs does not
// depend on what it is compared with.
package main
