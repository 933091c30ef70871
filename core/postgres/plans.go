package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
)

// plans says by which settings of the planner a pipeline runs.
type plans uint8

const (
	// ordinary: by the settings the session began with.
	ordinary plans = iota
	// pinned: as the hot statements want it, along one index in every state of the
	// statistics.
	pinned
	// either: the planner has no choice anyway.
	either
	// unsettled: what a connection has while its settings change, and after a
	// pipeline that failed: the server may have committed what could not be read here.
	unsettled
)

// plansKept is where a connection remembers which settings it has.
const plansKept = "pgqrs.plans"

// keepsPlans reports whether settings may outlive a transaction: to set them with
// each claim costs a tenth of a claim of one message. On connections of somebody
// else they would change the owner's plans, and behind a pooler the session may be
// another one next time.
func (s *store) keepsPlans() bool { return s.owned && !s.pooled }

// planned puts in front of the steps what gives them the plans they want. After
// they ran, and only then, settled must be called.
func (s *store) planned(conn *pgxpool.Conn, want plans, steps []step) (all []step, settled func()) {
	nothing := func() {}
	if !s.keepsPlans() {
		if want == pinned {
			steps = append([]step{s.step("PinPlans", nil, true)}, steps...)
		}
		return steps, nothing
	}
	kept := conn.Conn().PgConn().CustomData()
	have, _ := kept[plansKept].(plans)
	if want == either || want == have {
		return steps, nothing
	}
	change := s.step("UnpinPlans", nil)
	if want == pinned {
		change = s.step("PinPlans", nil, false)
	}
	kept[plansKept] = unsettled
	return append([]step{change}, steps...), func() { kept[plansKept] = want }
}

// unpin gives a connection ordinary plans before statements that are no pipeline.
func (s *store) unpin(ctx context.Context, conn *pgxpool.Conn) error {
	return s.pipeline(ctx, conn, reading, ordinary, nil)
}
