package postgres

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// statements are the queries of one schema.
type statements struct {
	schema  string            // as configured
	quoted  string            // as an identifier
	channel string            // for LISTEN and NOTIFY
	texts   map[string]string // qualified, by name; nil: qualify at every use
	names   map[string]string // for the server, by qualified text
	places  *strings.Replacer // puts the schema into a statement
}

// newStatements returns the queries of a schema, each qualified when it is used.
func newStatements(schema string) *statements {
	s := &statements{schema: schema, quoted: pgx.Identifier{schema}.Sanitize(), channel: channelOf(schema)}
	s.places = strings.NewReplacer("{schema}", s.quoted, "{messages}", quoteLiteral(s.quoted+".pgqrs_messages"),
		"{archive}", quoteLiteral(s.quoted+".pgqrs_archive"),
		"{channel}", quoteLiteral(s.channel), "{channel_name}", pgx.Identifier{s.channel}.Sanitize())
	return s
}

// qualified does the work of qualifying once, for an engine that lives long.
func (s *statements) qualified() *statements {
	s.texts, s.names = make(map[string]string, len(catalog())), make(map[string]string, len(catalog()))
	for name, text := range catalog() {
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
func (s *statements) qualify(text string) string { return s.places.Replace(text) }

// get returns a statement. A wrong name is a typing error in this package.
func (s *statements) get(name string) string {
	if text, ok := s.texts[name]; ok {
		return text
	}
	text, ok := catalog()[name]
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
