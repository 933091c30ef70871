package abitest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Header is what pgqrs.h declares, in its order.
type Header struct {
	Text      string
	Functions []Function
	Structs   []Struct
	Constants []string // object-like macros with a value
}

// Function is one exported function.
type Function struct {
	Name       string
	Parameters []string // their names
}

// Struct is one public struct.
type Struct struct {
	Name   string
	Fields []string
}

var (
	comments   = regexp.MustCompile(`(?s)/\*.*?\*/`)
	functions  = regexp.MustCompile(`(?s)PGQRS_API\s+[\w\s]+?[\s*](pgqrs_\w+)\(([^)]*)\);`)
	structs    = regexp.MustCompile(`(?s)typedef struct (\w+) \{(.*?)\} (\w+);`)
	field      = regexp.MustCompile(`(\w+)(\[\d+\])?$`)
	constants  = regexp.MustCompile(`(?m)^#define (PGQRS_\w+) +(\S.*)$`)
	lastName   = regexp.MustCompile(`(\w+)$`)
	namespaced = regexp.MustCompile(`^pgqrs_`)
)

// ReadHeader reads include/pgqrs.h. It understands the plain C the header keeps
// to, and fails on what it does not understand.
func ReadHeader(t testing.TB) Header {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(Root(), "include", "pgqrs.h"))
	if err != nil {
		t.Fatal(err)
	}
	h := Header{Text: string(raw)}
	code := comments.ReplaceAllString(h.Text, "")
	for _, m := range functions.FindAllStringSubmatch(code, -1) {
		f := Function{Name: m[1]}
		for p := range strings.SplitSeq(m[2], ",") {
			if name := lastName.FindString(strings.TrimSpace(p)); name != "void" {
				f.Parameters = append(f.Parameters, name)
			}
		}
		h.Functions = append(h.Functions, f)
	}
	for _, m := range structs.FindAllStringSubmatch(code, -1) {
		s := Struct{Name: m[3]}
		for line := range strings.SplitSeq(m[2], ";") {
			if line = strings.TrimSpace(line); line != "" {
				s.Fields = append(s.Fields, field.FindStringSubmatch(line)[1])
			}
		}
		h.Structs = append(h.Structs, s)
	}
	for _, m := range constants.FindAllStringSubmatch(code, -1) {
		if m[1] != "PGQRS_API" {
			h.Constants = append(h.Constants, m[1])
		}
	}
	if n := strings.Count(code, "PGQRS_API ") - strings.Count(code, "define PGQRS_API "); n != len(h.Functions) {
		t.Fatalf("pgqrs.h: understood %d of %d functions", len(h.Functions), n)
	}
	if n := strings.Count(code, "typedef struct "); n != len(h.Structs) {
		t.Fatalf("pgqrs.h: understood %d of %d structs", len(h.Structs), n)
	}
	for _, f := range h.Functions {
		if !namespaced.MatchString(f.Name) {
			t.Fatalf("pgqrs.h: %s is outside the namespace", f.Name)
		}
	}
	return h
}

// Names returns the names of the functions.
func (h Header) Names() []string {
	var names []string
	for _, f := range h.Functions {
		names = append(names, f.Name)
	}
	return names
}
