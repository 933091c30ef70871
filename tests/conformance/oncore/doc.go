// Package oncore runs the conformance suite on package core.
package oncore
