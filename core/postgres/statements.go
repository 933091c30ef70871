package postgres

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed queries/*.sql
var queryFiles embed.FS

// namedQueries holds every statement of queries/*.sql by its name, still with
// placeholders. It is filled once and never changes.
var namedQueries = parseQueries(queryFiles)

// parseQueries splits the files at their "-- name: X" lines. A malformed file is
// a defect of the build, found by any test that starts, so it panics.
func parseQueries(files fs.FS) map[string]string {
	paths, err := fs.Glob(files, "queries/*.sql")
	if err != nil {
		panic(err)
	}
	queries := map[string]string{}
	for _, path := range paths {
		text, err := fs.ReadFile(files, path)
		if err != nil {
			panic(err)
		}
		for _, part := range strings.Split("\n"+string(text), "\n-- name: ")[1:] {
			name, body, _ := strings.Cut(part, "\n")
			if _, twice := queries[name]; twice {
				panic(fmt.Sprintf("%s: query %s exists twice", path, name))
			}
			queries[name] = stripComments(body)
		}
	}
	return queries
}

// stripComments drops comment lines: they would travel with every execution.
func stripComments(sql string) string {
	var lines []string
	for line := range strings.SplitSeq(sql, "\n") {
		if trimmed := strings.TrimSpace(line); trimmed != "" && !strings.HasPrefix(trimmed, "--") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// statements are the queries of one schema.
type statements struct {
	schema  string            // as configured
	quoted  string            // as an identifier
	channel string            // for LISTEN and NOTIFY
	texts   map[string]string // qualified, by name; nil: qualify at every use
}

// newStatements returns the queries of a schema, each qualified when it is used.
func newStatements(schema string) *statements {
	return &statements{schema: schema, quoted: pgx.Identifier{schema}.Sanitize(), channel: channelOf(schema)}
}

// qualified does the work of qualifying once, for an engine that lives long.
func (s *statements) qualified() *statements {
	s.texts = make(map[string]string, len(namedQueries))
	for name, text := range namedQueries {
		s.texts[name] = s.qualify(text)
	}
	return s
}

// qualify puts the schema into a statement. One pass, so that a schema called
// "{channel}" stays one.
func (s *statements) qualify(text string) string {
	return strings.NewReplacer("{schema}", s.quoted, "{messages}", quoteLiteral(s.quoted+".pgqrs_messages"),
		"{archive}", quoteLiteral(s.quoted+".pgqrs_archive"),
		"{channel}", quoteLiteral(s.channel), "{channel_name}", pgx.Identifier{s.channel}.Sanitize()).Replace(text)
}

// get returns a statement. A wrong name is a typing error in this package.
func (s *statements) get(name string) string {
	if text, ok := s.texts[name]; ok {
		return text
	}
	text, ok := namedQueries[name]
	if !ok {
		panic("postgres: no query is called " + name)
	}
	return s.qualify(text)
}

// quoteLiteral quotes a text whatever standard_conforming_strings says, which
// the E form is indifferent to.
func quoteLiteral(s string) string {
	return " E'" + strings.NewReplacer(`'`, `''`, `\`, `\\`).Replace(s) + "'"
}

// channelOf names the channel on which a schema announces its messages.
// Channels are per database and at most 63 bytes long.
func channelOf(schema string) string {
	channel := "pgqrs_" + schema
	if len(channel) > maxIdentifierBytes {
		sum := sha256.Sum256([]byte(schema))
		channel = "pgqrs_" + hex.EncodeToString(sum[:16])
	}
	return channel
}
