package abi_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pgqrs/pgqrs/include/header"
)

// surface is what callers that were compiled once depend on.
type surface struct {
	Version   int64               `json:"abi"`
	Types     map[string]string   `json:"types"` // of typedefs that are no structs
	Functions map[string]function `json:"functions"`
	Structs   map[string]record   `json:"structs"`
	Constants map[string]int64    `json:"constants"`
}

type function struct {
	Prototype string `json:"prototype"` // without names
	Node      string `json:"node"`      // of symbol versions; a program asks the loader for both
}

type record struct {
	Size   int     `json:"size"`
	Fields []field `json:"fields"`
}

type field struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Offset int    `json:"offset"`
}

var scalar = regexp.MustCompile(`(?m)^typedef (\w+) (pgqrs_\w+);$`)

// surfaceOf puts together what the header declares, where the compiler puts it, and
// the version nodes the library exports.
func surfaceOf(h header.Header, l layout, nodes map[string]string) surface {
	s := surface{
		Version: l.Constants["PGQRS_ABI_VERSION"], Constants: l.Constants,
		Types: map[string]string{}, Functions: map[string]function{}, Structs: map[string]record{},
	}
	for _, m := range scalar.FindAllStringSubmatch(h.Text, -1) {
		s.Types[m[2]] = m[1]
	}
	for _, f := range h.Functions() {
		var parameters []string
		for _, p := range f.Parameters {
			parameters = append(parameters, p.Type)
		}
		s.Functions[f.Name] = function{f.Result + " (" + strings.Join(parameters, ", ") + ")", nodes[f.Name]}
	}
	for _, declared := range h.Structs() {
		laid := l.Structs[declared.Name]
		r := record{Size: laid.Size}
		for _, f := range declared.Fields {
			spelled := f.Type
			if f.Length != "" {
				spelled += "[" + f.Length + "]"
			}
			r.Fields = append(r.Fields, field{f.Name, spelled, laid.Offsets[f.Name]})
		}
		s.Structs[declared.Name] = r
	}
	return s
}

// broken names everything callers of before rely on that is otherwise now. What was
// added is nobody's break.
func (before surface) broken(now surface) []string {
	var all []string
	kept(&all, before.Types, now.Types)
	kept(&all, before.Constants, now.Constants)
	kept(&all, before.Functions, now.Functions)
	for _, name := range slices.Sorted(maps.Keys(before.Structs)) {
		all = append(all, before.brokenStruct(name, now)...)
	}
	return all
}

func kept[V comparable](all *[]string, before, now map[string]V) {
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if have, ok := now[name]; !ok {
			*all = append(*all, name+" is gone")
		} else if have != before[name] {
			*all = append(*all, fmt.Sprintf("%s was %v and is %v", name, before[name], have))
		}
	}
}

func (before surface) brokenStruct(name string, now surface) (all []string) {
	old := before.Structs[name]
	current, ok := now.Structs[name]
	if !ok {
		return []string{name + " is gone"}
	}
	if current.Size < old.Size || current.Size > old.Size && !before.mayGrow(name) {
		all = append(all, fmt.Sprintf("%s had %d bytes and has %d", name, old.Size, current.Size))
	}
	left := slices.Clone(current.Fields)
	for _, f := range old.Fields {
		i := slices.IndexFunc(left, func(c field) bool { return c == f || f.becomes(c) })
		if i >= 0 {
			left = slices.Delete(left, i, i+1)
			continue
		}
		all = append(all, fmt.Sprintf("%s.%s (%s at %d) moved, changed or is gone", name, f.Name, f.Type, f.Offset))
		left = slices.DeleteFunc(left, func(c field) bool { return c.Name == f.Name })
	}
	for _, c := range left {
		if c.Offset < old.Size {
			all = append(all, fmt.Sprintf("%s.%s is new, but not behind what there was", name, c.Name))
		}
	}
	return all
}

// becomes tells a field that got a name: reserved ones were 0 until then.
func (f field) becomes(named field) bool {
	return f.Name == "reserved" && f.Type == named.Type && f.Offset == named.Offset
}

// mayGrow tells structs whose size callers do not fix: those that say their own, and
// records that are only read from lists, whose item_size says it.
func (before surface) mayGrow(name string) bool {
	if before.Structs[name].Fields[0].Name == "struct_size" {
		return true
	}
	mentioned := regexp.MustCompile(`\b` + name + `\b`)
	for _, f := range before.Functions {
		if mentioned.MatchString(f.Prototype) {
			return false
		}
	}
	for _, s := range before.Structs {
		if slices.ContainsFunc(s.Fields, func(f field) bool { return mentioned.MatchString(f.Type) }) {
			return false
		}
	}
	return true
}
