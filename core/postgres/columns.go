package postgres

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"
)

// columnCodec encodes the arrays of the hot statements at once. The driver's own codec
// makes a value of each element, and lets memory grow under it element by element.
// Whatever is no such array, and every answer, is left to the driver. Of a [][]byte no
// element may be nil: the driver makes null of it, and this an empty text.
type columnCodec struct{ *pgtype.ArrayCodec }

// useColumns has a connection encode arrays by columnCodec.
func useColumns(types *pgtype.Map) {
	for _, oid := range []uint32{pgtype.Int4ArrayOID, pgtype.Int8ArrayOID, pgtype.Float8ArrayOID, pgtype.TextArrayOID} {
		if t, ok := types.TypeForOID(oid); ok {
			if codec, ok := t.Codec.(*pgtype.ArrayCodec); ok {
				types.RegisterType(&pgtype.Type{Name: t.Name, OID: oid, Codec: columnCodec{codec}})
			}
		}
	}
}

// PlanEncode implements pgtype.Codec.
func (c columnCodec) PlanEncode(types *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if element := c.ElementType.OID; format == pgtype.BinaryFormatCode {
		switch value.(type) {
		case []int32:
			if element == pgtype.Int4OID {
				return columnPlan(element)
			}
		case []int64:
			if element == pgtype.Int8OID {
				return columnPlan(element)
			}
		case []float64:
			if element == pgtype.Float8OID {
				return columnPlan(element)
			}
		case []string, [][]byte:
			if element == pgtype.TextOID {
				return columnPlan(element)
			}
		}
	}
	return c.ArrayCodec.PlanEncode(types, oid, format, value)
}

// columnPlan encodes an array whose elements have this type.
type columnPlan uint32

// Encode implements pgtype.EncodePlan.
func (p columnPlan) Encode(value any, buf []byte) ([]byte, error) {
	switch column := value.(type) {
	case []int32:
		return array(buf, p, column, sized[int32](4), func(b []byte, v int32) []byte { return binary.BigEndian.AppendUint32(b, uint32(v)) }), nil
	case []int64:
		return array(buf, p, column, sized[int64](8), func(b []byte, v int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(v)) }), nil
	case []float64:
		return array(buf, p, column, sized[float64](8), func(b []byte, v float64) []byte { return binary.BigEndian.AppendUint64(b, math.Float64bits(v)) }), nil
	case [][]byte:
		return array(buf, p, column, length[[]byte], appendBytes[[]byte]), nil
	default:
		return array(buf, p, value.([]string), length[string], appendBytes[string]), nil
	}
}

// sized is the size of values that all have it.
func sized[T any](size int) func(T) int { return func(T) int { return size } }

func length[T string | []byte](v T) int { return len(v) }

func appendBytes[T string | []byte](b []byte, v T) []byte { return append(b, v...) }

// array appends the binary form of an array (the server's array_recv reads it): the
// number of dimensions, whether there are nulls, the type of the elements, then length
// and lower bound of the one dimension, and each element behind its size.
func array[T any](buf []byte, element columnPlan, column []T, size func(T) int, put func([]byte, T) []byte) []byte {
	const header, perElement = 20, 4
	total := header + perElement*len(column)
	for _, v := range column {
		total += size(v)
	}
	buf = slices.Grow(buf, total)
	for _, word := range [header / 4]uint32{1, 0, uint32(element), uint32(len(column)), 1} {
		buf = binary.BigEndian.AppendUint32(buf, word)
	}
	for _, v := range column {
		buf = binary.BigEndian.AppendUint32(buf, uint32(size(v)))
		buf = put(buf, v)
	}
	return buf
}
