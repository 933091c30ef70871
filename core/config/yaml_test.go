package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadYAML(t *testing.T) {
	t.Parallel()
	entries, refused := readYAML("\uFEFF---\r\n# comment\r\nschema: jobs   # why\n\ndsn: postgresql://u:p#w@h/db\n" +
		"a: \"x # \\\"y\\\" \\\\ \\n\\t\\/\"\nb: 'it''s # here' # not here\nc: [ a, 'b, c' , \"d\\\",e\", it's ]\nd: []\ne: ~\nf:\n- one\n  - 'two' # 2\n\n  - -3\ng: it's\nh:\n")
	require.Nil(t, refused)
	require.Equal(t, []entry{
		{"schema", 3, text("jobs")},
		{"dsn", 5, text("postgresql://u:p#w@h/db")},
		{"a", 6, text("x # \"y\" \\ \n\t/")},
		{"b", 7, text("it's # here")},
		{"c", 8, value{list: []string{"a", "b, c", `d",e`, "it's"}, isList: true}},
		{"d", 9, value{isList: true}},
		{"e", 10, value{isNull: true}},
		{"f", 11, value{list: []string{"one", "two", "-3"}, isList: true}},
		{"g", 16, text("it's")},
		{"h", 17, value{}},
	}, entries)
}

func TestReadYAMLRefuses(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]refusal{
		"schema jobs":        {1, "not a setting"},
		"schema:jobs":        {1, "not a setting"},
		"\n\n  schema: jobs": {3, "indented"},
		"pool:\n  size: 3":   {2, "indented"},
		"- item":             {1, "without a setting above"},
		"a: b\n- item":       {2, "without a setting above"},
		"a: b: c":            {1, "flat"},
		"a: b:":              {1, "flat"},
		"a: {b: c}":          {1, "put the value in quotes"},
		"a: &anchor x":       {1, "put the value in quotes"},
		"a: |\n  text":       {1, "put the value in quotes"},
		"a: [b":              {1, "does not end on its line"},
		"a: [b, [c]]":        {1, "put the value in quotes"},
		"a: [b,, c]":         {1, "an empty value"},
		"a:\n-":              {2, "an empty value"},
		"a: 'b":              {1, "does not end on its line"},
		"a: 'b' c":           {1, "behind a closing quote"},
		"a: \"b\" c":         {1, "behind a closing quote"},
		`a: "\x41"`:          {1, "backslash escape"},
		"a: b\n---\nc: d":    {2, "not a setting"},
		"a: b\n...\n":        {2, "not a setting"},
		"a: @b":              {1, "put the value in quotes"},
	} {
		_, refused := readYAML(content)
		require.NotNil(t, refused, content)
		require.Equal(t, want.line, refused.line, content)
		require.Contains(t, refused.why, want.why, content)
	}
}

// FuzzReadYAML: no panic, and errors that repeat nothing of the file.
func FuzzReadYAML(f *testing.F) {
	for _, seed := range []string{"a: b", "a: [b, 'c']", "a:\n- \"b\\\"\"", "a: 'b''c' # d", "---\n", "a: \"\\"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		entries, refused := readYAML(content)
		if refused != nil && (refused.line < 1 || refused.why == "") {
			t.Fatalf("%q: %+v", content, refused)
		}
		for _, e := range entries {
			if e.isList && e.text != "" || e.line < 1 {
				t.Fatalf("%q: %+v", content, e)
			}
		}
	})
}
