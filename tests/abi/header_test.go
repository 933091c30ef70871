package abi_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/tests/abi/abitest"
)

func TestHeaderCompilesUnderEveryStandard(t *testing.T) {
	t.Parallel()
	const only = "#include \"pgqrs.h\"\n"
	abitest.CompileOnly(t, abitest.Write(t, "only.c", only), "c99")
	abitest.CompileOnly(t, abitest.Write(t, "only.c", only), "c11")
	abitest.CompileOnly(t, abitest.Write(t, "only.cpp", only), "c++17")
	abitest.CompileOnly(t, abitest.Write(t, "only.cpp", only), "c++20")
}

// TestHeaderKeepsItsPromises: fixed-width integers, no callbacks, nothing a
// binding generator stumbles over.
func TestHeaderKeepsItsPromises(t *testing.T) {
	t.Parallel()
	code := regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(abitest.ReadHeader(t).Text, "")
	_, code, _ = strings.Cut(code, "typedef")
	for _, forbidden := range []string{
		`\blong\b`, `\bsize_t\b`, `\bbool\b`, `\bunion\b`, `\benum\b`, `\.\.\.`, `\(\*`, `\w+ : \d+;`, `\bunsigned\b`, `\bint\b`,
	} {
		require.NotRegexp(t, forbidden, code)
	}
	for _, f := range abitest.ReadHeader(t).Functions() {
		for i, p := range f.Parameters {
			if p.Name == "error" && f.Name != "pgqrs_error_info" {
				require.Equal(t, len(f.Parameters)-1, i, "%s: error comes last", f.Name)
			}
		}
	}
}

// TestFirstExampleRuns compiles and runs the program in the header's first
// comment, twice: the second time its queue exists.
func TestFirstExampleRuns(t *testing.T) {
	t.Parallel()
	source := firstExample(t)
	require.LessOrEqual(t, strings.Count(source, "\n"), 36, "the header's example stays short")
	program := abitest.Compile(t, abitest.Write(t, "example.c", source), abitest.Library(t))
	dir := t.TempDir()
	for range 2 {
		require.Empty(t, runIn(t, dir, program))
	}
	require.FileExists(t, filepath.Join(dir, "jobs.db"))
}

// firstExample is the program in the header's first comment.
func firstExample(t *testing.T) string {
	t.Helper()
	comment, _, ok := strings.Cut(abitest.ReadHeader(t).Text, "*/")
	require.True(t, ok)
	var b strings.Builder
	for line := range strings.Lines(comment) {
		if code, ok := strings.CutPrefix(line, " *     "); ok {
			b.WriteString(code)
		} else if b.Len() > 0 && line == " *\n" {
			b.WriteString("\n")
		} else if b.Len() > 0 {
			break
		}
	}
	require.Contains(t, b.String(), "int main(void)")
	return b.String()
}

// TestCompletionQueueExampleRuns does the same with the example of a program
// that has an event loop.
func TestCompletionQueueExampleRuns(t *testing.T) {
	t.Parallel()
	program := abitest.Compile(t, "testdata/queue_example.c", abitest.Library(t))
	require.Regexp(t, `^stored as \d+\n$`, runIn(t, t.TempDir(), program))
}

// TestReadmeSnippetsCompile compiles every C block of README.md and docs.
func TestReadmeSnippetsCompile(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join(abitest.Root(), "docs", "*.md"))
	require.NoError(t, err)
	pages = append(pages, filepath.Join(abitest.Root(), "README.md"))
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if os.IsNotExist(err) {
			continue
		}
		require.NoError(t, err)
		for i, block := range regexp.MustCompile("(?ms)^```c\n(.*?)^```").FindAllStringSubmatch(string(text), -1) {
			source := block[1]
			if !strings.Contains(source, "#include") {
				source = "#include <stdio.h>\n#include \"pgqrs.h\"\n" + source
			}
			t.Logf("%s: block %d", filepath.Base(page), i+1)
			abitest.CompileOnly(t, abitest.Write(t, "snippet.c", source), "c99")
		}
	}
}

// runIn runs a program in a directory; it must end by itself, with status 0.
func runIn(t *testing.T, dir, program string) string {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Dir = dir
	timer := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	return abitest.Run(t, cmd)
}
