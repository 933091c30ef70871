package bindings

import (
	"fmt"
	"strings"

	"github.com/ebitengine/purego"
)

// symbol is one function of the library and the variable it is called through.
type symbol struct {
	name     string
	function any // a pointer to a function variable
}

// register fills in every variable, or says which functions the library lacks.
// They are looked for first: purego panics on a missing one.
func (s *symbols) register(library uintptr) error {
	var missing []string
	addresses := map[string]uintptr{}
	for _, f := range s.each() {
		address, err := purego.Dlsym(library, f.name)
		if err != nil {
			missing = append(missing, f.name)
		}
		addresses[f.name] = address
	}
	if len(missing) > 0 {
		return fmt.Errorf("it lacks %s: it is older than this package", strings.Join(missing, ", "))
	}
	for _, f := range s.each() {
		purego.RegisterFunc(f.function, addresses[f.name])
	}
	return nil
}
