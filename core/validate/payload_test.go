package validate

import (
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/fault"
)

// unlimited lets the golden tables pass documents over the default size.
var unlimited = Rules{MaxPayloadBytes: MaxPayloadBytes}

// TestPayloadAgreesWithPostgreSQL holds the scanner to what a real server said:
// the tables were written by PostgreSQL and need no server to be checked.
func TestPayloadAgreesWithPostgreSQL(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"testdata/numbers.tsv", "testdata/documents.tsv"} {
		checked := 0
		for _, row := range golden(t, file) {
			document := row.document
			err := unlimited.Payload([]byte(document))
			if row.verdict == "accepted" {
				require.NoError(t, err, "%s: PostgreSQL accepts %.80q", file, document)
			} else {
				require.True(t, fault.Is(err, fault.Serialization), "%s: PostgreSQL refuses %.80q with %s, got %v", file, document, row.verdict, err)
				require.True(t, fault.IsRowFault(err))
				require.True(t, fault.SafeToRetry(err))
			}
			checked++
		}
		require.Greater(t, checked, 70, file)
	}
}

type goldenRow struct{ document, verdict string }

func golden(tb testing.TB, file string) []goldenRow {
	content, err := os.ReadFile(file)
	require.NoError(tb, err)
	repeat := regexp.MustCompile(`\{(.)\*(\d+)\}`)
	var rows []goldenRow
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		document, verdict, found := strings.Cut(line, "\t")
		require.True(tb, found, line)
		if strings.HasSuffix(file, "documents.tsv") {
			document, err = strconv.Unquote(document)
			require.NoError(tb, err, line)
		} else {
			document = repeat.ReplaceAllStringFunc(document, func(match string) string {
				part := repeat.FindStringSubmatch(match)
				n, err := strconv.Atoi(part[2])
				require.NoError(tb, err)
				return strings.Repeat(part[1], n)
			})
		}
		rows = append(rows, goldenRow{document, verdict})
	}
	return rows
}

func TestPayloadLimits(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	mixed := func(n int) string { return strings.Repeat(`[{"a":`, n) + "1" + strings.Repeat("}]", n) }
	for name, c := range map[string]struct {
		rules    Rules
		document string
		text     string // empty: accepted
	}{
		"default size":            {Rules{}, `"` + strings.Repeat("x", 1<<20-2) + `"`, ""},
		"over default size":       {Rules{}, `"` + strings.Repeat("x", 1<<20-1) + `"`, "1048577 bytes are over the limit of 1048576"},
		"size":                    {Rules{MaxPayloadBytes: 4}, `"ab"`, ""},
		"over size":               {Rules{MaxPayloadBytes: 4}, `"abc"`, "max_payload_size_bytes"},
		"size is cut":             {Rules{MaxPayloadBytes: 1 << 40}, `"` + strings.Repeat("x", MaxPayloadBytes-1) + `"`, "over the limit of 33554432"},
		"default depth":           {Rules{}, nested(64), ""},
		"over default depth":      {Rules{}, nested(65), "byte 64: nested deeper than 64 levels"},
		"mixed depth":             {Rules{}, mixed(32), ""},
		"over mixed depth":        {Rules{}, mixed(33), "max_object_depth"},
		"depth":                   {Rules{MaxDepth: 1}, `[1,2,"[[["]`, ""},
		"over depth":              {Rules{MaxDepth: 1}, `[1,{}]`, "byte 3:"},
		"depth again":             {Rules{MaxDepth: 2}, `[[],[],{},{"a":1},[1]]`, ""},
		"greatest depth":          {Rules{MaxDepth: 1 << 30}, mixed(500), ""},
		"over greatest depth":     {Rules{MaxDepth: 1 << 30}, nested(1001), "deeper than 1000"},
		"string":                  {Rules{MaxStringLength: 3}, `["abc","äöü","\u00e4\n\"","\ud83d\ude00ab",""]`, ""},
		"long string":             {Rules{MaxStringLength: 3}, `["abc","abcd"]`, "byte 7: a string of 4 characters"},
		"long escaped string":     {Rules{MaxStringLength: 1}, `"\ud83d\ude00\n"`, "a string of 2 characters"},
		"long key":                {Rules{MaxStringLength: 3}, `{"abcd":1}`, "max_string_length"},
		"written out":             {Rules{}, "[" + strings.Repeat("1e131071,", 63) + "1]", ""},
		"over written out":        {Rules{}, "[" + strings.Repeat("1e131071,", 64) + "1]", "exponents of its numbers written out"},
		"small written out":       {Rules{}, "[" + strings.Repeat("1e-16383,", 512) + "1]", "8 times max_payload_size_bytes"},
		"many ordinary exponents": {Rules{}, "[" + strings.Repeat("1.7976931348623157e308,", 20000) + "1]", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.rules.Payload([]byte(c.document))
			if c.text == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, fault.Of(fault.Validation))
			require.ErrorContains(t, err, c.text)
			require.True(t, fault.IsRowFault(err) && fault.SafeToRetry(err))
		})
	}
}

