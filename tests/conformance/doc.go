// Package conformance is the suite of the public surface: what any Go
// implementation of it must do, on every engine. oncore runs it on package core,
// onbindings on the shared library through package bindings.
//
// The two have the same methods with types of their own. The suite has plain types
// and calls by name, converting field by field, so that neither has to be wrapped
// and a method that one lacks, or has with other parameters, is a failure. What can
// be said as a script is a vector (tests/vectors), which other languages run too;
// what takes several goroutines is a case here.
package conformance
