package core

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
)

// swept answers sweeps as a database with a clock of its own.
type swept struct {
	engine.Engine
	clock time.Time
	since []time.Time
	err   error
}

func (e *swept) SweepSince(_ context.Context, since time.Time) (int64, time.Time, error) {
	e.since = append(e.since, since)
	return 0, e.clock, e.err
}

func TestASweepGoesOnWhereTheLastOneEnded(t *testing.T) {
	began := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	e, s := &swept{clock: began}, sweeper{}
	sweep := func() time.Time {
		err := s.sweep(t.Context(), e)
		require.Equal(t, e.err, err)
		return e.since[len(e.since)-1]
	}
	require.Zero(t, sweep(), "a process looks at everything first")
	e.clock = began.Add(time.Minute)
	require.Equal(t, began.Add(-sweepMargin), sweep())

	e.err, e.clock = context.DeadlineExceeded, began.Add(2*time.Minute)
	expected := began.Add(time.Minute - sweepMargin)
	require.Equal(t, expected, sweep())
	e.err, e.clock = nil, began.Add(time.Hour)
	require.Equal(t, expected, sweep(), "nothing is left out after a failure, nor where the clock steps forward")

	e.clock = began
	sweep()
	require.Equal(t, began.Add(-sweepMargin), sweep(), "nor where it steps back")

	s.whole = s.whole.Add(-sweepEverything)
	require.Zero(t, sweep(), "everything, once a day")
	require.NotZero(t, sweep())
}

func TestASweepLooksAtEverythingUntilItSucceeds(t *testing.T) {
	e, s := &swept{err: context.DeadlineExceeded}, sweeper{}
	for range 2 {
		require.Error(t, s.sweep(t.Context(), e))
	}
	require.Equal(t, []time.Time{{}, {}}, e.since)
}
