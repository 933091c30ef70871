package cmem

/*
#cgo CFLAGS: -I${SRCDIR}/../../../include -std=c99
#include <stdlib.h>
#include "pgqrs.h"

// cgo's own malloc ends the process where there is no memory; this one answers.
static void *allocate(size_t size) { return malloc(size); }
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

// ErrExhausted is the error of an answer that malloc had no memory for.
var ErrExhausted = errors.New("out of memory")

// Block is one piece of C memory. The nil Block is empty.
type Block struct {
	base unsafe.Pointer // from malloc; nil after Free
	size uintptr
}

// Free gives the memory back. Nobody may hold a view of it any more.
func (b *Block) Free() {
	if b != nil && b.base != nil {
		C.free(b.base)
		b.base = nil
	}
}

// Text is a view of bytes in a Block, followed by a NUL. Twin of pgqrs_str.
type Text struct {
	Data unsafe.Pointer
	Len  uint64
}

// List is a view of records in a Block. Twin of pgqrs_list.
type List struct {
	Items    unsafe.Pointer
	ItemSize uint32
	Count    uint32
}

// writer fills a block from both ends of its plan: records at the start, bytes
// behind them. The sizes are counted before, so it never runs out.
type writer struct {
	block *Block
	next  uintptr // where the next text goes
}

// newWriter allocates a block for records of the given total size and for text
// bytes (their NULs included). It fails with ErrExhausted.
func newWriter(records, text uintptr) (*writer, error) {
	size := max(records+text, 1) // malloc(0) may be NULL
	b := &Block{base: C.allocate(C.size_t(size)), size: size}
	if b.base == nil {
		return nil, fmt.Errorf("%w: there is no room for an answer of %d bytes; what the call did is done", ErrExhausted, size)
	}
	C.memset(b.base, 0, C.size_t(records)) // padding and absent fields read as 0
	return &writer{block: b, next: records}, nil
}

// text copies bytes into the block.
func text[S string | []byte](w *writer, s S) Text {
	n := uintptr(len(s))
	// Legal: next + n + 1 lies in the block, newWriter was told so.
	at := unsafe.Add(w.block.base, w.next)
	to := unsafe.Slice((*byte)(at), n+1)
	copy(to, s)
	to[n] = 0
	w.next += n + 1
	return Text{Data: at, Len: uint64(n)}
}

// records views the start of the block as n records.
func records[R any](w *writer, n int) []R {
	return unsafe.Slice((*R)(w.block.base), n) // legal: malloc aligns for any record
}

func list[R any](b *Block, n int) List {
	var r R
	return List{Items: b.base, ItemSize: uint32(unsafe.Sizeof(r)), Count: uint32(n)}
}

// Texts lays texts out in one block. It fails with ErrExhausted, as all that
// allocate here do.
func Texts(texts ...string) (*Block, []Text, error) {
	var size uintptr
	for _, s := range texts {
		size += uintptr(len(s)) + 1
	}
	w, err := newWriter(0, size)
	if err != nil {
		return nil, nil, err
	}
	views := make([]Text, len(texts))
	for i, s := range texts {
		views[i] = text(w, s)
	}
	return w.block, views, nil
}

// Numbers lays a list of numbers out: ids and outcomes.
func Numbers[N ~int64 | ~int32](numbers []N) (*Block, List, error) {
	return lay(len(numbers), 0, func(_ *writer, to []N) { copy(to, numbers) })
}

// lay makes a list of n records, with room for texts, that fill writes.
func lay[R any](n int, texts uintptr, fill func(*writer, []R)) (*Block, List, error) {
	var r R
	w, err := newWriter(uintptr(n)*unsafe.Sizeof(r), texts)
	if err != nil {
		return nil, List{}, err
	}
	fill(w, records[R](w, n))
	return w.block, list[R](w.block, n), nil
}
