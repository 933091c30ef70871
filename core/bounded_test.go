package core

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// slow is an engine call that takes no notice of its context.
func slow(d time.Duration) func() (int, error) {
	return func() (int, error) { time.Sleep(d); return 7, errors.New("its own answer") }
}

func TestACallIsAnsweredAtItsDeadline(t *testing.T) {
	for name, c := range map[string]struct {
		takes, limit, answered time.Duration
		unknown                bool
	}{
		"in time":                {takes: time.Second, limit: time.Minute, answered: time.Second},
		"a little late":          {takes: time.Second + lateGrace/2, limit: time.Second, answered: time.Second + lateGrace/2},
		"far too late":           {takes: time.Hour, limit: time.Second, answered: time.Second + lateGrace, unknown: true},
		"over before it started": {takes: time.Hour, limit: 0, answered: 0, unknown: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var group spawn.Group
				ctx, cancel := context.WithTimeout(t.Context(), c.limit)
				defer cancel()
				start := time.Now()
				value, err := bounded(ctx, &group, fault.Late, slow(c.takes))
				assert.Equal(t, c.answered, time.Since(start))
				assert.Equal(t, c.unknown, fault.Is(err, fault.OutcomeUnknown), "%v", err)
				assert.Equal(t, c.unknown, value == 0)
				group.Wait()
			})
		})
	}
}

func TestACancelledCallGetsItsTrueOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var group spawn.Group
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		time.AfterFunc(time.Second, cancel)
		value, err := bounded(ctx, &group, fault.Late, slow(time.Minute))
		assert.Equal(t, 7, value)
		assert.EqualError(t, err, "its own answer")

		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		value, _ = bounded(ctx, &group, fault.Late, slow(time.Minute))
		assert.Equal(t, 7, value, "without a deadline it is not even watched")
	})
}
