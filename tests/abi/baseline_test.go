package abi_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/include/header"
	"github.com/pgqrs/pgqrs/tests/abi/abitest"
)

// baseline takes what `make abi/baseline` writes down at a release. -update leaves it
// alone: goldens follow the header, the baseline holds it.
var baseline = flag.Bool("baseline", false, "write down the ABI that later releases must keep")

const remedy = `Programs that were compiled against an earlier release break. Restore it; add what is new
at the end of a struct that says its size, or under a name of its own. If ABI %d has to end:
raise PGQRS_ABI_VERSION, the soname (capi/build.sh, Makefile) and the version node
(capi/pgqrs.map), then "make abi/baseline".`

// TestBaseline compares the ABI with the one of the last release.
func TestBaseline(t *testing.T) {
	t.Parallel()
	h := abitest.ReadHeader(t).Header
	now := surfaceOf(h, layoutOf(t, h), symbols(t, abitest.Library(t)))
	file := fmt.Sprintf("testdata/baseline-%d.json", now.Version)
	before, err := readBaseline(file)
	if *baseline && os.IsNotExist(err) { // the first of this ABI version
		before, err = now, nil
	}
	require.NoError(t, err, "ABI %d has no baseline: `make abi/baseline` takes one, at a release", now.Version)
	if broken := before.broken(now); len(broken) > 0 {
		t.Fatalf("ABI %d has changed since its last release:\n  %s\n"+remedy,
			now.Version, strings.Join(broken, "\n  "), now.Version)
	}
	if *baseline {
		text, err := json.MarshalIndent(now, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o644))
	}
}

func readBaseline(file string) (s surface, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(text, &s)
}

// TestSonameSaysTheVersion: another ABI version is another file to the loader.
func TestSonameSaysTheVersion(t *testing.T) {
	t.Parallel()
	h := abitest.ReadHeader(t).Header
	version := layoutOf(t, h).Constants["PGQRS_ABI_VERSION"]
	require.Contains(t, dynamicSection(t), fmt.Sprintf("[libpgqrs.so.%d]", version))
	require.Equal(t, fmt.Sprintf("pgqrs_%d", version), symbols(t, abitest.Library(t))["pgqrs_abi_version"])
}

