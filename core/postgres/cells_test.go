package postgres

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"
)

// answer is one row, which can be read over and over.
type answer struct {
	pgx.Rows
	types  *pgtype.Map
	fields []pgconn.FieldDescription
	values [][]byte
	scans  int // by the driver
}

func (a *answer) FieldDescriptions() []pgconn.FieldDescription { return a.fields }
func (a *answer) RawValues() [][]byte                          { return a.values }

func (a *answer) Scan(into ...any) error {
	a.scans++
	return pgx.ScanRow(a.types, a.fields, a.values, into...)
}

// add adds a column; a nil value is null.
func (a *answer) add(tb testing.TB, oid uint32, format int16, value any) {
	tb.Helper()
	cell, err := a.types.Encode(oid, format, value, nil)
	require.NoError(tb, err)
	a.fields = append(a.fields, pgconn.FieldDescription{DataTypeOID: oid, Format: format})
	a.values = append(a.values, cell)
}

// leasedRow is a row as a claim is answered with.
func leasedRow(tb testing.TB) (*answer, []any) {
	tb.Helper()
	a := &answer{types: pgtype.NewMap()}
	into := []any{}
	for _, c := range []struct {
		oid   uint32
		value any
		into  any
	}{
		{pgtype.Int4OID, int32(7), new(int32)},
		{pgtype.Int8OID, int64(-1 << 40), new(int64)},
		{pgtype.JSONBOID, benchJSON, new([]byte)},
		{pgtype.TimestamptzOID, time.Now(), new(pgtype.Timestamptz)},
		{pgtype.TimestamptzOID, time.UnixMicro(-7_777_777_777_777_777), new(pgtype.Timestamptz)},
		{pgtype.Int8OID, int64(3), new(pgtype.Int8)},
	} {
		a.add(tb, c.oid, a.types.FormatCodeForOID(c.oid), c.value)
		into = append(into, c.into)
	}
	return a, into
}

// A row reads as the driver reads it, and the driver is not asked.
func TestCellsAreReadAsByTheDriver(t *testing.T) {
	t.Parallel()
	const text, binary = pgx.TextFormatCode, pgx.BinaryFormatCode
	for _, c := range []struct {
		oid    uint32
		format int16
		values []any
		into   any
		direct bool
	}{
		{pgtype.Int4OID, binary, []any{int32(1), int32(math.MinInt32), int32(math.MaxInt32)}, new(int32), true},
		{pgtype.Int8OID, binary, []any{int64(1), int64(math.MinInt64), int64(math.MaxInt64)}, new(int64), true},
		{pgtype.Int8OID, binary, []any{int64(5), nil, int64(0)}, new(pgtype.Int8), true},
		{
			pgtype.TimestamptzOID, binary,
			[]any{
				time.Now(), nil, time.UnixMicro(year2000), time.UnixMicro(-1),
				time.Time{},
				time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
				pgtype.Timestamptz{Valid: true, InfinityModifier: pgtype.Infinity},
				pgtype.Timestamptz{Valid: true, InfinityModifier: pgtype.NegativeInfinity},
			},
			new(pgtype.Timestamptz), true,
		},
		{pgtype.JSONBOID, text, []any{`{"a": 1}`, nil, `""`, `"` + string(bytes.Repeat([]byte("x"), mostShared)) + `"`}, new([]byte), true},
		{pgtype.TextOID, text, []any{"", "a"}, new([]byte), true},
		// What a pooler answers, and what no statement here asks for.
		{pgtype.Int4OID, text, []any{int32(1)}, new(int32), false},
		{pgtype.Int8OID, text, []any{int64(1)}, new(int64), false},
		{pgtype.Int8OID, text, []any{int64(1), nil}, new(pgtype.Int8), false},
		{pgtype.TimestamptzOID, text, []any{time.Now(), nil}, new(pgtype.Timestamptz), false},
		{pgtype.JSONBOID, binary, []any{`{"a": 1}`, nil}, new([]byte), false},
		{pgtype.Int4OID, binary, []any{int32(1)}, new(int64), false},
		{pgtype.TextOID, text, []any{"a"}, new(string), false},
	} {
		got := cellsInto(c.into)
		for _, value := range c.values {
			name := fmt.Sprintf("%T of %d in format %d: %v", c.into, c.oid, c.format, value)
			a := &answer{types: pgtype.NewMap()}
			a.add(t, c.oid, c.format, value)
			want := reflect.New(reflect.TypeOf(c.into).Elem())
			require.NoError(t, a.Scan(want.Interface()), name)
			require.NoError(t, got.read(a), name)
			require.Equal(t, want.Interface(), c.into, name)
			require.Equal(t, c.direct, a.scans == 1, name)
		}
	}
}

