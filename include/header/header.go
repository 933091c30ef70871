package header

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Path is where the header is, below the root of the repository.
const Path = "include/pgqrs.h"

// Header is what pgqrs.h says.
type Header struct {
	Text     string // the file
	Intro    string // its first comment
	Sections []Section
}

// Section is what stands below one heading.
type Section struct {
	Title string
	Text  string // what the heading adds; may be empty
	Items []Item
}

// Item is a run of declarations and the comment they share.
type Item struct {
	Doc       string
	Code      string
	Functions []Function
	Structs   []Struct
	Constants []Constant
}

// Function is one exported function.
type Function struct {
	Name       string
	Result     string // as C spells it
	Parameters []Field
}

// Struct is one public struct.
type Struct struct {
	Name   string
	Fields []Field
}

// Field is a parameter or a member.
type Field struct {
	Name   string
	Type   string // as C spells it, pointers as "const pgqrs_str *"
	Length string // of an array, else empty
}

// Constant is one macro with a value.
type Constant struct {
	Name  string
	Value string // as C spells it, without parentheses and the suffix of unsigned
	Note  string // the comment behind it; may be empty
}

// Read reads the header below the root of the repository.
func Read(root string) (Header, error) {
	text, err := os.ReadFile(filepath.Join(root, Path))
	if err != nil {
		return Header{}, err
	}
	return Parse(string(text))
}

// Parse understands the plain C the header keeps to, and fails on what it does
// not understand.
func Parse(text string) (Header, error) {
	h := Header{Text: text}
	for _, c := range chunks(text) {
		switch {
		case h.Intro == "" && c.doc != "":
			h.Intro = c.doc
		case strings.HasPrefix(c.doc, "----"):
			h.Sections = append(h.Sections, heading(c.doc))
		}
		if c.code == "" {
			continue
		}
		if len(h.Sections) == 0 { // what stands before the first heading
			h.Sections = append(h.Sections, Section{Title: "Version"})
		}
		item, err := parseItem(c)
		if err != nil {
			return Header{}, err
		}
		last := &h.Sections[len(h.Sections)-1]
		last.Items = append(last.Items, item)
	}
	return h, h.complete()
}

// complete compares what was understood with what a look at the text finds.
func (h Header) complete() error {
	for _, c := range []struct {
		what, sign string
		have       int
	}{
		{"functions", "PGQRS_API ", len(h.Functions())},
		{"structs", "typedef struct ", len(h.Structs())},
		{"constants", "#define PGQRS_", len(h.Constants())},
	} {
		want := 0
		for line := range strings.Lines(h.Text) {
			if strings.HasPrefix(line, c.sign) && !skipped(line) {
				want++
			}
		}
		if c.have != want || want == 0 {
			return fmt.Errorf("%s: understood %d of %d %s", Path, c.have, want, c.what)
		}
	}
	return nil
}

// Functions returns all of them, in the header's order.
func (h Header) Functions() []Function {
	return collect(h, func(i Item) []Function { return i.Functions })
}

// Structs returns all of them, in the header's order.
func (h Header) Structs() []Struct { return collect(h, func(i Item) []Struct { return i.Structs }) }

// Constants returns all of them, in the header's order.
func (h Header) Constants() []Constant {
	return collect(h, func(i Item) []Constant { return i.Constants })
}

func collect[T any](h Header, of func(Item) []T) []T {
	var all []T
	for _, s := range h.Sections {
		for _, i := range s.Items {
			all = append(all, of(i)...)
		}
	}
	return all
}
