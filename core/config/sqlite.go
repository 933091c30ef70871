package config

import (
	"net/url"
	"strings"
)

// parseSQLite understands what follows "sqlite:".
func parseSQLite(rest string) (Target, error) {
	t := Target{Engine: SQLite, Params: params{}}
	raw, query, _ := strings.Cut(rest, "?")
	if query != "" {
		others, err := params(t.Params).cutQuery(query)
		if err != nil {
			return Target{}, err
		}
		for _, other := range others {
			if other != "" {
				return Target{}, badDSN("a SQLite DSN takes no parameters but those that begin with pgqrs_; remove the others, and write a question mark in a file name as %3F")
			}
		}
	}
	switch {
	case raw == ":memory:":
		raw = ""
	case strings.HasPrefix(raw, "///"):
		raw = raw[len("///"):]
		if raw == "" {
			return Target{}, badDSN("the SQLite DSN names no file; write sqlite:///relative.db, sqlite:////absolute.db or sqlite::memory:")
		}
	case raw == "" || raw == "//":
		return Target{}, badDSN("the SQLite DSN names no file; write sqlite:///relative.db, sqlite:////absolute.db or sqlite::memory:")
	default:
		// With two slashes the first part would be a host, with none it is not a URL.
		return Target{}, badDSN("three slashes must follow sqlite: before a relative file, four before an absolute one, as in sqlite:///relative.db")
	}
	path, err := url.PathUnescape(raw)
	switch {
	case err != nil:
		return Target{}, badDSN("the path of the SQLite DSN holds a malformed percent escape; write a percent sign as %25")
	case strings.IndexByte(path, 0) >= 0:
		return Target{}, badDSN("the path of the SQLite DSN holds a NUL character; remove it")
	case strings.HasSuffix(path, "/"):
		return Target{}, badDSN("the path of the SQLite DSN is a directory; name a file in it")
	case path == ":memory:" || path == "":
		t.ConnString = memoryDSN
		return t, nil
	}
	t.Path = path
	t.ConnString = "sqlite:///" + raw
	return t, nil
}
