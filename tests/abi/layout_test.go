package abi_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/include/header"
	"github.com/pgqrs/pgqrs/tests/abi/abitest"
)

// update rewrites the golden files; what changes must be an addition.
var update = flag.Bool("update", false, "rewrite the golden files")

const layoutGolden = "testdata/layout.json"

func TestMain(m *testing.M) { abitest.Main(m) }

// layout is what bindings compare their twins with.
type layout struct {
	Structs   map[string]structLayout `json:"structs"`
	Constants map[string]int64        `json:"constants"`
}

type structLayout struct {
	Size    int            `json:"size"`
	Offsets map[string]int `json:"offsets"`
}

// TestLayout lets the compiler say where every field of every struct is, and
// what every constant is, and compares with the golden file. Python compares its
// twins with the same file.
func TestLayout(t *testing.T) {
	t.Parallel()
	have := layoutOf(t, abitest.ReadHeader(t).Header)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	require.NoError(t, encoder.Encode(have))
	if *update {
		require.NoError(t, os.WriteFile(layoutGolden, text.Bytes(), 0o644))
	}
	want, err := os.ReadFile(layoutGolden)
	require.NoError(t, err)
	require.JSONEq(t, string(want), text.String())
}

// layoutOf compiles a header, which need not be the one of include, and asks.
func layoutOf(t *testing.T, h header.Header) (l layout) {
	t.Helper()
	source := abitest.Write(t, "layout.c", layoutProgram(h))
	// Beside the source it is the one that is found first.
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(source), "pgqrs.h"), []byte(h.Text), 0o600))
	require.NoError(t, json.Unmarshal([]byte(abitest.Run(t, exec.Command(abitest.Compile(t, source, "")))), &l))
	return l
}

// layoutProgram is a C program that prints the layout as JSON.
func layoutProgram(h header.Header) string {
	var b bytes.Buffer
	b.WriteString("#include <stddef.h>\n#include <stdio.h>\n#include \"pgqrs.h\"\nint main(void) {\n")
	b.WriteString("    printf(\"{\\\"structs\\\": {\");\n")
	for i, s := range h.Structs() {
		fmt.Fprintf(&b, "    printf(\"%s\\\"%s\\\": {\\\"size\\\": %%zu, \\\"offsets\\\": {\", sizeof(%s));\n",
			comma(i), s.Name, s.Name)
		for j, f := range s.Fields {
			fmt.Fprintf(&b, "    printf(\"%s\\\"%s\\\": %%zu\", offsetof(%s, %s));\n", comma(j), f.Name, s.Name, f.Name)
		}
		b.WriteString("    printf(\"}}\");\n")
	}
	b.WriteString("    printf(\"}, \\\"constants\\\": {\");\n")
	for i, c := range h.Constants() {
		fmt.Fprintf(&b, "    printf(\"%s\\\"%s\\\": %%lld\", (long long)(%s));\n", comma(i), c.Name, c.Name)
	}
	b.WriteString("    printf(\"}}\\n\");\n    return 0;\n}\n")
	return b.String()
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ", "
}

// TestOptionStructsAreSizeFirst guards the rule that lets them grow.
func TestOptionStructsAreSizeFirst(t *testing.T) {
	t.Parallel()
	sizeFirst := 0
	for _, s := range abitest.ReadHeader(t).Structs() {
		for i, f := range s.Fields {
			if f.Name == "struct_size" {
				require.Zero(t, i, "%s: struct_size comes first", s.Name)
				sizeFirst++
			}
		}
	}
	require.GreaterOrEqual(t, sizeFirst, 9)
}
