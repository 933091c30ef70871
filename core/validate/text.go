package validate

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	everyByte = 0x0101010101010101
	highBits  = 0x8080808080808080
)

// plain returns how many bytes of p, from i on, need no second look in a string:
// ASCII that is no control character, quote or backslash. It reads eight bytes
// at a time; the lowest marked byte of the mask is exact, which is all it uses.
func plain(p []byte, i int) int {
	start := i
	for ; len(p)-i >= 8; i += 8 {
		x := binary.LittleEndian.Uint64(p[i:])
		quote, slash := x^everyByte*'"', x^everyByte*'\\'
		mask := ((quote-everyByte)&^quote | (slash-everyByte)&^slash | (x-everyByte*' ')&^x | x) & highBits
		if mask != 0 {
			return i - start + bits.TrailingZeros64(mask)>>3
		}
	}
	for i < len(p) && p[i] >= ' ' && p[i] != '"' && p[i] != '\\' && p[i] < utf8.RuneSelf {
		i++
	}
	return i - start
}

// text scans a string with its quotes.
func (s *scanner) text() error {
	start := s.i
	s.i++
	for {
		s.i += plain(s.p, s.i)
		if s.i == len(s.p) {
			return refused(s.i, whyCut)
		}
		switch c := s.p[s.i]; {
		case c == '"':
			s.i++
			if s.maxRunes > 0 && s.i-start-2 > s.maxRunes {
				return s.checkLength(start)
			}
			return nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		case c >= utf8.RuneSelf:
			for s.i < len(s.p) && s.p[s.i] >= utf8.RuneSelf {
				char, width := utf8.DecodeRune(s.p[s.i:])
				if char == utf8.RuneError && width == 1 {
					return refused(s.i, "invalid UTF-8; encode text as UTF-8 and binary data as base64")
				}
				s.i += width
			}
		case c == 0:
			return refused(s.i, whyNUL)
		default:
			return refused(s.i, "a control character inside a string; escape it, for example as \\n")
		}
	}
}

// escape scans one escape sequence, both halves of a surrogate pair included.
func (s *scanner) escape() error {
	rest := s.p[s.i:]
	if len(rest) < 2 {
		return refused(len(s.p), whyCut)
	}
	switch rest[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.i += 2
		return nil
	case 'u':
	default:
		return refused(s.i, `not an escape JSON knows; write a backslash as \\`)
	}
	unit := hex4(rest[2:])
	switch {
	case unit < 0:
		return refused(s.i, `\u needs four hexadecimal digits`)
	case unit == 0:
		return refused(s.i, `\u0000, the NUL character, which jsonb cannot store; remove it or encode binary data as base64`)
	case !utf16.IsSurrogate(unit):
		s.i += 6
		return nil
	}
	if _, width := unescape(rest); width == 12 {
		s.i += 12
		return nil
	}
	return refused(s.i, "half of a surrogate pair, which is no character; send the whole pair or remove it")
}

// unescape decodes the escape sequence at the front of raw. It trusts the
// sequence, except that a surrogate without its partner has width 6.
func unescape(raw []byte) (char rune, width int) {
	switch raw[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
	default:
		return rune(raw[1]), 2
	}
	char = hex4(raw[2:])
	if utf16.IsSurrogate(char) && len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
		if pair := utf16.DecodeRune(char, hex4(raw[8:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return char, 6
}

// hex4 returns the value of four hexadecimal digits, negative if they are none.
func hex4(p []byte) rune {
	if len(p) < 4 {
		return -1
	}
	var unit rune
	for _, c := range p[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		unit = unit<<4 | rune(c)
	}
	return unit
}

// checkLength counts the characters of the string that began at start and has
// more bytes than it may have characters.
func (s *scanner) checkLength(start int) error {
	raw, count := s.p[start+1:s.i-1], 0
	for len(raw) > 0 {
		width := 1
		if raw[0] == '\\' {
			_, width = unescape(raw)
		} else if raw[0] >= utf8.RuneSelf {
			_, width = utf8.DecodeRune(raw)
		}
		raw, count = raw[width:], count+1
	}
	if count <= s.maxRunes {
		return nil
	}
	return broken("payload: byte %d: a string of %d characters is over the limit of %d; shorten it or raise max_string_length", start, count, s.maxRunes)
}
