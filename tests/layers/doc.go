// Package layers checks the shape of the repository: which package may lean on
// which, where cgo, drivers and goroutines may appear, and how long a file may
// be. The rules are the layer table of CONTRIBUTING.md in Go; a failure prints
// the chain of imports that breaks one.
package layers
