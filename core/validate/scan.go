package validate

// scanner walks one JSON document from front to back. It keeps no tree, only
// which of the open containers are objects, one bit a level.
type scanner struct {
	p        []byte
	i        int // the next byte
	depth    int // open arrays and objects
	maxDepth int
	room     int // bytes the document may still grow when exponents are written out
	maxRunes int // 0: strings of any length
	keys     *keyRules
	objects  [(MaxDepth + 64) / 64]uint64 // bit d set: the container of depth d is an object
}

// The reasons that more than one place gives.
const (
	whyCut     = "the document ends in the middle of a value; send the whole of it"
	whyValue   = "expected a JSON value; serialise the payload with a JSON encoder"
	whyKey     = "expected a key in double quotes; serialise the payload with a JSON encoder"
	whyNUL     = "a NUL byte, which jsonb cannot store; remove it or encode binary data as base64"
	whyLiteral = "expected a JSON value; only true, false and null are words in JSON, and NaN and Infinity are not numbers"
)

// document scans one value and the white space around it.
func (s *scanner) document() error {
	s.space()
	if s.i == len(s.p) {
		return refused(s.i, "the payload is empty; send a JSON document, null for none")
	}
	for {
		opened, err := s.value()
		if err != nil {
			return err
		}
		if opened {
			continue
		}
		done, err := s.afterValue()
		if done || err != nil {
			return err
		}
	}
}

// space skips JSON's four white space characters.
func (s *scanner) space() {
	for s.i < len(s.p) {
		switch s.p[s.i] {
		case ' ', '\n', '\t', '\r':
			s.i++
		default:
			return
		}
	}
}

// value scans a scalar or an empty container whole, or opens a container; then
// opened is true and the next byte begins the first value inside.
func (s *scanner) value() (opened bool, err error) {
	s.space()
	if s.i == len(s.p) {
		return false, refused(s.i, whyCut)
	}
	switch c := s.p[s.i]; c {
	case '"':
		return false, s.text()
	case '{':
		return s.open(true, '}')
	case '[':
		return s.open(false, ']')
	case 't':
		return false, s.word("true")
	case 'f':
		return false, s.word("false")
	case 'n':
		return false, s.word("null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return false, s.number()
	default:
		return false, refused(s.i, unexpected(s.p[s.i:], whyValue))
	}
}

// unexpected explains a byte that begins no value, for the usual mistakes.
func unexpected(rest []byte, why string) string {
	switch {
	case rest[0] == 0:
		return whyNUL
	case len(rest) > 2 && rest[0] == 0xEF && rest[1] == 0xBB && rest[2] == 0xBF:
		return "a byte order mark, which JSON does not allow; remove it"
	case rest[0] == '\'':
		return "JSON strings stand in double quotes"
	case rest[0] == 'N' || rest[0] == 'I':
		return whyLiteral
	}
	return why
}

// open enters an array or object, or scans it whole when it is empty.
func (s *scanner) open(object bool, closing byte) (opened bool, err error) {
	start := s.i
	s.i++
	if s.depth == s.maxDepth {
		return false, broken("payload: byte %d: nested deeper than %d levels; flatten it or raise max_object_depth", start, s.maxDepth)
	}
	s.space()
	if s.i < len(s.p) && s.p[s.i] == closing {
		s.i++
		return false, nil
	}
	s.depth++
	word, bit := s.depth>>6, uint64(1)<<(s.depth&63)
	if !object {
		s.objects[word] &^= bit
		return true, nil
	}
	s.objects[word] |= bit
	return true, s.key()
}

// key scans `"name" :`.
func (s *scanner) key() error {
	s.space()
	if s.i == len(s.p) {
		return refused(s.i, whyCut)
	}
	if s.p[s.i] != '"' {
		return refused(s.i, unexpected(s.p[s.i:], whyKey))
	}
	start := s.i
	if err := s.text(); err != nil {
		return err
	}
	if s.keys != nil {
		if err := s.keys.check(s.p[start+1:s.i-1], start, s.depth); err != nil {
			return err
		}
	}
	s.space()
	if s.i == len(s.p) {
		return refused(s.i, whyCut)
	}
	if s.p[s.i] != ':' {
		return refused(s.i, "expected a colon after the key")
	}
	s.i++
	return nil
}

// afterValue closes the containers that end here and stops before the next
// value; done is true at the end of the document.
func (s *scanner) afterValue() (done bool, err error) {
	for {
		s.space()
		if s.depth == 0 {
			if s.i < len(s.p) {
				return false, refused(s.i, "data after the end of the document; send one JSON document a message")
			}
			return true, nil
		}
		if s.i == len(s.p) {
			return false, refused(s.i, whyCut)
		}
		object := s.objects[s.depth>>6]>>(s.depth&63)&1 != 0
		switch c := s.p[s.i]; {
		case c == ',':
			s.i++
			if object {
				return false, s.key()
			}
			return false, nil
		case c == '}' && object, c == ']' && !object:
			s.i++
			s.depth--
		case object:
			return false, refused(s.i, unexpected(s.p[s.i:], "expected a comma or the end of the object"))
		default:
			return false, refused(s.i, unexpected(s.p[s.i:], "expected a comma or the end of the array"))
		}
	}
}

// word scans true, false or null.
func (s *scanner) word(want string) error {
	if len(s.p)-s.i < len(want) || string(s.p[s.i:s.i+len(want)]) != want {
		return refused(s.i, whyLiteral)
	}
	s.i += len(want)
	return nil
}
