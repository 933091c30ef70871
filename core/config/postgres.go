package config

import "strings"

// parsePostgresURL takes the pgqrs_ parameters out of a URL. It finds the parts
// as libpq does: only a slash ends the search for the @ that ends the user and
// password, so a question mark before that @ belongs to the password.
func parsePostgresURL(dsn string) (Target, error) {
	t := Target{Engine: Postgres, Params: params{}}
	start := strings.Index(dsn, "://") + len("://")
	if i := strings.IndexAny(dsn[start:], "@/"); i >= 0 && dsn[start+i] == '@' {
		start += i + 1
	}
	hosts, _, _ := strings.Cut(dsn[start:], "/")
	hosts, _, _ = strings.Cut(hosts, "?")
	if !plainHosts(hosts) {
		// Most often a password with a slash or an at sign: libpq and the driver
		// would take part of it for a host or a port, and the error could show it.
		return Target{}, badDSN("the host or port of the PostgreSQL DSN cannot be read; in a user name or password write / as %2F, @ as %40 and : as %3A")
	}
	head, query, found := strings.Cut(dsn[start:], "?")
	if !found {
		t.ConnString = dsn
		return t, nil
	}
	others, err := params(t.Params).cutQuery(query)
	if err != nil {
		return Target{}, err
	}
	t.ConnString = dsn[:start] + head
	if len(others) > 0 {
		t.ConnString += "?" + strings.Join(others, "&")
	}
	return t, nil
}

// plainHosts reports whether s reads as the host list of a URL without user and
// password: host[:port],..., IPv6 addresses in brackets.
func plainHosts(s string) bool {
	for host := range strings.SplitSeq(s, ",") {
		if strings.HasPrefix(host, "[") {
			var closed bool
			if _, host, closed = strings.Cut(host, "]"); !closed {
				return false
			}
		}
		name, port, _ := strings.Cut(host, ":")
		if strings.Contains(name, "@") || strings.Trim(port, "0123456789") != "" {
			return false
		}
	}
	return true
}

// blanks are the characters that part settings in the keyword form.
const blanks = " \t\n\r\v\f"

// isKeywordForm reports whether dsn begins as "keyword = value" does.
func isKeywordForm(dsn string) bool {
	name, _, found := strings.Cut(dsn, "=")
	return found && isName(strings.Trim(name, blanks))
}

// parseKeywords takes the pgqrs_ settings out of "host=... dbname=...", with
// libpq's rules: blanks around the equals sign, values in single quotes,
// backslashes before quotes and blanks.
func parseKeywords(dsn string) (Target, error) {
	t := Target{Engine: Postgres, Params: params{}}
	var kept strings.Builder
	for rest := dsn; rest != ""; {
		name, after, found := strings.Cut(rest, "=")
		if !found {
			return Target{}, badDSN("a setting of the keyword form has no equals sign; write keyword=value and put values with blanks in single quotes")
		}
		value, tail, ok := cutValue(strings.TrimLeft(after, blanks))
		if !ok {
			return Target{}, badDSN("a quoted value of the keyword form does not end; add the closing single quote")
		}
		setting := rest[:len(rest)-len(tail)]
		rest = strings.TrimLeft(tail, blanks)
		name = strings.Trim(name, blanks)
		if name == "" || strings.ContainsAny(name, blanks) {
			// Most often a password with a blank and no quotes; the driver's error
			// would show a piece of it.
			return Target{}, badDSN("a setting of the keyword form has no name or a blank in its name; put values with blanks in single quotes")
		}
		if !strings.HasPrefix(name, paramPrefix) {
			if kept.Len() > 0 {
				kept.WriteByte(' ')
			}
			kept.WriteString(setting)
			continue
		}
		if err := params(t.Params).add(name, value); err != nil {
			return Target{}, err
		}
	}
	t.ConnString = kept.String()
	if t.ConnString == "" {
		t.ConnString = "postgresql://" // everything comes from PG* variables; an empty DSN would read as none
	}
	return t, nil
}

// cutValue reads one value of the keyword form from the front of s. ok is false
// when a quoted value does not end.
func cutValue(s string) (value, tail string, ok bool) {
	quote := strings.HasPrefix(s, "'")
	i := 0
	if quote {
		i = 1
	}
	var out strings.Builder
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			out.WriteByte(s[i])
		case c == '\\':
			// libpq drops a backslash at the very end
		case quote && c == '\'':
			return out.String(), s[i+1:], true
		case !quote && strings.IndexByte(blanks, c) >= 0:
			return out.String(), s[i:], true
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), "", !quote
}