// TestChangesOfTheABI alters copies of the header, compiles them, and compares.
func TestChangesOfTheABI(t *testing.T) {
	t.Parallel()
	original := abitest.ReadHeader(t).Header
	before := surfaceOf(original, layoutOf(t, original), nil)
	for name, c := range map[string]struct{ old, new, broken string }{
		"nothing":    {"", "", ""},
		"a comment":  {"/* 0 */", "/* zero */", ""},
		"a function": {"PGQRS_API int32_t pgqrs_op_cancel", "PGQRS_API int32_t pgqrs_op_pause(pgqrs_handle op);\nPGQRS_API int32_t pgqrs_op_cancel", ""},
		"a constant": {"#define PGQRS_CQE_MORE ", "#define PGQRS_CQE_LAST 0x4u\n#define PGQRS_CQE_MORE ", ""},
		"a struct": {
			"typedef struct pgqrs_cq_options {",
			"typedef struct pgqrs_op_options {\n    uint32_t struct_size;\n    uint32_t flags;\n} pgqrs_op_options;\n\ntypedef struct pgqrs_cq_options {", "",
		},
		"an option":                     {"} pgqrs_cq_options;", "    uint64_t added;\n} pgqrs_cq_options;", ""},
		"a column":                      {"} pgqrs_message;", "    int64_t added;\n} pgqrs_message;", ""},
		"a name for what was reserved":  {"    uint32_t reserved;\n} pgqrs_cq_options;", "    uint32_t added;\n} pgqrs_cq_options;", ""},
		"another name for a parameter":  {"pgqrs_op_cancel(pgqrs_handle op)", "pgqrs_op_cancel(pgqrs_handle operation)", ""},
		"a function is gone":            {"PGQRS_API int32_t pgqrs_op_cancel(pgqrs_handle op);", "", "pgqrs_op_cancel is gone"},
		"a parameter is another":        {"pgqrs_cq_wait(pgqrs_handle cq, int64_t", "pgqrs_cq_wait(pgqrs_handle cq, int32_t", "pgqrs_cq_wait was {int32_t (pgqrs_handle, int64_t) } and is {int32_t (pgqrs_handle, int32_t) }"},
		"a parameter more":              {"pgqrs_op_cancel(pgqrs_handle op)", "pgqrs_op_cancel(pgqrs_handle op, uint32_t flags)", "pgqrs_op_cancel was"},
		"a result is another":           {"const char *pgqrs_version(void)", "int32_t pgqrs_version(void)", "pgqrs_version was"},
		"a constant is gone":            {"#define PGQRS_CQE_MORE  0x1u\n", "", "PGQRS_CQE_MORE is gone"},
		"a constant is another":         {"#define PGQRS_CQE_VALUE 0x2u", "#define PGQRS_CQE_VALUE 0x4u", "PGQRS_CQE_VALUE was 2 and is 4"},
		"a status is another":           {"(-101)", "(-199)", "PGQRS_E_INVALID_ARGUMENT was -101 and is -199"},
		"a handle is another":           {"typedef uint64_t pgqrs_handle;", "typedef uint32_t pgqrs_handle;", "pgqrs_handle was uint64_t and is uint32_t"},
		"a field changes its type":      {"    int64_t vt;", "    uint64_t vt;", "pgqrs_message.vt (int64_t at 24) moved, changed or is gone"},
		"a field changes its name":      {"    int64_t vt;", "    int64_t visible;", "pgqrs_message.vt (int64_t at 24) moved, changed or is gone"},
		"a field in the middle":         {"    int64_t delay_ms;", "    int64_t added;\n    int64_t delay_ms;", "pgqrs_enqueue_options.delay_ms (int64_t at 8) moved, changed or is gone"},
		"a field is gone":               {"    int64_t retry_after_ms;\n", "", "pgqrs_error_detail had 80 bytes and has 72"},
		"a struct of fixed size grows":  {"} pgqrs_completion;", "    uint64_t added;\n} pgqrs_completion;", "pgqrs_completion had 32 bytes and has 40"},
		"what callers give an array of": {"} pgqrs_token;", "    uint64_t added;\n} pgqrs_token;", "pgqrs_token had 16 bytes and has 24"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, original.Text, c.old)
			altered, err := header.Parse(strings.Replace(original.Text, c.old, c.new, 1))
			require.NoError(t, err)
			broken := before.broken(surfaceOf(altered, layoutOf(t, altered), nil))
			if c.broken == "" {
				require.Empty(t, broken)
			} else {
				require.Contains(t, strings.Join(broken, "\n"), c.broken)
			}
		})
	}
}

// TestChangesNoHeaderShows: another version node, and a field in what was padding.
func TestChangesNoHeaderShows(t *testing.T) {
	t.Parallel()
	made := func(node string, fields ...field) surface {
		return surface{
			Functions: map[string]function{"pgqrs_f": {"int32_t ()", node}},
			Structs:   map[string]record{"pgqrs_s": {Size: 16, Fields: append([]field{{"struct_size", "uint32_t", 0}, {"at", "int64_t", 8}}, fields...)}},
		}
	}
	before := made("pgqrs_1")
	require.Empty(t, before.broken(before))
	require.Equal(t, []string{"pgqrs_f was {int32_t () pgqrs_1} and is {int32_t () pgqrs_2}"}, before.broken(made("pgqrs_2")))
	require.Equal(t, []string{"pgqrs_s.flags is new, but not behind what there was"},
		before.broken(made("pgqrs_1", field{"flags", "uint32_t", 4})))
}
