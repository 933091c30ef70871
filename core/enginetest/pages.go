package enginetest

import (
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/model"
)

// requirePages requires a listing to return want, whole and in every page.
func requirePages[T any](b *bundle, want []T, list func(model.Page) ([]T, error)) {
	b.t.Helper()
	n := int64(len(want))
	for _, p := range []model.Page{
		{},
		{Limit: n},
		{Limit: n + 10},
		{Limit: 1},
		{Limit: 3},
		{Limit: 3, Offset: 2},
		{Limit: 3, Offset: n - 1},
		{Offset: 1},
		{Limit: 5, Offset: n},
		{Offset: n + 1000},
	} {
		got, err := list(p)
		b.ok(err)
		from := min(p.Offset, n)
		to := n
		if p.Limit > 0 {
			to = min(from+p.Limit, n)
		}
		require.Len(b.t, got, int(to-from), "page %+v", p)
		for i, x := range got {
			require.Equal(b.t, want[from+int64(i)], x, "page %+v", p)
		}
	}
}
