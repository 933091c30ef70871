//go:build !linux

package cq

func newSignal(bool) (signal, error) { return newPipe() }
