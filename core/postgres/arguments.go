package postgres

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// arguments are those of a pipeline's statements, encoded into one piece of memory,
// which the next pipeline uses again.
type arguments struct {
	bytes []byte
	of    []encoded // a statement each
}

// encoded are the arguments of one statement, as the protocol wants them.
type encoded struct {
	values  [][]byte // nil: null
	formats []int16
	results []int16 // the formats its columns shall have
}

const (
	leastMemory = 512 // bytes
	// mostKept is how large memory may be that is kept for the next pipeline, bytes:
	// more than a thousand rows of a kilobyte ask for.
	mostKept = 2 << 20
)

var argumentPool = sync.Pool{New: func() any { return new(arguments) }}

func takeArguments() *arguments { return argumentPool.Get().(*arguments) }

// giveBack ends the use of what was encoded: they are the next pipeline's.
func (a *arguments) giveBack() {
	a.forget()
	argumentPool.Put(a)
}

func (a *arguments) forget() {
	if cap(a.bytes) > mostKept {
		a.bytes = nil
	}
	clear(a.of)
	a.bytes, a.of = a.bytes[:0], a.of[:0]
}

// add encodes the arguments of the next statement.
func (a *arguments) add(types *pgtype.Map, statement *pgconn.StatementDescription, args []any) error {
	if len(args) != len(statement.ParamOIDs) {
		return fmt.Errorf("a statement with %d parameters got %d arguments", len(statement.ParamOIDs), len(args))
	}
	if a.bytes == nil {
		a.bytes = make([]byte, 0, leastMemory) // appended to nil, an empty text would look like null
	}
	e := encoded{
		values: make([][]byte, len(args)), formats: make([]int16, len(args)),
		results: make([]int16, len(statement.Fields)),
	}
	for i, arg := range args {
		oid := statement.ParamOIDs[i]
		e.formats[i] = formatOf(types, oid, arg)
		start := len(a.bytes)
		buf, err := types.Encode(oid, e.formats[i], arg, a.bytes)
		if err != nil {
			return fmt.Errorf("argument %d: %w", i+1, err)
		}
		if buf != nil { // else null
			a.bytes = buf
			e.values[i] = buf[start:]
		}
	}
	for i, field := range statement.Fields {
		e.results[i] = types.FormatCodeForOID(field.DataTypeOID)
	}
	a.of = append(a.of, e)
	return nil
}

// formatOf chooses as the driver does: text, which every type understands, for texts.
func formatOf(types *pgtype.Map, oid uint32, arg any) int16 {
	switch arg.(type) {
	case string, *string:
		return pgx.TextFormatCode
	default:
		return types.FormatCodeForOID(oid)
	}
}

// room is a message of no bytes, sent in front of others: it makes room for them in the
// memory of the driver, which is new for every pipeline and would otherwise double, and
// be copied, until they fit.
type room int // bytes

// besides is what the messages about a statement take besides its arguments, bytes.
const besides = 256

// room makes room for a pipeline.
func (a *arguments) room() room { return room(len(a.bytes) + besides*len(a.of)) }

// Frontend implements pgproto3.FrontendMessage.
func (room) Frontend() {}

// Decode implements pgproto3.FrontendMessage.
func (room) Decode([]byte) error { return errors.ErrUnsupported }

// Encode implements pgproto3.FrontendMessage.
func (r room) Encode(buf []byte) ([]byte, error) { return slices.Grow(buf, int(r)), nil }
