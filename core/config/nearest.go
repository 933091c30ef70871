package config

import "strings"

// unknown is why a name is not a property's: it names the nearest one. The name
// itself is repeated only if it looks like a name, for a line that is no setting
// at all may be a stray DSN.
func unknown(name, prefix string) string {
	shown := "this name"
	if isName(name) {
		shown = prefix + name
	}
	best, distance := "", 0
	for i := range properties {
		if prefix != "" && properties[i].Name == "dsn" {
			continue // no DSN parameter is called pgqrs_dsn
		}
		if d := edits(strings.ToLower(name), properties[i].Name); best == "" || d < distance {
			best, distance = properties[i].Name, d
		}
	}
	return shown + " is not a property of pgqrs; the nearest is " + prefix + best
}

func isName(s string) bool {
	if s == "" || len(s) > 40 {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}

// edits is the Levenshtein distance of two names.
func edits(a, b string) int {
	if len(a) > 100 {
		a = a[:100] // names are short; input need not be
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
