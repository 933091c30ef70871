package config

import (
	"net/url"
	"strings"

	"github.com/pgqrs/pgqrs/core/fault"
)

// The engines a DSN can name.
const (
	Postgres = "postgres"
	SQLite   = "sqlite"
)

// Target is what a DSN names.
type Target struct {
	Engine string // Postgres or SQLite
	// ConnString is the DSN without pgqrs_ parameters; for PostgreSQL it is what
	// the driver gets, otherwise untouched. It may hold a password.
	ConnString string
	// Path is SQLite's file, percent-decoded, relative to the working directory
	// unless it begins with a slash; empty: in memory.
	Path string
	// Params are the pgqrs_ parameters by property name, percent-decoded. Never
	// nil.
	Params map[string]string
}

// forms is the remedy of every DSN nobody understands.
const forms = "supported are postgresql://user@host/database, postgres://..., the keyword form \"host=... dbname=...\", sqlite:///relative.db, sqlite:////absolute.db and sqlite::memory:"

// memoryDSN is the one spelling of the in-memory store that Parse returns.
const memoryDSN = "sqlite::memory:"

// Parse understands a DSN and takes the parameters whose names begin with pgqrs_
// out of it: "?pgqrs_schema=jobs" in the URL forms, "pgqrs_schema=jobs" in the
// keyword form of libpq. Everything else of a PostgreSQL DSN is left to the
// driver, byte for byte.
//
// The error is fault.Config: an empty DSN, an unknown scheme, a pgqrs_ parameter
// that is unknown or given twice, a SQLite path that is none. It never quotes
// the DSN.
func Parse(dsn string) (Target, error) {
	trimmed := strings.TrimSpace(dsn)
	switch {
	case trimmed == "":
		return Target{}, badDSN("no DSN is given; pass one or set the environment variable PGQRS_DSN; " + forms)
	case strings.IndexByte(trimmed, 0) >= 0:
		return Target{}, badDSN("the DSN holds a NUL character; remove it")
	}
	scheme, rest, hasScheme := cutScheme(trimmed)
	switch {
	case scheme == "postgresql" || scheme == "postgres":
		if !strings.HasPrefix(rest, "//") {
			return Target{}, badDSN("two slashes must follow " + scheme + ":, as in " + scheme + "://host/database")
		}
		return parsePostgresURL(trimmed)
	case scheme == "sqlite":
		return parseSQLite(rest)
	case isKeywordForm(trimmed):
		return parseKeywords(trimmed)
	case hasScheme && strings.HasPrefix(rest, "//"):
		return Target{}, badDSN(unknownScheme(scheme))
	}
	return Target{}, badDSN("the DSN has no scheme pgqrs knows; " + forms)
}

func badDSN(why string) error {
	return &fault.Error{Kind: fault.Config, Field: "dsn", Text: "dsn: " + why, Safe: true}
}

// cutScheme splits "scheme:rest". A scheme is letters, digits, plus, dot and
// minus, and begins with a letter.
func cutScheme(dsn string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(dsn, ":")
	if !ok || scheme == "" || strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-") != "" {
		return "", dsn, false
	}
	return scheme, rest, true
}

// unknownScheme explains the schemes of other libraries. It repeats a scheme only
// when "://" follows it: "name:password@host" has a scheme, too, by its letters.
func unknownScheme(scheme string) string {
	base, dialect, _ := strings.Cut(scheme, "+")
	lower := strings.ToLower(base)
	if lower == "postgresql" || lower == "postgres" || lower == "sqlite" {
		if dialect != "" {
			return "the scheme " + scheme + " names a driver of another library; write " + lower + "://"
		}
		return "the scheme must be in lower case; write " + lower + "://"
	}
	return "the scheme " + scheme + " is not known; " + forms
}

// params collects pgqrs_ parameters.
type params map[string]string

// add takes one parameter, already decoded, whose name began with pgqrs_.
func (p params) add(name, value string) error {
	name = strings.TrimPrefix(name, paramPrefix)
	if name == "dsn" || find(name) == nil {
		return badDSN("DSN parameter: " + unknown(name, paramPrefix))
	}
	if _, twice := p[name]; twice {
		return badDSN("the DSN parameter " + paramPrefix + name + " is given twice; remove one")
	}
	p[name] = value
	return nil
}

// cutQuery takes the pgqrs_ parameters out of the query part of a URL and
// returns the other parameters as they were written.
func (p params) cutQuery(query string) (others []string, err error) {
	for part := range strings.SplitSeq(query, "&") {
		rawName, rawValue, _ := strings.Cut(part, "=")
		name, err := url.PathUnescape(rawName)
		if err != nil || !strings.HasPrefix(name, paramPrefix) {
			others = append(others, part)
			continue
		}
		// PathUnescape, not QueryUnescape: to libpq a plus is a plus.
		value, err := url.PathUnescape(rawValue)
		if err != nil {
			return nil, badDSN("the DSN parameter " + rawName + " holds a malformed percent escape; write a percent sign as %25")
		}
		if err := p.add(name, value); err != nil {
			return nil, err
		}
	}
	return others, nil
}
