// Command core measures the Go core of pgqrs through its public API, without Python
// and the C ABI.
package main
