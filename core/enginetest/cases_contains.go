package enginetest

import (
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

// containment is one line of PostgreSQL's rules for payload @> document.
type containment struct {
	payload, document string
	want              bool
}

// containments is checked against PostgreSQL itself by the run on its engine.
var containments = []containment{
	{`{"a": 1, "b": 2}`, `{"a": 1}`, true},
	{`{"a": 1, "b": 2}`, `{"b": 2, "a": 1}`, true},
	{`{"a": 1}`, `{"a": 2}`, false},
	{`{"a": 1}`, `{"b": 1}`, false},
	{`{"a": 1}`, `{"a": 1, "b": 2}`, false},
	{`{"a": 1}`, `{}`, true},
	{`{}`, `{}`, true},
	{`{"a": null}`, `{"a": null}`, true},
	{`{}`, `{"a": null}`, false},
	{`{"a": {"b": {"c": [1, 2, {"d": 3}]}, "x": 1}}`, `{"a": {"b": {"c": [{"d": 3}, 1]}}}`, true},
	{`{"a": {"b": 1}}`, `{"b": 1}`, false},
	{`{"a": {"b": 1}}`, `{"a": {}}`, true},
	{`{"a": {}}`, `{"a": []}`, false},
	{`{"a": [1, 2]}`, `{"a": 1}`, false}, // the special case is for whole documents only
	{`{"a": [1, 2]}`, `{"a": [2]}`, true},
	{`{"a": 1}`, `{"a": [1]}`, false},
	{`[1, 2, 3]`, `[3, 1]`, true},
	{`[1, 2]`, `[1, 1, 1, 2, 2]`, true},
	{`[1, 2]`, `[1, 3]`, false},
	{`[1, 2]`, `[]`, true},
	{`[]`, `[]`, true},
	{`[]`, `[1]`, false},
	{`[[1, 2]]`, `[[1]]`, true},
	{`[[1], [2]]`, `[[1, 2]]`, false},
	{`[[1, 2]]`, `[1]`, false},
	{`[[1, 2], 3]`, `[3, [2]]`, true},
	{`[[]]`, `[{}]`, false},
	{`[{"a": 1, "b": 2}]`, `[{"a": 1}]`, true},
	{`[{"a": 1, "b": 2}]`, `[{"a": 1}, {"b": 2}]`, true},
	{`[{"a": 1}, {"b": 2}]`, `[{"a": 1, "b": 2}]`, false},
	{`[{"a": 1}]`, `{"a": 1}`, false},
	{`{"a": 1}`, `[{"a": 1}]`, false},
	{`["foo", "bar"]`, `"bar"`, true},
	{`[1, null]`, `null`, true},
	{`[[1]]`, `1`, false},
	{`"bar"`, `["bar"]`, false},
	{`{"a": 1}`, `"a"`, false},
	{`"a"`, `{}`, false},
	{`"a"`, `[]`, false},
	{`[]`, `{}`, false},
	{`{}`, `[]`, false},
	{`null`, `null`, true},
	{`null`, `false`, false},
	{`true`, `true`, true},
	{`true`, `false`, false},
	{`"a"`, `"a"`, true},
	{`"a"`, `"A"`, false},
	{`"1"`, `1`, false},
	{`"a\u0062\n\ud83d\ude00"`, "\"ab\\n\U0001f600\"", true},
	{`1`, `1.0`, true},
	{`100`, `1e2`, true},
	{`[1.50, 2]`, `[15e-1]`, true},
	{`0.001`, `1E-3`, true},
	{`-0`, `0.00`, true},
	{`-1`, `1`, false},
	{`10`, `1`, false},
	{`9007199254740993`, `9007199254740992`, false},
	{`12345678901234567890`, `12345678901234567890.0`, true},
	{`0.1000000000000000055`, `0.1`, false},
	{`{"a": 1, "a": 2}`, `{"a": 2}`, true}, // the last of equal keys counts
	{`{"a": 1, "a": 2}`, `{"a": 1}`, false},
	{`{"a": 1}`, `{"a": 2, "a": 1}`, true},
	{` { "a" : [ 1 , 2 ] } `, "{\n\t\"a\":[2]}", true},
	{strings.Repeat("[", 60) + "1" + strings.Repeat("]", 60), strings.Repeat("[", 60) + strings.Repeat("]", 60), true},
	{strings.Repeat("[", 60) + "1" + strings.Repeat("]", 60), strings.Repeat("[", 59) + strings.Repeat("]", 59), true},
	{strings.Repeat("[", 60) + "1" + strings.Repeat("]", 60), strings.Repeat("[", 61) + strings.Repeat("]", 61), false},
}

func containsCases() []testCase {
	return []testCase{
		{name: "the rules of jsonb", run: func(b *bundle) {
			sent := make([]model.NewMessage, len(containments))
			for i, c := range containments {
				sent[i].Payload = []byte(c.payload)
			}
			all := b.send(sent...)
			for i, c := range containments {
				found, err := b.eng.ListMessages(b.ctx, engine.Filter{QueueID: b.queue.ID, Contains: c.document}, model.Page{Limit: 1000})
				b.ok(err)
				got := false
				for _, id := range ids(found) {
					got = got || id == all[i]
				}
				require.Equal(b.t, c.want, got, "%.80s @> %.80s", c.payload, c.document)
			}
		}},
		{name: "in messages, with the other fields", run: func(b *bundle) {
			first := b.put(`{"task": "email", "to": "ann"}`)
			b.take(1, long)
			second := b.put(`{"task": "email", "to": "bob"}`)
			third := b.put(`{"task": "resize"}`)
			at := func(f engine.Filter) engine.Filter {
				f.QueueID = b.queue.ID
				return f
			}
			b.selects(b.messages(), at(engine.Filter{}), first, second, third)
			b.selects(b.messages(), at(engine.Filter{Contains: `{}`}), first, second, third)
			b.selects(b.messages(), at(engine.Filter{Contains: `{"task": "email"}`}), first, second)
			b.selects(b.messages(), at(engine.Filter{Contains: `{"task": "email"}`, WorkerID: b.consumer.ID}), first)
			b.selects(b.messages(), at(engine.Filter{Contains: `{"task": "resize"}`, MinReads: 1}))
			b.selects(b.archiveTable(), at(engine.Filter{Contains: `{"task": "email"}`}))
		}},
		{name: "in the archive, dead letters alone too", run: func(b *bundle) {
			b.limit(1)
			dead, done := b.put(`{"n": 1, "x": 0}`), b.put(`{"n": 1}`)
			b.put(`{"n": 2}`)
			m := b.take(3, long)
			b.release(engine.Release{Token: token(m[0])})
			b.archive(tokens(m[1:])...)
			at := engine.Filter{QueueID: b.queue.ID, Contains: `{"n": 1}`}
			b.selects(b.archiveTable(), at, dead, done)
			at.DeadOnly = true
			b.selects(b.archiveTable(), at, dead)
			at.Contains = `{"n": 2}`
			b.selects(b.archiveTable(), at)
			b.selects(b.messages(), engine.Filter{QueueID: b.queue.ID, Contains: `{}`})
		}},
		{name: "in pages", run: func(b *bundle) {
			var want []model.Message
			for range 7 {
				want = append(want, b.message(b.put(`{"keep": true}`)))
				b.put(`{"keep": false}`)
			}
			requirePages(b, want, func(p model.Page) ([]model.Message, error) {
				return b.eng.ListMessages(b.ctx, engine.Filter{QueueID: b.queue.ID, Contains: `{"keep": true}`}, p)
			})
		}},
	}
}
