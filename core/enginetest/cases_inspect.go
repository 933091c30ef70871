package enginetest

import (
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/model"
)

// durable says, by engine, what settings a store must show and, where a value is
// required, which: what an answered enqueue survives depends on them.
var durable = map[string]map[string]string{
	"postgres": {
		"server_version": "", "fsync": "", "synchronous_commit": "", "full_page_writes": "", "wal_level": "",
		"max_connections": "", "pooler": "",
	},
	"sqlite": {"version": "", "journal_mode": "", "synchronous": "full", "path": ""},
}

func inspectCases() []testCase {
	return []testCase{
		{name: "every setting once, in the same order each time", run: func(b *bundle) {
			settings, err := b.eng.Inspect(b.ctx)
			b.ok(err)
			require.Equal(b.t, model.Setting{Name: "engine", Value: b.eng.Capabilities().Name}, settings[0])
			seen := map[string]string{}
			for _, s := range settings {
				require.NotEmpty(b.t, s.Value, s.Name)
				require.NotContains(b.t, seen, s.Name)
				seen[s.Name] = s.Value
			}
			for name, value := range durable[settings[0].Value] {
				require.Contains(b.t, seen, name)
				if value != "" {
					require.Equal(b.t, value, seen[name], name)
				}
			}
			again, err := b.eng.Inspect(b.ctx)
			b.ok(err)
			// Somebody else's long transaction may begin to count meanwhile.
			other := func(s model.Setting) bool { return s.Name == "oldest_snapshot" }
			require.Equal(b.t, slices.DeleteFunc(settings, other), slices.DeleteFunc(again, other))
		}},
		{name: "needs no installation", bare: true, run: func(b *bundle) {
			_, err := b.eng.Inspect(b.ctx)
			b.ok(err)
		}},
	}
}
