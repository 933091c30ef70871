package main

/*
#include "shim.h"
*/
import "C"

import (
	"math"
	"time"
	"unsafe"

	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/core/model"
)

// What C passes is valid only during the call: everything here copies. The shims
// have checked that pointers and lengths agree.

// text copies a text; "not given" is empty.
func text(s *C.in_str) string { return string(view(s)) }

// texts copies an array of texts.
func texts(list *C.in_str, count C.uint32_t) []string {
	out := make([]string, count)
	from := unsafe.Slice(list, count) // read in place: a copy would put any number of the caller's among Go's pointers
	for i := range from {
		out[i] = text(&from[i])
	}
	return out
}

// view is the caller's bytes, until the call returns.
func view(s *C.in_str) []byte {
	if s.len == 0 {
		return nil // data may be any number then, and Go's runtime dies of small ones on its stack
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(s.data)), s.len) // legal: shim_text bounds len, nil only with 0
}

// documents copies payloads into one allocation.
func documents(texts *C.in_str, count C.uint32_t) ([][]byte, error) {
	if err := checkCount(count); err != nil {
		return nil, err
	}
	from := unsafe.Slice(texts, count)
	size := 0
	for i := range from {
		size += int(from[i].len)
	}
	all := make([]byte, 0, size)
	out := make([][]byte, count)
	for i := range from {
		start := len(all)
		all = append(all, view(&from[i])...)
		out[i] = all[start:len(all):len(all)]
	}
	return out, nil
}

func tokens(list *C.in_token, count C.uint32_t) ([]model.Token, error) {
	if err := checkCount(count); err != nil {
		return nil, err
	}
	out := make([]model.Token, count)
	for i, t := range unsafe.Slice(list, count) {
		if err := known("tokens.reserved", t.reserved, 0); err != nil {
			return nil, err
		}
		out[i] = model.Token{ID: int64(t.id), ReadCt: int32(t.read_ct)}
	}
	return out, nil
}

// maxCount is how many payloads or tokens a call takes.
const maxCount = 100_000

func checkCount(count C.uint32_t) error {
	if count < 1 || count > maxCount {
		return cerr.Argument("count", "must be between 1 and %d, not %d", maxCount, count)
	}
	return nil
}

// known refuses bits this library does not know: they were set for a newer one.
func known(name string, have C.uint32_t, bits uint32) error {
	if unknown := uint32(have) &^ bits; unknown != 0 {
		return &cerr.Failure{
			Status: cerr.ABIMismatch, Field: name,
			Text: name + ": has bits this version of the library does not know; clear them or use a newer library",
		}
	}
	return nil
}

const maxMillis = math.MaxInt64 / int64(time.Millisecond)

// millis converts a span that must be at least least milliseconds.
func millis(name string, v C.int64_t, least int64) (time.Duration, error) {
	if int64(v) < least || int64(v) > maxMillis {
		return 0, cerr.Argument(name, "must be between %d and %d milliseconds, not %d", least, maxMillis, int64(v))
	}
	return time.Duration(v) * time.Millisecond, nil
}

// instant converts microseconds; 0 is "not given".
func instant(micros C.int64_t) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(micros)).UTC()
}

// firstError returns the first error there is.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
