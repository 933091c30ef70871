package postgres

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

//go:embed queries/*.sql
var queryFiles embed.FS

// catalog returns every statement of queries/*.sql by its name, still with
// placeholders. The files are read when the first statement is asked for: a process
// that uses the other engine does without.
var catalog = sync.OnceValue(func() map[string]string { return parseQueries(queryFiles) })

// parseQueries splits the files at their headings, "-- name: X" of a statement or
// "-- part: X" of what several of them share, and puts the parts in their places:
// {X}, whose capital tells it from the names of things in the database. A malformed
// file is a defect of the build, found by any test that starts, so it panics.
func parseQueries(files fs.FS) map[string]string {
	paths, err := fs.Glob(files, "queries/*.sql")
	if err != nil {
		panic(err)
	}
	queries, parts, seen := map[string]string{}, []string{}, map[string]bool{}
	for _, path := range paths {
		file, err := fs.ReadFile(files, path)
		if err != nil {
			panic(err)
		}
		for _, s := range sections(string(file)) {
			if seen[s.name] {
				panic(fmt.Sprintf("%s: query %s exists twice", path, s.name))
			}
			seen[s.name] = true
			if text := strings.Join(s.lines, "\n"); s.shared {
				parts = append(parts, "{"+s.name+"}", text)
			} else {
				queries[s.name] = text
			}
		}
	}
	places := strings.NewReplacer(parts...)
	for name, text := range queries {
		queries[name] = places.Replace(text)
		if place := emptyPlace(queries[name]); place != "" {
			panic(fmt.Sprintf("query %s: no part is called %s", name, place))
		}
	}
	return queries
}

// section is what follows a heading.
type section struct {
	name   string
	shared bool // a part
	lines  []string
}

// sections splits a file. Comments and empty lines are left out: they would travel with
// every execution.
func sections(text string) []section {
	var all []section
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		name, named := strings.CutPrefix(line, "-- name: ")
		part, shared := strings.CutPrefix(line, "-- part: ")
		switch trimmed := strings.TrimSpace(line); {
		case named:
			all = append(all, section{name: name})
		case shared:
			all = append(all, section{name: part, shared: true})
		case trimmed != "" && !strings.HasPrefix(trimmed, "--") && len(all) > 0:
			last := &all[len(all)-1]
			last.lines = append(last.lines, line)
		}
	}
	return all
}

// emptyPlace returns the first place in a statement that was not filled, or "".
func emptyPlace(text string) string {
	for at, c := range text {
		if next := text[at+1:]; c == '{' && next != "" && 'A' <= next[0] && next[0] <= 'Z' {
			name, _, _ := strings.Cut(next, "}")
			return name
		}
	}
	return ""
}
