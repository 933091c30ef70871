package onbindings

import (
	"context"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/pgqrs/pgqrs/bindings"
	"github.com/pgqrs/pgqrs/tests/abi/abitest"
	"github.com/pgqrs/pgqrs/tests/conformance"
)

// TestMain also looks for goroutines that were left behind: every store was closed.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		abitest.Clean()
		os.Exit(code)
	}))
}

func TestConformance(t *testing.T) {
	library(t)
	conformance.Run(t, conformance.Subject{
		Open: func(ctx context.Context, dsn string) (any, error) {
			return bindings.Open(ctx, dsn, bindings.Options{Bootstrap: true})
		},
		Status: func(err error) string { return bindings.StatusOf(err).String() },
	})
}

// library names the library to be loaded: the one of the environment, or one that
// is built now.
func library(t *testing.T) {
	t.Helper()
	if err := os.Setenv("PGQRS_LIBRARY", abitest.Library(t)); err != nil {
		t.Fatal(err)
	}
}
