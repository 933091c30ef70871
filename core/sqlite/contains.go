package sqlite

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// addContains gives a connection the SQL function pgqrs_contains(payload, wanted):
// PostgreSQL's payload @> wanted, which SQLite has no equal of.
func addContains(raw *sqlite3.Conn) error {
	return raw.CreateFunction("pgqrs_contains", 2, sqlite3.DETERMINISTIC,
		func(ctx sqlite3.Context, args ...sqlite3.Value) {
			wanted, err := decodedOnce(ctx, 1, args[1])
			if err != nil {
				ctx.ResultError(err)
				return
			}
			payload, err := decodeJSON(args[0].RawText())
			if err != nil {
				ctx.ResultError(err)
				return
			}
			ctx.ResultBool(contains(payload, wanted))
		})
}

// decodedOnce decodes argument n, which is the same for all rows of a statement,
// at the first of them.
func decodedOnce(ctx sqlite3.Context, n int, arg sqlite3.Value) (any, error) {
	if known, ok := ctx.GetAuxData(n).(*document); ok {
		return known.value, nil
	}
	value, err := decodeJSON(arg.RawText())
	if err == nil {
		ctx.SetAuxData(n, &document{value})
	}
	return value, err
}

// document is a decoded JSON value, which may be nil.
type document struct{ value any }

// decodeJSON reads one JSON document, numbers as their decimals.
func decodeJSON(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errors.New("not a JSON document") // the error would quote it
	}
	return v, nil
}

// contains is jsonb's @>: an array contains a scalar that is one of its elements,
// which holds for whole documents only, and otherwise kinds must agree.
func contains(v, wanted any) bool {
	if list, ok := v.([]any); ok && isScalar(wanted) {
		return hasScalar(list, wanted)
	}
	return covers(v, wanted)
}

// covers reports whether v contains wanted, of the same kind, at any depth.
func covers(v, wanted any) bool {
	switch wanted := wanted.(type) {
	case map[string]any:
		object, ok := v.(map[string]any)
		if !ok || len(object) < len(wanted) {
			return false
		}
		for k, w := range wanted {
			if member, there := object[k]; !there || !covers(member, w) {
				return false
			}
		}
		return true
	case []any:
		list, ok := v.([]any)
		if !ok {
			return false
		}
		for _, w := range wanted {
			if !hasElement(list, w) {
				return false
			}
		}
		return true
	}
	return isScalar(v) && sameScalar(v, wanted)
}

// hasElement reports whether some element contains w: arrays are sets, so one
// element may answer for several.
func hasElement(list []any, w any) bool {
	for _, element := range list {
		if covers(element, w) {
			return true
		}
	}
	return false
}

func hasScalar(list []any, w any) bool {
	for _, element := range list {
		if isScalar(element) && sameScalar(element, w) {
			return true
		}
	}
	return false
}

func isScalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

// sameScalar compares texts, booleans and nulls as they are, and numbers by value.
func sameScalar(a, b any) bool {
	x, isNumber := a.(json.Number)
	y, both := b.(json.Number)
	if isNumber && both {
		return x == y || canonical(x) == canonical(y)
	}
	return a == b
}

// canonical writes a number in one way only: its digits without zeros at either
// end, and the power of ten behind them. The number is never written out, because
// its exponent may be huge.
func canonical(n json.Number) string {
	text, sign := string(n), ""
	if text[0] == '-' {
		text, sign = text[1:], "-"
	}
	mantissa, exponent := text, 0
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		mantissa = text[:at]
		exponent, _ = strconv.Atoi(text[at+1:]) // in range: core/validate has seen it
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	short := strings.TrimRight(digits, "0")
	if short == "" {
		return "0" // of either sign
	}
	return sign + short + "e" + strconv.Itoa(exponent-len(fraction)+len(digits)-len(short))
}
