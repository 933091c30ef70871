package enginetest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEqualJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b  string
		equal bool
	}{
		{`{"a": 1, "b": [2]}`, ` { "b":[2],"a":1}`, true},
		{`[1e2, 1.0, -0]`, `[100, 1, 0]`, true},
		{`{"a": 1, "a": 2}`, `{"a": 2}`, true},
		{`"\u00e9\/"`, `"é/"`, true},
		{`9007199254740993`, `9007199254740992`, false},
		{`1`, `"1"`, false},
		{`[1, 2]`, `[2, 1]`, false},
		{`null`, `{}`, false},
		{`0.1`, `0.10000000000000001`, false},
	} {
		require.Equal(t, c.equal, equalJSON(t, []byte(c.a), []byte(c.b)), "%s and %s", c.a, c.b)
	}
}
