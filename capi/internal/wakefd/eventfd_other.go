//go:build !linux

package wakefd

// New opens a signal. It fails when the process has no descriptor left.
func New() (Signal, error) { return NewPipe() }
