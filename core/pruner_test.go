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

func (e *walked) PruneArchive(_ context.Context, _ engine.Filter, _ time.Duration, from int64, _ int) (engine.Pruned, error) {
	e.from = append(e.from, from)
	if len(e.steps) == 0 {
		return engine.Pruned{Next: from + 1000, Young: true}, e.err
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
			engine.Pruned{Removed: 1000, Next: 1001}, engine.Pruned{Removed: 5, Next: 2001}))
		require.Equal(t, []int64{2001}, round(long))

		require.Equal(t, []int64{2001}, round(long, engine.Pruned{Next: 2500, End: true}), "what follows its end is looked at again")

		e.err = errors.New("the database is away")
		require.Equal(t, []int64{2001, 3001}, round(long, engine.Pruned{Next: 3001}))
		e.err = nil
		require.Equal(t, []int64{3001}, round(long), "what was done before a failure is done")

		time.Sleep(long / pruneParts)
		require.Equal(t, []int64{0}, round(long), "from the beginning, now and then")
		round(long, engine.Pruned{Next: 4001})
		time.Sleep(maintenanceInterval)
		require.Equal(t, []int64{4001}, round(long))
		require.Equal(t, []int64{0}, round(time.Second), "in every round where little is kept")
		round(1000*24*time.Hour, engine.Pruned{Next: 5001})
		time.Sleep(pruneWhole)
		require.Equal(t, []int64{0}, round(1000*24*time.Hour), "once a day where much is")
	})
}

func TestAPurgeWalksToTheEnd(t *testing.T) {
	e := &walked{steps: []engine.Pruned{{Removed: 1000, Next: 1001}, {Young: true, Next: 2001}, {Removed: 5, End: true}}}
	removed, err := purge(t.Context(), e, engine.Filter{}, time.Hour)
	require.NoError(t, err)
	require.EqualValues(t, 1005, removed, "also what was archived earlier than its id tells")
	require.Equal(t, []int64{0, 1001, 2001}, e.from)

	e.steps, e.err = []engine.Pruned{{Removed: 3, Next: 1001}}, errors.New("the database is away")
	removed, err = purge(t.Context(), e, engine.Filter{}, time.Hour)
	require.ErrorIs(t, err, e.err)
	require.EqualValues(t, 3, removed)
}
