// Package spawn holds the one `go` statement of core.
//
// A panic in a goroutine of a shared library kills the host program, Python
// interpreter included. So every goroutine of core starts here: it recovers and
// hands the panic to the report of its owner, which by default panics again (a
// Go program wants its crash) and in capi poisons the library.
package spawn
