package postgres

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
)

// TestAWalkThroughTheArchive: it goes by ids, leaves what was archived late, and tells
// where what follows is young.
func TestAWalkThroughTheArchive(t *testing.T) {
	t.Parallel()
	p := newPlanBundle(t, 0, 0)
	p.exec("insert into " + p.store.queries.quoted + `.pgqrs_archive (id, queue_id, enqueued_at, archived_at, read_ct, payload)
		select n, 1, now() - age, now() - age * (n % 500)::bool::int, 1, '{}'
		from (select n, case when n <= 2500 then interval '2 hours' else interval '0' end as age from generate_series(1, 4000) n) a`)
	walk := func(from int64) engine.Pruned {
		step, err := p.store.PruneArchive(p.ctx, engine.Filter{}, time.Hour, from, 1000)
		require.NoError(t, err)
		return step
	}
	require.Equal(t, engine.Pruned{Removed: 998, Next: 1001}, walk(0))
	require.Equal(t, engine.Pruned{Removed: 998, Next: 2001}, walk(1001))
	require.Equal(t, engine.Pruned{Removed: 499, Next: 3001}, walk(2001))
	require.Equal(t, engine.Pruned{Next: 4001, Young: true}, walk(3001))
	require.Equal(t, engine.Pruned{Next: 4001, Young: true, End: true}, walk(4001), "nothing follows")
	require.Equal(t, engine.Pruned{Next: 3496}, walk(0), "the five that were archived late are kept")
	left, err := p.store.CountArchived(p.ctx, engine.Filter{})
	require.NoError(t, err)
	require.EqualValues(t, 1505, left)
}
