package config

import (
	"net/url"
	"regexp"
	"strings"
)

// hidden stands where a password stood.
const hidden = "***"

var (
	// dsnStart finds a DSN inside a text; only known schemes, so that a colon
	// before another "://" is still taken for the one before a password.
	dsnStart = regexp.MustCompile(`(?i)(?:postgres(?:ql)?|sqlite)(?:\+\w+)?://`)
	// setting finds "name =", the name possibly percent-encoded, and the quoted
	// name with a colon of JSON and of Python's repr.
	setting = regexp.MustCompile(`[\w%.-]+(?:\s*=\s*|['"]\s*[:=]\s*)`)
	// secretName says which settings are secrets: password, PGPASSWORD,
	// sslpassword, and what other tools call them.
	secretName  = regexp.MustCompile(`(?i)passw(or)?d|passphrase|pwd|secret`)
	nextSetting = regexp.MustCompile(`\s+\w+\s*=`)
	word        = regexp.MustCompile(`\S+`)
)

// Redact hides passwords in any text: in DSNs inside it, well-formed or not, in
// "user:password@host" without a scheme, and in settings such as "password=x".
// It rather hides too much: everything from the first colon after the user's
// name to the last @ of the word.
//
// A word ends at white space. For a text that is a DSN and nothing else, which
// may hold blanks in a malformed password, use [RedactDSN].
func Redact(s string) string { return redactWords(redactSettings(s, false)) }

// RedactDSN hides the password in one DSN, tolerating every malformation.
func RedactDSN(dsn string) string {
	out := redactSettings(dsn, true)
	if isKeywordForm(strings.TrimSpace(dsn)) {
		return redactWords(out)
	}
	return redactUserinfo(out)
}

// redactWords hides the passwords of the DSNs in a text, word by word.
func redactWords(s string) string {
	var out strings.Builder
	for s != "" {
		span := word.FindStringIndex(s)
		if span == nil {
			break
		}
		start, end := span[0], span[1]
		if needsMore(s[start:end]) {
			// The password has a blank in it: it goes on to the last @ of the line.
			line, _, _ := strings.Cut(s[end:], "\n")
			end += strings.LastIndexByte(line, '@') + 1
		}
		out.WriteString(s[:start])
		out.WriteString(redactUserinfo(s[start:end]))
		s = s[end:]
	}
	out.WriteString(s)
	return out.String()
}

// needsMore reports whether a word is a DSN whose password has not ended yet.
func needsMore(s string) bool {
	start := dsnStart.FindStringIndex(s)
	return start != nil && !strings.Contains(s, "@") && !plainHosts(authority(s[start[1]:]))
}

// authority is the part of a URL before its path and query.
func authority(s string) string {
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		return s[:i]
	}
	return s
}

// redactUserinfo hides what lies between the first colon behind the scheme and
// the last @, or, when there is no @, a port that is no number and all behind it.
func redactUserinfo(s string) string {
	start := 0
	span := dsnStart.FindStringIndex(s)
	if span != nil {
		start = span[1]
	}
	at := strings.LastIndexByte(s, '@')
	if at < start {
		if span == nil || plainHosts(authority(s[start:])) {
			return s
		}
		at = len(s)
	}
	colon := strings.IndexByte(s[start:at], ':')
	if colon < 0 {
		return s
	}
	return s[:start+colon+1] + hidden + s[at:]
}

// redactSettings hides the values of settings whose names say "secret"; whole
// says that s is one DSN and nothing else.
func redactSettings(s string, whole bool) string {
	var out strings.Builder
	for {
		span := setting.FindStringIndex(s)
		if span == nil {
			break
		}
		start, end := span[0], span[1]
		name := s[start:end]
		if plain, err := url.PathUnescape(strings.TrimRight(name, "'\" \t\r\n=:")); err == nil {
			name = plain
		}
		if !secretName.MatchString(name) {
			out.WriteString(s[:end])
			s = s[end:]
			continue
		}
		inQuery := start > 0 && (s[start-1] == '?' || s[start-1] == '&')
		out.WriteString(s[:end])
		if end < len(s) {
			out.WriteString(hidden)
		}
		s = s[end+secretLength(s[end:], inQuery, whole):]
	}
	out.WriteString(s)
	return out.String()
}

// secretLength is how far the value of a secret reaches: to the next & in a
// query, else to the closing quote, else to the next blank, or in a DSN to the
// next setting, for a password with a blank may lack its quotes.
func secretLength(s string, inQuery, whole bool) int {
	if inQuery {
		stop := "&" + blanks
		if whole {
			stop = "&"
		}
		if i := strings.IndexAny(s, stop); i >= 0 {
			return i
		}
		return len(s)
	}
	stop, i := blanks, 0
	if s != "" && (s[0] == '\'' || s[0] == '"') {
		stop, i = s[:1], 1
	} else if whole {
		if next := nextSetting.FindStringIndex(s); next != nil {
			return next[0]
		}
		return len(s)
	}
	for ; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			// All of them, and what they escape: a text that was quoted once more has
			// doubled its backslashes.
			for i+1 < len(s) && s[i] == '\\' {
				i++
			}
		case strings.IndexByte(stop, s[i]) < 0:
		case stop == blanks:
			return i
		default:
			return i + 1 // the closing quote
		}
	}
	return len(s)
}
