//go:build !linux

package guard

const canYield = false

func yield() {}