// One column in another form, and the driver reads all of them.
func TestRowsInAnotherFormAreTheDrivers(t *testing.T) {
	t.Parallel()
	a, into := leasedRow(t)
	row := cellsInto(into...)
	require.NoError(t, row.read(a))
	require.Zero(t, a.scans)
	last := len(a.fields) - 1
	a.fields[last].Format, a.values[last] = pgx.TextFormatCode, []byte("4")
	row = cellsInto(into...)
	require.NoError(t, row.read(a))
	require.Equal(t, 1, a.scans)
	require.Equal(t, &pgtype.Int8{Int64: 4, Valid: true}, into[last])
	require.Error(t, cellsInto(into[1:]...).read(a), "and tells that there are more columns than variables")
}

// A cell that has not the length of its type is an error that names the column.
func TestCellsOfAnotherLengthAreRefused(t *testing.T) {
	t.Parallel()
	for column := range 6 {
		a, into := leasedRow(t)
		if column == 2 {
			continue // a text has any length
		}
		a.values[column] = a.values[column][:3]
		require.ErrorContains(t, cellsInto(into...).read(a), fmt.Sprintf("column %d of an answer came in 3 bytes", column+1))
	}
}

// Texts stay what they were when the next ones are kept beside them, and when their
// owner appends to one.
func TestKeptTextsAreApart(t *testing.T) {
	t.Parallel()
	var kept texts
	var all, want [][]byte
	for n := range 400 {
		text := bytes.Repeat([]byte{byte(n)}, n*n%3000)
		all, want = append(all, kept.keep(text)), append(want, bytes.Clone(text))
		clear(text) // the driver uses it for the next row
		_ = append(all[n], "what another owns"...)
	}
	for n := range want {
		require.True(t, bytes.Equal(want[n], all[n]), "text %d", n)
		require.NotNil(t, all[n], "an empty text is no null")
	}
	require.Nil(t, kept.keep(nil))
}

// A text that came alone takes no more memory than it needs, and many share pieces.
func TestKeptTextsShareMemory(t *testing.T) {
	short, long := make([]byte, 50), make([]byte, mostShared/4+1)
	var first texts
	require.Equal(t, len(short), cap(first.keep(short)))
	require.Equal(t, len(short), cap(first.piece))
	keep := func(text []byte) func() {
		return func() {
			var kept texts
			for range benchBatch {
				kept.keep(text)
			}
			require.LessOrEqual(t, cap(kept.piece), mostShared)
		}
	}
	require.Less(t, testing.AllocsPerRun(5, keep(short)), 20.0)
	require.InDelta(t, benchBatch, testing.AllocsPerRun(5, keep(long)), 5, "each has its own")
}

// The driver's part is what it does for a row when it has found the plans.
func BenchmarkCells(b *testing.B) {
	a, into := leasedRow(b)
	b.Run("driver", func(b *testing.B) {
		var plans []pgtype.ScanPlan
		for i, field := range a.fields {
			plans = append(plans, a.types.PlanScan(field.DataTypeOID, field.Format, into[i]))
		}
		b.ReportAllocs()
		for b.Loop() {
			for i, plan := range plans {
				if err := plan.Scan(a.values[i], into[i]); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("cells", func(b *testing.B) {
		row := cellsInto(into...)
		b.ReportAllocs()
		for b.Loop() {
			if err := row.read(a); err != nil {
				b.Fatal(err)
			}
		}
	})
}
