// Package onbindings runs the conformance suite on the shared library through
// package bindings. Its test binary does not link package core.
package onbindings
