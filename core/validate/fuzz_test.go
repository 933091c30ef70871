package validate

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pgqrs/pgqrs/core/fault"
)

// FuzzPayload compares the scanner with encoding/json: what it accepts must be
// valid there, and what it refuses although it is valid there must be one of the
// things jsonb refuses, found by a second, slower route.
func FuzzPayload(f *testing.F) {
	for _, file := range []string{"testdata/numbers.tsv", "testdata/documents.tsv"} {
		for _, row := range golden(f, file) {
			if len(row.document) < 1000 {
				f.Add([]byte(row.document))
			}
		}
	}
	f.Add([]byte(`{"task":"send_email","to":"user@example.com","n":123}`))
	f.Add([]byte(strings.Repeat(`[{"a":`, 40)))
	f.Fuzz(func(t *testing.T, p []byte) {
		before := bytes.Clone(p)
		err := Rules{}.Payload(p)
		if !bytes.Equal(p, before) {
			t.Fatal("the scan changed the payload")
		}
		valid := json.Valid(p)
		switch {
		case err == nil && !valid:
			t.Fatalf("accepted %q", p)
		case err == nil && !storable(t, p):
			t.Fatalf("accepted %q, which jsonb refuses", p)
		case err != nil && valid && fault.Is(err, fault.Serialization) && storable(t, p):
			t.Fatalf("refused %q: %v", p, err)
		}
		if err == nil {
			return
		}
		var e *fault.Error
		if !errors.As(err, &e) || !e.Safe || !e.RowFault || e.Field != "payload" {
			t.Fatalf("not a row fault: %#v", err)
		}
		if e.Kind != fault.Serialization && e.Kind != fault.Validation {
			t.Fatalf("kind %v", e.Kind)
		}
	})
}

// storable reports whether jsonb takes a document that encoding/json calls valid.
func storable(t *testing.T, p []byte) bool {
	if !utf8.Valid(p) {
		return false
	}
	// A lone surrogate decodes to U+FFFD and a NUL to U+0000; to tell U+FFFD from
	// one that was written as such, those are replaced first.
	p = bytes.ReplaceAll(p, []byte("\uFFFD"), []byte("?"))
	decoder := json.NewDecoder(bytes.NewReader(p))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			t.Fatalf("decoding %q: %v", p, err)
		}
		switch token := token.(type) {
		case string:
			if strings.ContainsRune(token, 0) {
				return false
			}
			if strings.ContainsRune(token, utf8.RuneError) && !bytes.Contains(bytes.ToLower(p), []byte(`\ufffd`)) {
				return false
			}
		case json.Number:
			if !numeric(token.String()) {
				return false
			}
		}
	}
}

// numeric writes a number out, as numeric_in's rules are stated, and counts.
func numeric(literal string) bool {
	mantissa, power, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(literal, "-")), "e")
	exponent := 0
	if power != "" {
		var err error
		exponent, err = strconv.Atoi(power)
		if err != nil || exponent >= 1073741823 || exponent <= -1073741823 {
			return false
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	scale := len(fraction) - exponent
	if scale > 16383 {
		return false
	}
	significant := strings.TrimLeft(whole+fraction, "0")
	if significant == "" {
		return true
	}
	return len(significant)-len(fraction)+exponent <= 131072
}
