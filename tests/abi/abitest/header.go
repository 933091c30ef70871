package abitest

import (
	"strings"
	"testing"

	"github.com/pgqrs/pgqrs/include/header"
)

// Header is what pgqrs.h declares, in its order.
type Header struct{ header.Header }

// ReadHeader reads include/pgqrs.h.
func ReadHeader(t testing.TB) Header {
	t.Helper()
	h, err := header.Read(Root())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range h.Functions() {
		if !strings.HasPrefix(f.Name, "pgqrs_") {
			t.Fatalf("pgqrs.h: %s is outside the namespace", f.Name)
		}
	}
	return Header{h}
}

// Names returns the names of the functions.
func (h Header) Names() []string {
	var names []string
	for _, f := range h.Functions() {
		names = append(names, f.Name)
	}
	return names
}
