package core

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
)

// walked answers the steps of a walk from a list, and notes where they began.
type walked struct {
	engine.Engine
	steps []engine.Pruned
	err   error
	from  []int64
}

func (e *walked) PruneFrom(_ context.Context, from int64, _ time.Duration, _ int) (engine.Pruned, error) {
	e.from = append(e.from, from)
	if len(e.steps) == 0 {
		return engine.Pruned{Next: from}, e.err
	}
	step := e.steps[0]
	e.steps = e.steps[1:]
	return step, nil
}

func TestPruningGoesOnWhereItEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, p := &walked{}, pruner{}
		round := func(age time.Duration, steps ...engine.Pruned) []int64 {
			e.steps, e.from = steps, nil
			require.Equal(t, e.err, p.prune(t.Context(), e, age))
			return e.from
		}
		long := 10 * 24 * time.Hour
		require.Equal(t, []int64{0, 1001, 2001}, round(long,
			engine.Pruned{Removed: 1000, More: true, Next: 1001}, engine.Pruned{Removed: 5, More: true, Next: 2001}))
		require.Equal(t, []int64{2001}, round(long))

		e.err = errors.New("the database is away")
		require.Equal(t, []int64{2001, 3001}, round(long, engine.Pruned{More: true, Next: 3001}))
		e.err = nil
		require.Equal(t, []int64{3001}, round(long), "what was done before a failure is done")

		time.Sleep(long / pruneParts)
		require.Equal(t, []int64{0}, round(long), "from the beginning, now and then")
		round(long, engine.Pruned{More: true, Next: 4001})
		time.Sleep(maintenanceInterval)
		require.Equal(t, []int64{4001}, round(long))
		require.Equal(t, []int64{0}, round(time.Second), "in every round where little is kept")
		round(1000*24*time.Hour, engine.Pruned{More: true, Next: 5001})
		time.Sleep(pruneWhole)
		require.Equal(t, []int64{0}, round(1000*24*time.Hour), "once a day where much is")
	})
}
