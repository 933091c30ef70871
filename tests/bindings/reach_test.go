package bindings

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/include/header"
	"github.com/pgqrs/pgqrs/tests/abi/abitest"
)

// surfaces are the bindings: their sources below bindings, and how those call a
// function whose name without its prefix, and as Go spells that, is put in.
var surfaces = map[string]struct{ files, call string }{
	"Go":      {"*.go", `\b(l|lib)\.$go\b`},
	"C++":     {"cpp/*.hpp", `\bpgqrs_$name\b`},
	"Node.js": {"node/lib/*.js", `\bpgqrs_$name\b`},
	"Rust":    {"rust/src/*.rs", `\b(lib|symbols)\.$name\b|c"pgqrs_$name"`},
}

// unreached are the functions that bindings do without, and why. No languages: none of
// them calls it.
var unreached = []struct {
	why       string
	languages []string
	functions []string
}{
	{
		"the blocking forms: a binding waits in its language's own way, and get() or wait() is on top of that", nil,
		[]string{
			"store_open_wait", "install_wait", "queue_create_wait", "producer_open_wait", "consumer_open_wait", "enqueue_wait",
			"dequeue_wait", "archive_wait", "delete_wait", "extend_vt_wait", "release_wait",
		},
	},
	{"for benchmarks and tests of loops", nil, []string{"cq_nop"}},
	{
		"for hosts in which crossing the boundary costs more than a call: the library shares the transactions of single calls by itself",
		nil,
		[]string{"enqueue_each", "result_failure"},
	},
	{"the texts of statuses are generated with their numbers", []string{"Go", "Node.js", "Rust"}, []string{"status_text"}},
	{"the event loop watches the descriptor", []string{"Go", "Node.js"}, []string{"cq_wait"}},
	{"a thread waits for completions", []string{"Rust"}, []string{"cq_fd"}},
}

// TestEveryFunctionIsReached compares what pgqrs.h declares with what each binding calls.
func TestEveryFunctionIsReached(t *testing.T) {
	t.Parallel()
	h, err := header.Read(abitest.Root())
	require.NoError(t, err)
	for language, surface := range surfaces {
		source := code(t, surface.files)
		for _, f := range h.Functions() {
			name := strings.TrimPrefix(f.Name, "pgqrs_")
			pattern := strings.NewReplacer("$name", name, "$go", goName(name)).Replace(surface.call)
			reached := regexp.MustCompile(pattern).MatchString(source)
			why := excuse(language, name)
			require.False(t, !reached && why == "", "%s does not reach %s: wrap it, or say why not in unreached", language, f.Name)
			require.False(t, reached && why != "", "%s reaches %s, of which unreached says: %s", language, f.Name, why)
		}
	}
}

// code is what people have written into the files of a binding, without comments.
func code(t *testing.T, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(abitest.Root(), "bindings", filepath.FromSlash(pattern)))
	require.NoError(t, err)
	var all strings.Builder
	for _, path := range paths {
		base := filepath.Base(path)
		if strings.Contains(base, "_gen") || strings.HasSuffix(base, "_test.go") || base == "sys.rs" {
			continue
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		all.Write(regexp.MustCompile(`(?m)^\s*(//|\*|/\*).*$`).ReplaceAll(text, nil))
	}
	require.NotZero(t, all.Len(), pattern)
	return all.String()
}

func excuse(language, function string) string {
	for _, u := range unreached {
		if slices.Contains(u.functions, function) && (u.languages == nil || slices.Contains(u.languages, language)) {
			return u.why
		}
	}
	return ""
}

// goName is enqueueEach for enqueue_each, as bindings/symbols_gen.go has it.
func goName(name string) string {
	return regexp.MustCompile(`_(id|json|fd|abi)\b|_(\w)`).ReplaceAllStringFunc(name, func(part string) string {
		part = strings.TrimPrefix(part, "_")
		return strings.ToUpper(part)
	})
}
