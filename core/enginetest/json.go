package enginetest

import (
	"bytes"
	"encoding/json"
	"math/big"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireJSON requires two documents to be equal as JSON values: numbers by
// value and exactly, whatever the order of keys and the white space.
func requireJSON(t testing.TB, want, got []byte) {
	t.Helper()
	if !equalJSON(t, want, got) {
		require.Failf(t, "payloads differ", "want %.200s\ngot  %.200s", want, got)
	}
}

func equalJSON(t testing.TB, want, got []byte) bool {
	t.Helper()
	return reflect.DeepEqual(decode(t, want), decode(t, got))
}

func decode(t testing.TB, document []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	var v any
	require.NoError(t, d.Decode(&v), "%.200s", document)
	require.False(t, d.More(), "more than one document: %.200s", document)
	return normal(t, v)
}

// number is a JSON number in lowest terms, which no string is equal to.
type number string

// normal writes every number as a fraction in lowest terms, so that 1e2, 100 and
// 100.0 are equal and 2^53+1 is not 2^53.
func normal(t testing.TB, v any) any {
	t.Helper()
	switch v := v.(type) {
	case json.Number:
		r, ok := new(big.Rat).SetString(v.String())
		require.True(t, ok, "not a number: %s", v)
		return number(r.RatString())
	case []any:
		for i := range v {
			v[i] = normal(t, v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = normal(t, v[k])
		}
	}
	return v
}
