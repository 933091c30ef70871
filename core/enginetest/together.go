package enginetest

import (
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/spawn"
)

// together runs f(0) … f(n-1) at once and returns their errors.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var group spawn.Group
	for i := range n {
		group.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	group.Wait()
	return errs
}

// none requires that there is no error among errs.
func (b *bundle) none(errs []error) {
	b.t.Helper()
	for _, err := range errs {
		require.NoError(b.t, err)
	}
}
