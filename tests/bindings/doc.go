// Package bindings tests the bindings of languages other than Go: each runs the
// vectors, and programs of its own for what those do not reach. A language whose
// tools are not installed is reported as skipped.
package bindings
