package postgres

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"
)

// prepared is a statement with parameters and columns of these types.
func prepared(parameters, columns []uint32) *pgconn.StatementDescription {
	s := &pgconn.StatementDescription{ParamOIDs: parameters}
	for _, oid := range columns {
		s.Fields = append(s.Fields, pgconn.FieldDescription{DataTypeOID: oid})
	}
	return s
}

// What a pipeline sends for its statements is what the driver would send for them,
// whatever the memory held before.
func TestArgumentsAreEncodedAsByTheDriver(t *testing.T) {
	types := pgtype.NewMap()
	useColumns(types)
	text, instant := "a", time.UnixMicro(1_700_000_000_123_456)
	of := []struct {
		statement *pgconn.StatementDescription
		args      []any
	}{
		{prepared([]uint32{pgtype.TextOID}, nil), []any{""}}, // and no null, also where nothing is before it
		{
			prepared([]uint32{pgtype.Int8OID, pgtype.TextArrayOID, pgtype.Float8ArrayOID, pgtype.TimestamptzArrayOID}, []uint32{pgtype.Int8OID, pgtype.JSONBOID}),
			[]any{int64(7), [][]byte{[]byte(`{}`), []byte(`[1]`)}, []float64(nil), []*time.Time{&instant, nil}},
		},
		{prepared(nil, nil), nil},
		{
			prepared([]uint32{pgtype.TextOID, pgtype.TextOID, pgtype.TimestamptzOID, pgtype.BoolOID, pgtype.JSONBOID}, []uint32{pgtype.TextOID}),
			[]any{"text", &text, &instant, true, `{"a": 1}`},
		},
		{prepared([]uint32{pgtype.TextOID, pgtype.TimestamptzOID, pgtype.Int8OID}, nil), []any{(*string)(nil), (*time.Time)(nil), nil}},
	}
	for _, args := range []*arguments{new(arguments), takeArguments()} {
		for _, c := range of {
			require.NoError(t, args.add(types, c.statement, c.args))
		}
		for i, c := range of {
			var want pgx.ExtendedQueryBuilder
			require.NoError(t, want.Build(types, c.statement, c.args))
			got := args.of[i]
			require.Len(t, got.values, len(want.ParamValues))
			for j, value := range want.ParamValues {
				require.Equal(t, value == nil, got.values[j] == nil, "statement %d, argument %d", i, j)
				require.Equal(t, value, got.values[j], "statement %d, argument %d", i, j)
			}
			require.Equal(t, append([]int16{}, want.ParamFormats...), got.formats)
			require.Equal(t, append([]int16{}, want.ResultFormats...), got.results)
		}
		args.giveBack()
	}
}

func TestArgumentsThatDoNotFitAreRefused(t *testing.T) {
	types := pgtype.NewMap()
	args := takeArguments()
	defer args.giveBack()
	require.ErrorContains(t, args.add(types, prepared([]uint32{pgtype.Int8OID}, nil), nil), "1 parameters got 0 arguments")
	require.ErrorContains(t, args.add(types, prepared([]uint32{pgtype.Int8OID}, nil), []any{struct{}{}}), "argument 1")
}

// The memory of one large pipeline is not kept for the small ones after it.
func TestMuchMemoryOfArgumentsIsLetGo(t *testing.T) {
	types := pgtype.NewMap()
	useColumns(types)
	args := new(arguments)
	for _, c := range []struct {
		size int
		kept bool
	}{{1000, true}, {mostKept + 1, false}} {
		column := [][]byte{bytes.Repeat([]byte("x"), c.size)}
		require.NoError(t, args.add(types, prepared([]uint32{pgtype.TextArrayOID}, nil), []any{column}))
		require.Greater(t, cap(args.bytes), c.size)
		args.forget() // and not given back: they are looked at, and used again
		require.Equal(t, c.kept, cap(args.bytes) > 0)
		require.Nil(t, args.of[:1][0].values, "and what pointed to it is forgotten")
	}
}

// A large pipeline is put together in memory of its size, and not in memory that
// doubles until it fits.
func TestThereIsRoomForAPipeline(t *testing.T) {
	types := pgtype.NewMap()
	useColumns(types)
	args := new(arguments)
	column := [][]byte{bytes.Repeat([]byte("x"), 100_000)}
	three := prepared([]uint32{pgtype.TextArrayOID, pgtype.TextArrayOID, pgtype.TextArrayOID}, nil)
	require.NoError(t, args.add(types, three, []any{column, column, column}))
	var sent bytes.Buffer
	front := pgproto3.NewFrontend(nil, &sent)
	send := func(first ...pgproto3.FrontendMessage) func() {
		return func() {
			sent.Reset()
			for _, m := range first {
				front.Send(m)
			}
			front.SendBind(&pgproto3.Bind{ParameterFormatCodes: args.of[0].formats, Parameters: args.of[0].values})
			front.SendSync(&pgproto3.Sync{})
			require.NoError(t, front.Flush())
		}
	}
	send()() // sent has its size now
	without := bytes.Clone(sent.Bytes())
	growing := testing.AllocsPerRun(5, send())
	require.Less(t, testing.AllocsPerRun(5, send(args.room())), growing)
	require.Equal(t, without, sent.Bytes(), "room is no byte of the protocol")
	buf, err := args.room().Encode([]byte("in front"))
	require.NoError(t, err)
	require.Equal(t, "in front", string(buf))
	require.GreaterOrEqual(t, cap(buf)-len(buf), len(without))
	require.ErrorIs(t, args.room().Decode(nil), errors.ErrUnsupported)
}
