// Package guard keeps a panic of ours from killing the host program.
//
// Every export defers [Recover] and every goroutine of capi starts through [Go]
// or [GoLocal] (core's start through core/spawn with [Report]). The first panic is printed
// once, with its stack, to standard error; then the library is poisoned: what
// was running may have left locks held and data half changed, so no later call
// may touch it.
package guard
