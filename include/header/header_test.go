package header

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRead(t *testing.T) {
	t.Parallel()
	h, err := Read("../..")
	require.NoError(t, err)
	require.Contains(t, h.Intro, "This file is the contract")
	for _, s := range h.Sections {
		require.NotEmpty(t, s.Title)
		for _, i := range s.Items {
			for _, f := range i.Functions {
				require.NotEmpty(t, i.Doc, "%s is not documented", f.Name)
			}
		}
	}
}

const small = `/* Small. */
#define PGQRS_API

/* ---- Things ------
 * About things. */

/* One thing. since 1 */
typedef struct pgqrs_thing {
    uint32_t size;       /* of it */
    const char *data;
    char code[8];
} pgqrs_thing;

#define PGQRS_ONE 0x1u /* the first */
#define PGQRS_E_BAD (-101)

/* Opens it.
 *   out  the thing. since 1 */
PGQRS_API int32_t pgqrs_open(const pgqrs_thing *thing,
                             uint64_t *out);
`

func TestParse(t *testing.T) {
	t.Parallel()
	h, err := Parse(small)
	require.NoError(t, err)
	require.Equal(t, "Small.", h.Intro)
	require.Equal(t, []Struct{{"pgqrs_thing", []Field{
		{"size", "uint32_t", ""}, {"data", "const char *", ""}, {"code", "char", "8"},
	}}}, h.Structs())
	require.Equal(t, []Constant{{"PGQRS_ONE", "0x1", "the first"}, {"PGQRS_E_BAD", "-101", ""}}, h.Constants())
	require.Equal(t, []Function{{"pgqrs_open", "int32_t", []Field{
		{"thing", "const pgqrs_thing *", ""}, {"out", "uint64_t *", ""},
	}}}, h.Functions())
	things := h.Sections[0]
	require.Equal(t, "Things", things.Title)
	require.Equal(t, "About things.", things.Text)
	require.Equal(t, "Opens it.\n  out  the thing. since 1", things.Items[2].Doc)
}

func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	t.Parallel()
	_, err := Parse(small + "\nPGQRS_API int32_t pgqrs_callback(void (*f)(void));\n")
	require.ErrorContains(t, err, "understood 1 of 2 functions")
}
