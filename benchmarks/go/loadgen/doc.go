// Package loadgen is the load generator of the benchmark suite for Go programs: the
// twin of the Python package of the same name, with the same protocol and the same
// loops. Standard library only, so that a rival's module may use it.
package loadgen
