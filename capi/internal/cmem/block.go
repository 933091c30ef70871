package cmem

/*
#cgo CFLAGS: -I${SRCDIR}/../../../include -std=c99
#include <stdlib.h>
#include "pgqrs.h"
*/
import "C"

import "unsafe"

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
// bytes (their NULs included).
func newWriter(records, text uintptr) *writer {
	size := max(records+text, 1)                            // malloc(0) may be NULL
	b := &Block{base: C.malloc(C.size_t(size)), size: size} // cgo's malloc aborts instead of failing
	C.memset(b.base, 0, C.size_t(records))                  // padding and absent fields read as 0
	return &writer{block: b, next: records}
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

// Texts lays texts out in one block.
func Texts(texts ...string) (*Block, []Text) {
	var size uintptr
	for _, s := range texts {
		size += uintptr(len(s)) + 1
	}
	w := newWriter(0, size)
	views := make([]Text, len(texts))
	for i, s := range texts {
		views[i] = text(w, s)
	}
	return w.block, views
}

// Numbers lays a list of numbers out: ids and outcomes.
func Numbers[N ~int64 | ~int32](numbers []N) (*Block, List) {
	var n N
	w := newWriter(uintptr(len(numbers))*unsafe.Sizeof(n), 0)
	copy(records[N](w, len(numbers)), numbers)
	return w.block, list[N](w.block, len(numbers))
}
