package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/pgqrs/pgqrs/core/fault"
)

// SetJSON sets the properties that a flat JSON object gives explicitly:
// {"max_connections": 4, "forbidden_keys": ["password"]}. Numbers must be JSON
// numbers and texts JSON strings; null means "not given", and the string "none"
// switches an optional property off. On error, which is fault.Config and names
// the property, nothing is set.
//
// This is how the C interface and Python pass what their callers gave.
func (c *Config) SetJSON(document []byte) error {
	next := *c
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	// The decoder's own errors are dropped: they may quote what they stumbled over.
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return badOptions("not a JSON object; give {\"name\": value, ...}")
	}
	given := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return badOptions("malformed JSON")
		}
		var raw any
		if err := decoder.Decode(&raw); err != nil {
			return badOptions("malformed JSON")
		}
		p := find(name)
		switch {
		case p == nil:
			return badOptions(unknown(name, ""))
		case given[name]:
			return bad(name, "option "+name, "is given twice; remove one")
		}
		given[name] = true
		if raw == nil {
			continue
		}
		v, why := p.fromJSON(raw)
		if why == "" {
			why = p.set(&next, v)
		}
		if why != "" {
			return bad(name, "option "+name, why)
		}
	}
	if _, err := decoder.Token(); err != nil {
		return badOptions("malformed JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return badOptions("data after the end of the JSON object")
	}
	*c = next
	return nil
}

// fromJSON turns a decoded JSON value into what a file would state, after
// checking that it has the property's type.
func (p *Property) fromJSON(raw any) (v value, why string) {
	switch raw := raw.(type) {
	case string:
		if p.Kind == Text || p.Optional && raw == none {
			return text(raw), ""
		}
	case json.Number:
		if p.Kind == Integer || p.Kind == Number || p.Kind == Duration {
			return text(raw.String()), ""
		}
	case []any:
		v := value{isList: true}
		for _, item := range raw {
			s, ok := item.(string)
			if !ok {
				return value{}, "holds an item that is not a string; give " + p.wants()
			}
			v.list = append(v.list, s)
		}
		if p.Kind == List {
			return v, ""
		}
	}
	return value{}, "has the wrong JSON type; give " + p.wants()
}

func badOptions(why string) error {
	return &fault.Error{Kind: fault.Config, Field: "options", Text: "options: " + why, Safe: true}
}
