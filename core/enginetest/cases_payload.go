package enginetest

import (
	"fmt"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/model"
)

// payloads are documents that must come back equal from a claim, from a read and
// from the archive.
func payloads() []struct{ name, document, want string } {
	deep := strings.Repeat(`{"a":[`, 32) + `1` + strings.Repeat(`]}`, 32)
	large := `{"text": "` + strings.Repeat("0123456789abcde\\n", 1<<16-2) + `"}` // just under 1 MiB
	wide := &strings.Builder{}
	for i := range 5000 {
		fmt.Fprintf(wide, `%s"key %d": %d`, map[bool]string{true: "{", false: ", "}[i == 0], i, i)
	}
	wide.WriteString("}")
	return []struct{ name, document, want string }{
		{name: "empty object", document: `{}`},
		{name: "empty array", document: `[]`},
		{name: "empty string", document: `""`},
		{name: "null", document: `null`},
		{name: "true", document: `true`},
		{name: "false", document: `false`},
		{name: "zero", document: `0`},
		{name: "negative number", document: `-17`},
		{name: "fraction", document: `0.1`},
		{name: "many digits", document: `3.14159265358979323846264338327950288419716939937510`},
		{name: "integers around 2^53", document: `[9007199254740991, 9007199254740992, 9007199254740993, -9007199254740993]`},
		{name: "integers around 2^63", document: `[9223372036854775807, 9223372036854775808, 18446744073709551616]`},
		{name: "integer of 300 digits", document: "1" + strings.Repeat("0", 299) + "7"},
		{name: "exponents", document: `[1e2, 1E+2, 1e-7, 1.5e300, -2.5e-30]`},
		{name: "unicode", document: `{"schlüssel": "größe", "ключ": "значение", "鍵": "値", "😀": "👩‍👩‍👧"}`},
		{name: "unicode is not normalised", document: `["é", "é"]`},
		{name: "escapes", document: `"quote \" slash \/ back \\ \b \f \n \r \t \u00e9 \u0001 \u001f"`},
		{name: "surrogate pair", document: `"\ud83d\ude00"`, want: `"😀"`},
		{name: "line separators", document: "\"\u2028\u2029\u0085\u00a0\""},
		{name: "quotes of SQL", document: `{"'": "it''s; drop table pgqrs_messages; --", "$1": "?1 %s {}"}`},
		{name: "looks like a number", document: `["1", "1e5", "", " 1 ", "null", "true"]`},
		{name: "empty key", document: `{"": {"": []}}`},
		{name: "white space", document: " \t\r\n{ \"a\" :\n[ 1 , 2 ] } \n", want: `{"a": [1, 2]}`},
		{name: "duplicate keys, the last wins", document: `{"a": 1, "b": 2, "a": {"c": 3}, "a": 4}`, want: `{"a": 4, "b": 2}`},
		{name: "64 levels deep", document: deep},
		{name: "5000 keys", document: wide.String()},
		{name: "1 MiB", document: large},
	}
}

func payloadCases() []testCase {
	var cases []testCase
	for _, p := range payloads() {
		if p.want == "" {
			p.want = p.document
		}
		cases = append(cases, testCase{name: p.name, run: func(b *bundle) {
			id := b.put(p.document)
			requireJSON(b.t, []byte(p.want), b.message(id).Payload)
			m := b.take(1, long)[0]
			requireJSON(b.t, []byte(p.want), m.Payload)
			require.Equal(b.t, trues(1), b.archive(token(m)))
			requireJSON(b.t, []byte(p.want), b.archived(id).Payload)
		}})
	}
	return append(cases,
		testCase{name: "all in one batch", run: func(b *bundle) {
			var messages []model.NewMessage
			bytes, limit := 0, b.eng.Capabilities().MaxFlushBytes
			for _, p := range payloads() {
				if bytes += len(p.document); bytes > limit {
					break
				}
				messages = append(messages, model.NewMessage{Payload: []byte(p.document)})
			}
			b.send(messages...)
			for i, m := range b.take(len(messages), long) {
				requireJSON(b.t, messages[i].Payload, m.Payload)
			}
		}},
		testCase{name: "a batch of the flush limit in bytes", run: func(b *bundle) {
			const size = 256 << 10
			n := min(b.eng.Capabilities().MaxFlushBytes/size, 32)
			require.Positive(b.t, n, "a flush must hold at least one payload of 1 MiB")
			messages := make([]model.NewMessage, n)
			for i := range messages {
				messages[i].Payload = fmt.Appendf(nil, `{"n": %d, "fill": "%s"}`, i, strings.Repeat("x", size-64))
			}
			b.send(messages...)
			for i, m := range b.take(n, long) {
				requireJSON(b.t, messages[i].Payload, m.Payload)
			}
		}},
		testCase{name: "a returned payload is the caller's to keep", run: func(b *bundle) {
			b.fill(2)
			first := b.take(1, long)[0]
			kept := string(first.Payload)
			second := b.take(1, long)[0]
			clear(second.Payload)
			require.Equal(b.t, kept, string(first.Payload))
		}},
	)
}
