package enginetest

import (
	"context"
	"testing"
	"time"
)

// caseTimeout is when a case counts as hung. Its context ends then, so that the
// case fails by name and not the whole run by go test's own limit.
const caseTimeout = 90 * time.Second

// testCase is one rule.
type testCase struct {
	name string
	run  func(b *bundle)
	// own: the case counts, drops or stops everything, and needs its own store.
	own bool
	// bare: as own, and Install has not run.
	bare bool
}

// group is the cases of one feature.
type group struct {
	name  string
	cases []testCase
}

// groups returns the whole suite.
func groups() []group {
	return []group{
		{"enqueue", enqueueCases()},
		{"dedup", dedupCases()},
		{"payload", payloadCases()},
		{"visibility", visibilityCases()},
		{"order", orderCases()},
		{"claim", claimCases()},
		{"claims together", claimTogetherCases()},
		{"finish", finishCases()},
		{"extend", extendCases()},
		{"release", releaseCases()},
		{"deadletter", deadLetterCases()},
		{"archive", archiveCases()},
		{"queues", queueCases()},
		{"workers", workerCases()},
		{"retire", retireCases()},
		{"listings", listingCases()},
		{"contains", containsCases()},
		{"worker stats", workerStatsCases()},
		{"purge archive", purgeArchiveCases()},
		{"counts", countCases()},
		{"workflows", workflowCases()},
		{"schema", schemaCases()},
		{"inspect", inspectCases()},
		{"wakeups", wakeupCases()},
		{"cancel", cancelCases()},
		{"close", closeCases()},
		{"faults", faultCases()},
		{"competition", competitionCases()},
		{"processes", processCases()},
	}
}

// Run runs the conformance suite. The sub-tests are named group/case.
func Run(t *testing.T, newStore NewStore) {
	t.Helper()
	shared := newStore(t)
	eng := shared.Open(t)
	ctx, cancel := context.WithTimeout(t.Context(), caseTimeout)
	defer cancel()
	if err := eng.Install(ctx); err != nil {
		t.Fatalf("install: %v", err)
	}
	for _, g := range groups() {
		t.Run(g.name, func(t *testing.T) {
			for _, c := range g.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					ctx, cancel := context.WithTimeout(t.Context(), caseTimeout)
					defer cancel()
					b := &bundle{t: t, ctx: ctx, store: shared, eng: eng}
					if c.own || c.bare {
						b.store = newStore(t)
						b.eng = b.store.Open(t)
					}
					if !c.bare {
						b.setup(c.own)
					}
					c.run(b)
				})
			}
		})
	}
}
