package postgres

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"io/fs"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed queries/*.sql
var queryFiles embed.FS

// namedQueries holds every statement of queries/*.sql by its name, still with
// placeholders. It is filled once and never changes.
var namedQueries = parseQueries(queryFiles)

var (
	// heading begins a statement, or a part that several of them share.
	heading = regexp.MustCompile(`(?m)^-- (name|part): (\w+)$`)
	// place is where a part stands in a statement: its name in braces, with a
	// capital, which tells it from the names of things in the database.
	place = regexp.MustCompile(`\{[A-Z]\w*\}`)
)

// parseQueries splits the files at their headings and puts the parts in their
// places. A malformed file is a defect of the build, found by any test that starts,
// so it panics.
func parseQueries(files fs.FS) map[string]string {
	paths, err := fs.Glob(files, "queries/*.sql")
	if err != nil {
		panic(err)
	}
	found, seen := map[string]map[string]string{"name": {}, "part": {}}, map[string]bool{}
	for _, path := range paths {
		file, err := fs.ReadFile(files, path)
		if err != nil {
			panic(err)
		}
		text := string(file)
		at := append(heading.FindAllStringSubmatchIndex(text, -1), []int{len(text)}) // each text ends where the next begins
		for i, h := range at[:len(at)-1] {
			kind, name := text[h[2]:h[3]], text[h[4]:h[5]]
			if seen[name] {
				panic(fmt.Sprintf("%s: query %s exists twice", path, name))
			}
			seen[name] = true
			found[kind][name] = stripComments(text[h[1]:at[i+1][0]])
		}
	}
	queries := found["name"]
	for name, text := range queries {
		queries[name] = place.ReplaceAllStringFunc(text, func(p string) string {
			part, ok := found["part"][p[1:len(p)-1]]
			if !ok {
				panic(fmt.Sprintf("query %s: no part is called %s", name, p))
			}
			return part
		})
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
	names   map[string]string // for the server, by qualified text
}

// newStatements returns the queries of a schema, each qualified when it is used.
func newStatements(schema string) *statements {
	return &statements{schema: schema, quoted: pgx.Identifier{schema}.Sanitize(), channel: channelOf(schema)}
}

// qualified does the work of qualifying once, for an engine that lives long.
func (s *statements) qualified() *statements {
	s.texts, s.names = make(map[string]string, len(namedQueries)), make(map[string]string, len(namedQueries))
	for name, text := range namedQueries {
		sql := s.qualify(text)
		s.texts[name], s.names[sql] = sql, statementName(sql)
	}
	return s
}

// nameOf returns the name of a statement for the server.
func (s *statements) nameOf(sql string) string {
	if name, ok := s.names[sql]; ok {
		return name
	}
	return statementName(sql)
}

// statementName names a statement by its text: a pool of the caller may serve stores
// of several schemas.
func statementName(sql string) string {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(sql)) // never fails
	return fmt.Sprintf("pgqrs_%x", hash.Sum64())
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
