package onbindings

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/bindings"
	"github.com/pgqrs/pgqrs/tests/conformance"
)

// kept hands on the lines of one store.
type kept struct {
	from  slog.Level
	store string
	lines chan slog.Record
}

func (k kept) Enabled(_ context.Context, level slog.Level) bool { return level >= k.from }
func (k kept) WithAttrs([]slog.Attr) slog.Handler               { return k }
func (k kept) WithGroup(string) slog.Handler                    { return k }

func (k kept) Handle(_ context.Context, r slog.Record) error {
	if attributes(r)["store"] == k.store {
		k.lines <- r
	}
	return nil
}

func attributes(r slog.Record) map[string]any {
	all := map[string]any{}
	r.Attrs(func(a slog.Attr) bool {
		all[a.Key] = a.Value.Any()
		return true
	})
	return all
}

// provoke closes a store whose tables are gone: it cannot tell that its consumer has
// ended, and logs it.
func provoke(t *testing.T, dsn string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), conformance.Patience)
	defer cancel()
	store, err := bindings.Open(ctx, dsn, bindings.Options{Bootstrap: true})
	require.NoError(t, err)
	_, err = store.Admin().CreateQueue(ctx, "tasks", 0)
	require.NoError(t, err)
	_, err = store.Consumer(ctx, "tasks", bindings.WorkerOptions{})
	require.NoError(t, err)
	require.NoError(t, store.Uninstall(ctx))
	require.NoError(t, store.Close(ctx))
}

func TestForwardLog(t *testing.T) {
	t.Parallel()
	library(t)
	dsn := conformance.SQLite(t)
	warnings := kept{slog.LevelWarn, dsn, make(chan slog.Record, 100)}
	errors := kept{slog.LevelError, dsn, make(chan slog.Record, 100)}
	stop, err := bindings.ForwardLog(warnings)
	require.NoError(t, err)
	stopErrors, err := bindings.ForwardLog(errors)
	require.NoError(t, err)
	provoke(t, dsn)
	var line slog.Record
	select {
	case line = <-warnings.lines:
	case <-time.After(conformance.Patience):
		t.Fatal("no line")
	}
	require.Equal(t, slog.LevelWarn, line.Level)
	require.Equal(t, "stopping workers failed, their leases will expire by themselves", line.Message)
	require.WithinDuration(t, time.Now(), line.Time, conformance.Patience)
	require.Contains(t, attributes(line)["error"], "has no tables of pgqrs")
	require.NotContains(t, attributes(line), "dropped")
	stop()
	stop()
	provoke(t, dsn)
	stopErrors()
	require.Empty(t, warnings.lines)
	require.Empty(t, errors.lines)
}
