package postgres

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"
)

// columns are arguments of the hot statements by the type of their parameter.
var columns = map[uint32][]any{
	pgtype.Int4ArrayOID:   {[]int32{}, []int32{math.MinInt32, -1, 0, math.MaxInt32}, []int32(nil)},
	pgtype.Int8ArrayOID:   {[]int64{}, []int64{math.MinInt64, -1, 0, math.MaxInt64}, []int64(nil), make([]int64, 1000)},
	pgtype.Float8ArrayOID: {[]float64{}, []float64{0, -1.5, math.Inf(1), math.NaN()}, []float64(nil)},
	pgtype.TextArrayOID: {
		[]string{},
		[]string{"", `{"a": "ü"}`, strings.Repeat("x", 5000)},
		[]string(nil),
		[][]byte{},
		[][]byte{{}, []byte(`{"a": "ü"}`), bytes.Repeat([]byte("x"), 5000)},
		[][]byte(nil),
	},
}

// Whatever columnCodec encodes is, byte for byte, what the driver makes of it, also
// behind something else, in the other format, and of types that are the driver's alone.
func TestColumnsAreEncodedAsByTheDriver(t *testing.T) {
	theirs, ours := pgtype.NewMap(), pgtype.NewMap()
	useColumns(ours)
	text := "a"
	others := map[uint32][]any{
		pgtype.TextArrayOID:        {[]*string{&text, nil}},
		pgtype.Int8ArrayOID:        {[]int32{1, 2}, []*int64{nil}, [][]int64{{1, 2}, {3, 4}}},
		pgtype.Int4ArrayOID:        {[]int64{1, 2}},
		pgtype.TimestamptzArrayOID: {[]*string(nil)},
	}
	for _, format := range []int16{pgtype.BinaryFormatCode, pgtype.TextFormatCode} {
		for _, cases := range []map[uint32][]any{columns, others} {
			for oid, values := range cases {
				for _, value := range values {
					want, wantErr := theirs.Encode(oid, format, value, []byte("before"))
					got, err := ours.Encode(oid, format, value, []byte("before"))
					require.Equal(t, wantErr == nil, err == nil, "%T: %v", value, err)
					require.Equal(t, want, got, "%T as %d in format %d", value, oid, format)
				}
			}
		}
	}
}

func TestColumnsNeedOneAllocation(t *testing.T) {
	types := pgtype.NewMap()
	useColumns(types)
	column := make([]int64, 1000)
	var arg any = column
	encode := func() {
		_, err := types.Encode(pgtype.Int8ArrayOID, pgtype.BinaryFormatCode, arg, nil)
		require.NoError(t, err)
	}
	encode() // the plan is remembered
	require.LessOrEqual(t, testing.AllocsPerRun(20, encode), 3.0)
}

// A round trip through the server, on a connection of the engine's.
func TestTheServerReadsColumns(t *testing.T) {
	b := setup(t)
	conn, err := b.store.pool.Acquire(b.ctx)
	require.NoError(t, err)
	defer conn.Release()
	codec, _ := conn.Conn().TypeMap().TypeForOID(pgtype.TextArrayOID)
	require.IsType(t, columnCodec{}, codec.Codec)
	for oid, values := range columns {
		name, _ := conn.Conn().TypeMap().TypeForOID(oid)
		for _, value := range values {
			var got string
			query := fmt.Sprintf("select coalesce($1::%s[]::text, 'null')", strings.TrimPrefix(name.Name, "_"))
			require.NoError(t, conn.QueryRow(b.ctx, query, value).Scan(&got))
			if column, ok := value.([][]byte); ok && column != nil { // told no type, the driver takes it for bytea[]
				texts := []string{}
				for _, v := range column {
					texts = append(texts, string(v))
				}
				value = texts
			}
			var want string
			require.NoError(t, b.connect().QueryRow(b.ctx, query, pgx.QueryExecModeExec, value).Scan(&want))
			require.Equal(t, want, got)
		}
	}
}

func BenchmarkColumns(b *testing.B) {
	payloads := make([]string, benchBatch)
	for i := range payloads {
		payloads[i] = benchJSON
	}
	for _, by := range []string{"driver", "columns"} {
		types := pgtype.NewMap()
		if by == "columns" {
			useColumns(types)
		}
		b.Run(by, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := types.Encode(pgtype.TextArrayOID, pgtype.BinaryFormatCode, payloads, nil)
				require.NoError(b, err)
			}
		})
	}
}
