package ratelimit

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/fault"
)

func TestNoRateIsNoLimit(t *testing.T) {
	assert.NoError(t, New(0, 0).Take(1_000_000))
}

func TestBurstThenRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(10, 3)
		for range 3 {
			require.NoError(t, b.Take(1))
		}
		var e *fault.Error
		require.True(t, errors.As(b.Take(1), &e))
		assert.Equal(t, fault.RateLimited, e.Kind)
		assert.Equal(t, 100*time.Millisecond, e.RetryAfter)
		time.Sleep(e.RetryAfter)
		assert.NoError(t, b.Take(1))
	})
}

func TestMoreThanTheBurstLeavesADebt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(10, 10)
		require.NoError(t, b.Take(20))
		assert.Error(t, b.Take(1))
		time.Sleep(time.Second)
		assert.Error(t, b.Take(1), "the debt takes a second")
		time.Sleep(100 * time.Millisecond)
		assert.NoError(t, b.Take(1))
	})
}