func TestPayloadKeyRules(t *testing.T) {
	t.Parallel()
	const schluessel = "schlüssel"
	for name, c := range map[string]struct {
		forbidden, required []string
		document, text      string
	}{
		"required":                  {nil, []string{"to", "n"}, `{"n":1,"to":2}`, ""},
		"required after unescaping": {nil, []string{"to", schluessel, "😀"}, `{"\u0074o":1,"schl\u00fcssel":2,"\ud83d\ude00":3}`, ""},
		"required escape":           {nil, []string{"a\"\\/\b\f\n\r\t"}, `{"a\"\\\/\b\f\n\r\t":1}`, ""},
		"required empty":            {nil, []string{""}, `{"":1}`, ""},
		"missing":                   {nil, []string{"to", "n"}, `{"to":2}`, `the key "n" is required`},
		"missing in empty":          {nil, []string{"n"}, `{}`, `the key "n" is required`},
		"prefix is not it":          {nil, []string{"to"}, `{"t":2,"top":3}`, `"to"`},
		"nested does not count":     {nil, []string{"n"}, `{"a":{"n":1}}`, `at the top level`},
		"array has no keys":         {nil, []string{"n"}, `[{"n":1}]`, `at the top level`},
		"scalar has no keys":        {nil, []string{"n"}, `"n"`, `at the top level`},
		"same key twice":            {nil, []string{"a", "b"}, `{"a":1,"a":2}`, `"b"`},
		"a value is no key":         {[]string{"secret"}, nil, `{"a":"secret","b":["secret"]}`, ""},
		"forbidden":                 {[]string{"x", "secret"}, nil, `{"secret":1}`, `byte 1: the key "secret" is forbidden`},
		"forbidden deep":            {[]string{"secret"}, nil, `[1,{"a":[{"secret":1}]}]`, `"secret"`},
		"forbidden escaped":         {[]string{"secret"}, nil, `{"s\u0065cret":1}`, `"secret"`},
		"forbidden wins":            {[]string{"a"}, []string{"b"}, `{"a":1}`, `"a" is forbidden`},
		"not JSON wins":             {[]string{"b"}, []string{"a"}, `{"c":1`, `ends in the middle`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules := Rules{ForbiddenKeys: c.forbidden, RequiredKeys: c.required}
			err := rules.Payload([]byte(c.document))
			if c.text == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.text)
			require.True(t, fault.IsRowFault(err) && fault.SafeToRetry(err))
		})
	}
}

