package bindings

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLayout compares the twins with what a C compiler says of the header's structs
// and constants (tests/abi writes it down).
func TestLayout(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../tests/abi/testdata/layout.json")
	require.NoError(t, err)
	var c struct {
		Structs map[string]struct {
			Size    uintptr
			Offsets map[string]uintptr
		}
		Constants map[string]int64
	}
	require.NoError(t, json.Unmarshal(raw, &c))
	require.Equal(t, c.Constants, twinConstants)
	require.Len(t, twinStructs, len(c.Structs))
	for name, want := range c.Structs {
		twin := twinStructs[name]
		require.NotNil(t, twin, name)
		require.Equal(t, want.Size, twin.Size(), name)
		have := map[string]uintptr{}
		for i := range twin.NumField() {
			have[strings.ToLower(twin.Field(i).Name)] = twin.Field(i).Offset
		}
		for field, offset := range want.Offsets {
			require.Equal(t, offset, have[strings.ReplaceAll(field, "_", "")], "%s.%s", name, field)
		}
		require.Len(t, have, len(want.Offsets), name)
	}
}

// What the collector must not lose has to be a pointer for it.
func TestTwinsHoldPointersAsPointers(t *testing.T) {
	t.Parallel()
	field, ok := reflect.TypeFor[cStr]().FieldByName("data")
	require.True(t, ok)
	require.Equal(t, reflect.UnsafePointer, field.Type.Kind())
}
