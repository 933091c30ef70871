package postgres

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/pgqrs/pgqrs/core/engine/sqlfile"
)

//go:embed queries/*.sql
var queryFiles embed.FS

// catalog returns every statement of queries/*.sql by its name, still with
// placeholders. The files are read when the first statement is asked for: a process
// that uses the other engine does without.
var catalog = sync.OnceValue(func() map[string]string { return parseQueries(queryFiles) })

// parseQueries puts the parts in their places: {X}, whose capital tells it from the names
// of things in the database. A place without a part is a defect of the build, so it
// panics.
func parseQueries(files fs.FS) map[string]string {
	queries, parts := map[string]string{}, []string{}
	for _, s := range sqlfile.Read(files) {
		if s.Part {
			parts = append(parts, "{"+s.Name+"}", s.Text)
		} else {
			queries[s.Name] = s.Text
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
