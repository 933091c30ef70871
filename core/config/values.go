package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pgqrs/pgqrs/core/fault"
)

// none is the text that switches an optional property off.
const none = "none"

// value is what a source states for a property, before anybody asks of which
// kind the property is.
type value struct {
	text   string
	list   []string
	isList bool
	isNull bool // the file says null
}

func text(s string) value { return value{text: s} }

// bad returns fault.Config for a property, with the source that stated it, for
// example "environment variable PGQRS_SCHEMA".
func bad(field, source, why string) error {
	return &fault.Error{Kind: fault.Config, Field: field, Text: source + ": " + why, Safe: true}
}

// set parses v into the property's field. It returns why it cannot, and then
// has not touched c; the empty string is success.
func (p *Property) set(c *Config, v value) (why string) {
	if v.isNull {
		if !p.Optional {
			return "is null; give " + p.wants() + ", or remove the line"
		}
		v.text = none
	}
	if v.isList != (p.Kind == List) {
		if v.isList {
			return "is a list; give one value"
		}
		return p.setList(c, split(v.text))
	}
	if p.Kind == List {
		return p.setList(c, v.list)
	}
	next := *c
	if why := p.parse(&next, v.text); why != "" {
		return why
	}
	if why := p.check(&next); why != "" {
		return why
	}
	*c = next
	return ""
}

func (p *Property) setList(c *Config, list []string) string {
	next := *c
	*p.field(&next).(*[]string) = list
	if why := p.check(&next); why != "" {
		return why
	}
	*c = next
	return ""
}

// split reads the list of an environment variable or DSN parameter: "a, b".
func split(s string) []string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	list := strings.Split(s, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

// parse assigns a scalar text. Text is taken as it is; numbers are strict: no
// blanks, no underscores, no hexadecimal digits, no units.
func (p *Property) parse(c *Config, s string) string {
	if p.Kind == Text {
		*p.field(c).(*string) = s
		return ""
	}
	if s == "" {
		return "is empty; give " + p.wants() + ", or leave it out altogether"
	}
	number := 0.0
	if !p.Optional || s != none {
		var err error
		if p.Kind == Integer {
			var i int64
			i, err = strconv.ParseInt(s, 10, 64)
			number = float64(i)
		} else {
			number, err = strconv.ParseFloat(s, 64)
		}
		if err != nil || strings.Trim(s, "+-.0123456789eE") != "" {
			return quoted(s) + " is not " + p.wants()
		}
		// Zero is how the field says "none"; read as a number it would be outside
		// every range, and silently meaning "none" it would surprise.
		if why := p.inRange(number); why != "" {
			return why
		}
	}
	switch field := p.field(c).(type) {
	case *int:
		*field = int(number)
	case *float64:
		*field = number
	case *time.Duration:
		*field = time.Duration(math.Round(number*float64(p.unit()/time.Microsecond))) * time.Microsecond
	}
	return ""
}

// check is why the field's present value is not allowed; empty if it is.
func (p *Property) check(c *Config) string {
	switch field := p.field(c).(type) {
	case *string:
		if len(p.Words) > 0 && !slices.Contains(p.Words, *field) {
			return quoted(*field) + " is not " + p.wants()
		}
		if p.valid != nil {
			return p.valid(*field)
		}
		return ""
	case *[]string:
		for _, item := range *field {
			if !utf8.ValidString(item) || strings.IndexByte(item, 0) >= 0 {
				return "holds an item that is not text; give UTF-8 without NUL"
			}
		}
		return ""
	case *int:
		return p.checkNumber(float64(*field))
	case *float64:
		return p.checkNumber(*field)
	case *time.Duration:
		return p.checkNumber(float64(*field) / float64(p.unit()))
	}
	return "has a field of an unknown type"
}

func (p *Property) checkNumber(n float64) string {
	if n == 0 && p.Optional {
		return ""
	}
	return p.inRange(n)
}

func (p *Property) inRange(n float64) string {
	if n >= p.Min && n <= p.Max { // not the negation: NaN must fail
		return ""
	}
	return decimal(n) + " is out of range; give " + p.wants()
}

// wants describes the values a property takes.
func (p *Property) wants() string {
	var out string
	switch {
	case len(p.Words) > 0:
		return "one of " + strings.Join(p.Words, ", ")
	case p.Kind == Text:
		return "a text"
	case p.Kind == List:
		return "a list of texts"
	case p.Kind == Integer:
		out = "an integer"
	default:
		out = "a number"
	}
	if p.Unit != "" {
		out += " of " + p.Unit
	}
	out += fmt.Sprintf(" from %s to %s", decimal(p.Min), decimal(p.Max))
	if p.Optional {
		out += `, or "none"`
	}
	return out
}

// get returns the field as texts: one for a scalar, the items for a list.
func (p *Property) get(c *Config) []string {
	switch field := p.field(c).(type) {
	case *string:
		return []string{*field}
	case *[]string:
		return *field
	case *int:
		return p.number(float64(*field))
	case *float64:
		return p.number(*field)
	case *time.Duration:
		return p.number(float64(*field) / float64(p.unit()))
	}
	return nil
}

func (p *Property) number(n float64) []string {
	if n == 0 && p.Optional {
		return []string{none}
	}
	return []string{decimal(n)}
}

func decimal(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// quoted shows a value that was refused: short, and without passwords in case a
// DSN strayed into the wrong place.
func quoted(s string) string {
	s = Redact(s)
	if len(s) > 40 {
		s = strings.ToValidUTF8(s[:40], "") + "..."
	}
	return strconv.Quote(s)
}
