package validate

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/pgqrs/pgqrs/core/fault"
)

// The limits that hold where a field of [Rules] is zero.
const (
	DefaultMaxPayloadBytes = 1 << 20
	DefaultMaxDepth        = 64
)

// The largest limits that Rules may ask for; larger values are cut to these.
const (
	// MaxPayloadBytes is 32 MiB. The densest document of that size,
	// [1,1,1,...], takes 192 MiB as jsonb and 512 MiB while it is parsed;
	// twice that is more than PostgreSQL can allocate at once.
	MaxPayloadBytes = 32 << 20
	// MaxDepth is 1000, the deepest nesting SQLite's JSON functions read.
	MaxDepth = 1000
)

// expansionFactor bounds the document as it comes back. PostgreSQL writes
// exponents out: 1e131071 is 8 bytes on the way in and 131,072 digits on the
// way out, so a stored megabyte could become more than the gigabyte a value may
// have, and then every claim that meets the message fails for ever. With
// MaxPayloadBytes the factor allows 256 MiB, far from that wall.
const expansionFactor = 8

// Rules limit what a payload may look like. The zero Rules are the documented
// defaults: 1 MiB, 64 levels, strings of any length, keys of any name.
type Rules struct {
	// MaxPayloadBytes limits the document in bytes; 0 means 1 MiB, and 32 MiB is
	// the most. The document as PostgreSQL returns it, with exponents written
	// out, may have eight times as many.
	MaxPayloadBytes int
	// MaxStringLength limits every string, keys included, in characters (Unicode
	// code points, after unescaping); 0 means no limit.
	MaxStringLength int
	// MaxDepth limits how many arrays and objects may lie inside each other; a
	// bare number has depth 0, [] has depth 1. 0 means 64, and 1000 is the most.
	MaxDepth int
	// ForbiddenKeys are refused in every object, at any depth.
	ForbiddenKeys []string
	// RequiredKeys must be present in the payload, which then must be an object.
	// Keys of nested objects do not count.
	RequiredKeys []string
}

// Payload reports whether p is a JSON document that both engines store and
// return equal, and that keeps the rules.
//
// The error is a *fault.Error with Safe and RowFault set: of kind Serialization
// when p is not such a document, of kind Validation when a limit or a key rule
// is broken. Its text gives the byte offset and the remedy and never quotes the
// payload. A payload that passes costs no allocation unless key rules are set.
func (r Rules) Payload(p []byte) error {
	limit := bounded(r.MaxPayloadBytes, DefaultMaxPayloadBytes, MaxPayloadBytes)
	if len(p) > limit {
		return broken("payload: %d bytes are over the limit of %d; store large data elsewhere and send a reference, or raise max_payload_size_bytes", len(p), limit)
	}
	s := scanner{
		p:        p,
		maxDepth: bounded(r.MaxDepth, DefaultMaxDepth, MaxDepth),
		room:     limit*expansionFactor - len(p),
		maxRunes: r.MaxStringLength,
	}
	if len(r.ForbiddenKeys)+len(r.RequiredKeys) > 0 {
		s.keys = &keyRules{forbidden: r.ForbiddenKeys, required: r.RequiredKeys, seen: make([]bool, len(r.RequiredKeys))}
	}
	if err := s.document(); err != nil {
		return err
	}
	if s.keys != nil {
		return s.keys.missing()
	}
	return nil
}

// Document is Payload for a document that is no message's payload but the named
// argument, for which rules about keys are not meant: the error names it instead,
// and has no RowFault.
func (r Rules) Document(field string, p []byte) error {
	r.ForbiddenKeys, r.RequiredKeys = nil, nil
	err := r.Payload(p)
	var why *fault.Error
	if errors.As(err, &why) {
		return &fault.Error{Kind: why.Kind, Field: field, Text: field + strings.TrimPrefix(why.Text, "payload"), Safe: true}
	}
	return err
}

func bounded(value, fallback, most int) int {
	if value <= 0 {
		return fallback
	}
	return min(value, most)
}

// keyRules is what a scan knows about the keys it must and must not meet.
type keyRules struct {
	forbidden, required []string
	seen                []bool // by index of required
}

// check looks at one key, still escaped, that began at the given offset.
func (k *keyRules) check(raw []byte, offset, depth int) error {
	for _, name := range k.forbidden {
		if sameKey(raw, name) {
			return broken("payload: byte %d: the key %q is forbidden by forbidden_keys; remove it", offset, name)
		}
	}
	if depth != 1 {
		return nil
	}
	for i, name := range k.required {
		if !k.seen[i] && sameKey(raw, name) {
			k.seen[i] = true
		}
	}
	return nil
}

// missing reports the first required key that no top-level object had. Only an
// object has keys at depth 1 that are the document's own, except objects inside
// a top-level array, which lie at depth 2.
func (k *keyRules) missing() error {
	for i, name := range k.required {
		if !k.seen[i] {
			return broken("payload: the key %q is required by required_keys at the top level; add it", name)
		}
	}
	return nil
}

// sameKey compares a scanned key, without its quotes, with a name, undoing the
// escapes on the way so that nothing is allocated.
func sameKey(raw []byte, name string) bool {
	var buffer [utf8.UTFMax]byte
	for len(raw) > 0 {
		if raw[0] != '\\' {
			if name == "" || name[0] != raw[0] {
				return false
			}
			raw, name = raw[1:], name[1:]
			continue
		}
		char, width := unescape(raw)
		n := utf8.EncodeRune(buffer[:], char)
		if len(name) < n || name[:n] != string(buffer[:n]) {
			return false
		}
		raw, name = raw[width:], name[n:]
	}
	return name == ""
}
