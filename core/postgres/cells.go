package postgres

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// cells reads the rows of a hot statement, each into the same variables: *int32, *int64,
// *pgtype.Int8, *pgtype.Timestamptz and *[]byte, the text of a document. What comes
// binary it reads itself, since the driver asks for every cell of every row how it is to
// be read, and allocates each text by itself (docs/adr/0030). Rows in any other form, as
// a pooler sends them, are left to the driver.
type cells struct {
	into   []any
	known  bool // the form of the rows
	direct bool // all of them are read here
	texts  texts
}

// cellsInto makes the variables those that rows are read into.
func cellsInto(into ...any) *cells { return &cells{into: into} }

// read reads the row that rows is at.
func (c *cells) read(rows pgx.Rows) error {
	if !c.known {
		c.known, c.direct = true, slices.EqualFunc(c.into, rows.FieldDescriptions(), isDirect)
	}
	if !c.direct {
		return rows.Scan(c.into...)
	}
	for i, cell := range rows.RawValues() {
		if !c.set(c.into[i], cell) {
			return fmt.Errorf("column %d of an answer came in %d bytes", i+1, len(cell))
		}
	}
	return nil
}

// isDirect tells whether cells can read a column into a variable without the driver.
func isDirect(into any, column pgconn.FieldDescription) bool {
	switch into.(type) {
	case *int32:
		return column.DataTypeOID == pgtype.Int4OID && column.Format == pgx.BinaryFormatCode
	case *int64, *pgtype.Int8:
		return column.DataTypeOID == pgtype.Int8OID && column.Format == pgx.BinaryFormatCode
	case *pgtype.Timestamptz:
		return column.DataTypeOID == pgtype.TimestamptzOID && column.Format == pgx.BinaryFormatCode
	case *[]byte:
		return column.Format == pgx.TextFormatCode
	}
	return false
}

// set sets a variable to a cell, or tells that the cell has not the length of its type.
func (c *cells) set(into any, cell []byte) bool {
	switch v := into.(type) {
	case *[]byte:
		*v = c.texts.keep(cell)
	case *int32:
		if len(cell) != 4 {
			return false
		}
		*v = int32(binary.BigEndian.Uint32(cell))
	case *int64:
		if len(cell) != 8 {
			return false
		}
		*v = int64(binary.BigEndian.Uint64(cell))
	case *pgtype.Int8:
		*v = pgtype.Int8{}
		if cell != nil {
			v.Valid = true
			return c.set(&v.Int64, cell)
		}
	case *pgtype.Timestamptz:
		*v = pgtype.Timestamptz{}
		if cell != nil {
			var since int64
			ok := c.set(&since, cell)
			*v = timestamptz(since)
			return ok
		}
	}
	return true
}

// year2000 is where the server counts instants from, microseconds since 1970.
const year2000 = 946_684_800_000_000

// timestamptz is an instant so many microseconds after the year 2000 began.
func timestamptz(since int64) pgtype.Timestamptz {
	switch since {
	case math.MaxInt64:
		return pgtype.Timestamptz{Valid: true, InfinityModifier: pgtype.Infinity}
	case math.MinInt64:
		return pgtype.Timestamptz{Valid: true, InfinityModifier: pgtype.NegativeInfinity}
	}
	return pgtype.Timestamptz{Valid: true, Time: time.UnixMicro(year2000 + since)}
}

// texts keeps copies of texts, many in one piece of memory.
type texts struct {
	piece []byte
	kept  int // bytes, altogether
}

// mostShared is how large a piece is at most, bytes: whoever keeps a text keeps its
// piece. A text of more than a quarter of it has a piece of its own.
const mostShared = 8 << 10

// keep returns a copy; of nil, nil. Pieces grow with what was kept, since most answers
// consist of a single row.
func (t *texts) keep(text []byte) []byte {
	if text == nil {
		return nil
	}
	t.kept += len(text)
	if len(text) > mostShared/4 {
		return slices.Clone(text)
	}
	if t.piece == nil || len(text) > cap(t.piece)-len(t.piece) {
		t.piece = make([]byte, 0, min(t.kept, mostShared))
	}
	start := len(t.piece)
	t.piece = append(t.piece, text...)
	return slices.Clip(t.piece[start:])
}
