package cmem

import (
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/model"
)

// read copies the text of a view, and its NUL.
func read(t Text) string { return string(unsafe.Slice((*byte)(t.Data), t.Len+1)) }

func TestTexts(t *testing.T) {
	t.Parallel()
	block, views, err := Texts("operation", "", "größe\x00!")
	require.NoError(t, err)
	defer block.Free()
	require.Equal(t, "operation\x00", read(views[0]))
	require.Equal(t, "\x00", read(views[1]), "an empty text has a NUL too")
	require.Equal(t, "größe\x00!\x00", read(views[2]))
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	block, view, err := Numbers([]int64{1, -2, 1 << 62})
	require.NoError(t, err)
	defer block.Free()
	require.EqualValues(t, 8, view.ItemSize)
	require.Equal(t, []int64{1, -2, 1 << 62}, unsafe.Slice((*int64)(view.Items), view.Count))

	outcomes, view, err := Numbers([]int32{0, -405})
	require.NoError(t, err)
	defer outcomes.Free()
	require.EqualValues(t, 4, view.ItemSize)
	require.Equal(t, []int32{0, -405}, unsafe.Slice((*int32)(view.Items), view.Count))
}

func TestNothing(t *testing.T) {
	t.Parallel()
	block, view, err := Messages(nil)
	require.NoError(t, err)
	require.Zero(t, view.Count)
	require.NotZero(t, view.ItemSize)
	require.NotNil(t, view.Items, "a caller may do arithmetic on it")
	block.Free()
	block.Free() // the second has no effect
	(*Block)(nil).Free()
}

// The twin of pgqrs_message is tested field by field in tests/c.
func TestMessagesLieSideBySide(t *testing.T) {
	t.Parallel()
	now := time.UnixMicro(1_700_000_000_123_456)
	block, view, err := Messages([]*model.Message{
		{ID: 1, Payload: []byte(`{"n":1}`), EnqueuedAt: now, VT: now},
		{ID: 2, Payload: []byte(`2`), DeadReason: "max_read_ct", EnqueuedAt: now},
	})
	require.NoError(t, err)
	defer block.Free()
	require.EqualValues(t, 2, view.Count)
	first := (*int64)(view.Items)
	second := (*int64)(unsafe.Add(view.Items, view.ItemSize))
	require.EqualValues(t, 1, *first)
	require.EqualValues(t, 2, *second)
	require.Equal(t, now.UnixMicro(), Micros(now))
	require.Zero(t, Micros(time.Time{}))
}
