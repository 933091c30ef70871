package sqlfile

import (
	"fmt"
	"io/fs"
	"strings"
)

// Section is a statement, or a part that several of them share.
type Section struct {
	Name string
	Part bool
	Text string // without comments and empty lines: they would travel with every execution
}

// Read returns the sections of queries/*.sql. Each follows its heading, "-- name: X" or
// "-- part: X". A malformed file is a defect of the build, found by any test that
// starts, so it panics.
func Read(files fs.FS) []Section {
	paths, err := fs.Glob(files, "queries/*.sql")
	if err != nil {
		panic(err)
	}
	var all []Section
	seen := map[string]bool{}
	for _, path := range paths {
		file, err := fs.ReadFile(files, path)
		if err != nil {
			panic(err)
		}
		for _, s := range split(string(file)) {
			if seen[s.Name] {
				panic(fmt.Sprintf("%s: query %s exists twice", path, s.Name))
			}
			seen[s.Name] = true
			all = append(all, s)
		}
	}
	return all
}

func split(text string) []Section {
	var all []Section
	var body []string
	end := func() {
		if len(all) > 0 {
			all[len(all)-1].Text = strings.Join(body, "\n")
		}
		body = nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		name, named := strings.CutPrefix(line, "-- name: ")
		part, shared := strings.CutPrefix(line, "-- part: ")
		switch trimmed := strings.TrimSpace(line); {
		case named:
			end()
			all = append(all, Section{Name: name})
		case shared:
			end()
			all = append(all, Section{Name: part, Part: true})
		case trimmed != "" && !strings.HasPrefix(trimmed, "--"):
			body = append(body, line)
		}
	}
	end()
	return all
}
