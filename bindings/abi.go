package bindings

import (
	"time"
	"unsafe"
)

// The twins of the header's structs are generated (abi_gen.go) and compared with
// what a C compiler says (layout_test.go). Their pointers are unsafe.Pointer, so
// that the collector keeps what they point to while a call reads it.

// sizeOf is what struct_size of an options struct has to say.
func sizeOf[T any](v T) uint32 { return uint32(unsafe.Sizeof(v)) }

// borrow is a view of Go memory for the length of a call; empty is "not given".
func borrow[T string | []byte](v T) cStr {
	if len(v) == 0 {
		return cStr{}
	}
	switch v := any(v).(type) {
	case []byte:
		return cStr{data: unsafe.Pointer(unsafe.SliceData(v)), len: uint64(len(v))}
	case string:
		return cStr{data: unsafe.Pointer(unsafe.StringData(v)), len: uint64(len(v))}
	}
	return cStr{} // there is no third type
}

// borrowAll is borrow for several; nil for none.
func borrowAll[T string | []byte](values []T) []cStr {
	if len(values) == 0 {
		return nil
	}
	views := make([]cStr, len(values))
	for i, v := range values {
		views[i] = borrow(v)
	}
	return views
}

// bytes copies what the library shows.
func (s cStr) bytes() []byte { return append([]byte{}, unsafe.Slice((*byte)(s.data), s.len)...) }

func (s cStr) text() string { return string(unsafe.Slice((*byte)(s.data), s.len)) }

// items copies a list record by record: the stride is the library's, whose records
// may be longer than the twins here.
func items[C, T any](list cList, convert func(*C) T) []T {
	all := make([]T, list.count)
	for i := range all {
		all[i] = convert((*C)(unsafe.Add(list.items, uintptr(i)*uintptr(list.itemSize))))
	}
	return all
}

// micros is an instant as the library has it; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// instant reads an instant; 0 is the zero time.
func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// millis rounds a span up: less than a millisecond must not become nothing.
func millis(d time.Duration) int64 {
	if d > 0 {
		return int64((d + time.Millisecond - 1) / time.Millisecond)
	}
	return d.Milliseconds()
}