// TestPayloadErrorsTellWhere pins offsets and remedies of the usual mistakes.
func TestPayloadErrorsTellWhere(t *testing.T) {
	t.Parallel()
	for document, text := range map[string]string{
		"":                        "payload: byte 0: the payload is empty",
		" \n":                     "payload: byte 2: the payload is empty",
		"{'a': 1}":                "payload: byte 1: JSON strings stand in double quotes",
		`{"a": NaN}`:              "payload: byte 6: expected a JSON value; only true, false and null",
		"\xef\xbb\xbf{}":          "payload: byte 0: a byte order mark",
		`{"a": 1} {"a": 2}`:       "payload: byte 9: data after the end",
		`{"a": 1`:                 "payload: byte 7: the document ends",
		`["a\u0000"]`:             `payload: byte 3: \u0000, the NUL character`,
		"[\"a\x00\"]":             "payload: byte 3: a NUL byte",
		`["\ud83d"]`:              "payload: byte 2: half of a surrogate pair",
		"[\"a\xff\"]":             "payload: byte 3: invalid UTF-8",
		`[1e400000]`:              "payload: byte 1: a number outside the range",
		`["C:\dir"]`:              "payload: byte 4: not an escape JSON knows",
		"[\"two\nlines\"]":        "payload: byte 5: a control character",
		`[01]`:                    "payload: byte 1: a number with a leading zero",
		`{"a" 1}`:                 "payload: byte 5: expected a colon",
		`{"a":1 "b":2}`:           "payload: byte 7: expected a comma or the end of the object",
		`[1 2]`:                   "payload: byte 3: expected a comma or the end of the array",
		`{"a":1,}`:                "payload: byte 7: expected a key",
		strings.Repeat("[", 2000): "payload: byte 64: nested deeper",
	} {
		err := Rules{}.Payload([]byte(document))
		require.ErrorContains(t, err, text, "%.60q", document)
		var e *fault.Error
		require.True(t, errors.As(err, &e))
		require.Equal(t, "payload", e.Field)
	}
}

// TestPayloadErrorsQuoteNothing cuts and corrupts a document with a secret in
// every place and looks for the secret in the errors.
func TestPayloadErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	const document = `{"hunter2":["hunter2",{"hunter2":12345e6}],"x":"hunter2"}`
	rules := Rules{MaxStringLength: 6, RequiredKeys: []string{"y"}, ForbiddenKeys: []string{"x"}}
	for i := range len(document) {
		for _, c := range []byte("\x00\xff\\\"{}[],:x1 -") {
			spoiled := []byte(document)
			spoiled[i] = c
			for _, p := range [][]byte{spoiled, spoiled[:i]} {
				for _, r := range []Rules{rules, {}} {
					if err := r.Payload(p); err != nil {
						require.NotContains(t, err.Error(), "hunter")
						require.NotContains(t, err.Error(), "12345")
					}
				}
			}
		}
	}
}

func TestPayloadAllocatesNothing(t *testing.T) {
	document := []byte(`{"task":"send_email","to":"user@example.com","n":123,"ä":["\u00e4\n",-1.5e3,null,{}]}`)
	for name, rules := range map[string]Rules{
		"default": {},
		"strings": {MaxStringLength: 20},
	} {
		require.Zero(t, testing.AllocsPerRun(100, func() {
			if rules.Payload(document) != nil {
				t.Error("refused")
			}
		}), name)
	}
}

func BenchmarkPayload(b *testing.B) {
	large := `{"text":"` + strings.Repeat("plain words in a row, ", 4000) + `"}`
	numbers := `[` + strings.Repeat(`12345.678,-1,0,`, 5000) + `1]`
	records := `[` + strings.Repeat(`{"id":12345,"name":"Ada Lovelace","tags":["a","b"],"ok":true},`, 1500) + `null]`
	for _, c := range []struct {
		name, document string
		rules          Rules
	}{
		{"small", `{"task":"send_email","to":"user@example.com","n":123}`, Rules{}},
		{"small with keys", `{"task":"send_email","to":"user@example.com","n":123}`, Rules{RequiredKeys: []string{"task", "to"}, ForbiddenKeys: []string{"password"}}},
		{"text", large, Rules{}},
		{"chinese", `"` + strings.Repeat("你好世界", 8000) + `"`, Rules{}},
		{"numbers", numbers, Rules{}},
		{"records", records, Rules{}},
	} {
		b.Run(c.name, func(b *testing.B) {
			document := []byte(c.document)
			b.SetBytes(int64(len(document)))
			b.ReportAllocs()
			for b.Loop() {
				if err := c.rules.Payload(document); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
