package config

import "strings"

// The files pgqrs reads are flat lists of settings, and a YAML library would be
// the heaviest dependency of the core for them. This reads the part of YAML such
// a file needs and refuses the rest by line number:
//
//	# a comment
//	schema: jobs
//	dsn: "postgresql://localhost/app"
//	forbidden_keys: [password, 'credit card']
//	required_keys:
//	  - id

// entry is one setting of a file.
type entry struct {
	name string
	line int // from 1
	value
}

// refusal is what a file says that this reader does not read. It holds no text
// of the file, which may be a DSN.
type refusal struct {
	line int
	why  string
}

// readYAML reads the settings of a file in their order.
func readYAML(content string) ([]entry, *refusal) {
	var entries []entry
	open := -1 // the entry whose "- item" lines may follow
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(content, "\uFEFF")) {
		number++
		body, why := stripComment(strings.TrimRight(line, "\r\n"))
		if why != "" {
			return nil, &refusal{number, why}
		}
		trimmed := strings.TrimSpace(body)
		if trimmed == "" || trimmed == "---" && len(entries) == 0 {
			continue
		}
		if item, found := strings.CutPrefix(trimmed, "-"); found && (item == "" || item[0] == ' ') {
			if open < 0 {
				return nil, &refusal{number, "a list item without a setting above it that has no value of its own"}
			}
			s, why := scalar(strings.TrimSpace(item))
			if why != "" {
				return nil, &refusal{number, why}
			}
			e := &entries[open]
			e.list, e.isList = append(e.list, s), true
			continue
		}
		if body[0] == ' ' || body[0] == '\t' {
			return nil, &refusal{number, "an indented line; settings are flat and begin in the first column"}
		}
		name, rest, found := strings.Cut(trimmed, ":")
		if !found || rest != "" && rest[0] != ' ' && rest[0] != '\t' {
			return nil, &refusal{number, "not a setting; write name: value, with a blank behind the colon"}
		}
		e := entry{name: strings.TrimSpace(name), line: number}
		open = -1
		if rest = strings.TrimSpace(rest); rest == "" {
			open = len(entries)
		} else if e.value, why = parseValue(rest); why != "" {
			return nil, &refusal{number, why}
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// stripComment removes a comment: a # at the start or after a blank, outside
// quotes.
func stripComment(line string) (body, why string) {
	var quote quoting
	for i := 0; i < len(line); i++ {
		if quote == 0 && line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i], ""
		}
		i = quote.step(line, i)
	}
	if quote != 0 {
		return "", "a quote that does not end on its line"
	}
	return line, ""
}

// quoting is the quote that a scan of a line stands in; zero: none.
type quoting byte

// step looks at s[i] and returns the index of the last byte that belongs to it:
// an escape is two bytes long.
func (q *quoting) step(s string, i int) int {
	c := quoting(s[i])
	switch {
	case *q == 0:
		if (c == '"' || c == '\'') && opensQuote(s[:i]) {
			*q = c
		}
	case *q == '"' && c == '\\', *q == '\'' && strings.HasPrefix(s[i:], "''"):
		return i + 1
	case c == *q:
		*q = 0
	}
	return i
}

// opensQuote reports whether a quote after this text begins a quoted value; in
// the middle of a plain value it is an ordinary character.
func opensQuote(before string) bool {
	before = strings.TrimRight(before, " \t")
	return before == "" || strings.IndexByte(":-[,", before[len(before)-1]) >= 0
}

// parseValue reads a scalar or a list in brackets.
func parseValue(s string) (value, string) {
	inner, found := strings.CutPrefix(s, "[")
	if !found {
		switch s {
		case "~", "null", "Null", "NULL":
			return value{isNull: true}, ""
		}
		t, why := scalar(s)
		return value{text: t}, why
	}
	inner, found = strings.CutSuffix(inner, "]")
	if !found {
		return value{}, "a list in brackets that does not end on its line"
	}
	v := value{isList: true}
	for rest := strings.TrimSpace(inner); rest != ""; {
		item, tail, more := cutItem(rest)
		s, why := scalar(strings.TrimSpace(item))
		if why != "" {
			return value{}, why
		}
		v.list = append(v.list, s)
		rest = strings.TrimSpace(tail)
		if !more {
			break
		}
	}
	return v, ""
}

// cutItem splits a list at its first comma outside quotes.
func cutItem(s string) (item, tail string, more bool) {
	var quote quoting
	for i := 0; i < len(s); i++ {
		if quote == 0 && s[i] == ',' {
			return s[:i], s[i+1:], true
		}
		i = quote.step(s, i)
	}
	return s, "", false
}

// scalar reads one plain or quoted value.
func scalar(s string) (out, why string) {
	if s == "" {
		return "", "an empty value; write none to switch a property off, or remove the line"
	}
	switch s[0] {
	case '\'':
		return singleQuoted(s)
	case '"':
		return doubleQuoted(s)
	case '{', '}', '[', ']', '&', '*', '!', '|', '>', '%', '@', '`', ',':
		return "", "YAML that pgqrs does not read; put the value in quotes if it is meant literally"
	}
	if strings.Contains(s, ": ") || strings.HasSuffix(s, ":") {
		return "", "a setting inside a setting; settings are flat"
	}
	return s, ""
}

func singleQuoted(s string) (out, why string) {
	inner := strings.ReplaceAll(s[1:], "''", "\x00")
	inner, found := strings.CutSuffix(inner, "'")
	if !found || strings.Contains(inner, "'") {
		return "", "text behind a closing quote, or a quote that does not end"
	}
	return strings.ReplaceAll(inner, "\x00", "'"), ""
}

func doubleQuoted(s string) (out, why string) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			if i+1 != len(s) {
				return "", "text behind a closing quote"
			}
			return b.String(), ""
		case c != '\\':
			b.WriteByte(c)
		default:
			i++
			if i == len(s) {
				return "", "a quote that does not end"
			}
			switch s[i] {
			case '"', '\\', '/':
				b.WriteByte(s[i])
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			default:
				return "", `a backslash escape that pgqrs does not read; use \\, \", \n, \t, or single quotes`
			}
		}
	}
	return "", "a quote that does not end"
}
