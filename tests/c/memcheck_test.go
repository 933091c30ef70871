package c_test

import (
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/tests/abi/abitest"
	"github.com/pgqrs/pgqrs/tests/conformance"
)

// finding is one error of memcheck's report. Its first frame is the innermost of
// where it happened.
type finding struct {
	Kind   string  `xml:"kind"`
	Frames []frame `xml:"stack>frame"`
	Text   string  `xml:",innerxml"`
}

type frame struct {
	Object string `xml:"obj"`
}

// memcheck runs a program on a store of its own and returns what memcheck has
// against it, and how the program itself ended.
//
// Memcheck takes a change of goroutines, whose stacks lie side by side, for a stack
// that shrinks, and so what the runtime, or the kernel for it, writes there next for
// an error; nor did Go get that memory from malloc. So errors whose innermost frame
// lies in the library, its own system calls included, are left out. Suppressions
// cannot say that: they want the name of every parameter of every system call. What
// remains is what the test is for: reads of results by the program, copies and frees
// through libc, and leaks of what C can see.
func memcheck(t *testing.T, name string, args ...string) (found []finding, ended error) {
	t.Helper()
	if testing.Short() {
		t.Skip("memcheck takes long")
	}
	valgrind, err := exec.LookPath("valgrind")
	if err != nil {
		t.Skip("valgrind is not installed")
	}
	program := abitest.Compile(t, source(name), abitest.Library(t), "-pthread", "-g")
	file := filepath.Join(t.TempDir(), "report.xml")
	// In turn: threads of the runtime that spin would keep the others from their work.
	cmd := command(t, patience, valgrind, append([]string{
		"--quiet", "--fair-sched=try", "--error-limit=no", "--xml=yes", "--xml-file=" + file,
		"--leak-check=full", "--show-leak-kinds=definite", program, conformance.SQLite(t),
	}, args...)...)
	text, err := cmd.CombinedOutput()
	if err != nil {
		ended = fmt.Errorf("%w\n%s", err, text)
	}
	report, err := os.ReadFile(file)
	require.NoError(t, err)
	var all struct {
		Findings []finding `xml:"error"`
	}
	require.NoError(t, xml.Unmarshal(report, &all), ended)
	for _, f := range all.Findings {
		if len(f.Frames) == 0 || !strings.Contains(f.Frames[0].Object, "libpgqrs") {
			found = append(found, f)
		}
	}
	return found, ended
}
