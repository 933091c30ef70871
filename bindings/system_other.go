//go:build !linux

package bindings

import (
	"errors"
	"os"
)

var errLinuxOnly = errors.New("the library is supported on Linux only")

func keepPreemption() (restore func(), err error) { return nil, errLinuxOnly }

func watch(int32) (*os.File, error) { return nil, errLinuxOnly }
