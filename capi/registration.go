package main

/*
#include "shim.h"
*/
import "C"

// registration is a descriptor in the table of guard.c.
type registration C.int32_t

func register(fd int) registration { return registration(C.guard_descriptor_add(C.int32_t(fd))) }

func (r registration) remove() { C.guard_descriptor_remove(C.int32_t(r)) }
