package cerr

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/fault"
)

func TestEveryKindHasAStatus(t *testing.T) {
	t.Parallel()
	for kind := fault.Internal; kind <= fault.Unsupported; kind++ {
		status, ok := ofKind[kind]
		require.True(t, ok, "kind %v has no row in status.tsv", kind)
		require.Negative(t, int32(status))
	}
}

func TestRecordOfAFault(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("wrapped: %w", &fault.Error{
		Kind: fault.Database, Op: "claim", Field: "tasks", Text: "permission denied", SQLState: "42501", Safe: true,
	})
	require.Equal(t, Record{
		Status: Database, Message: "permission denied", Operation: "claim", Field: "tasks", SQLState: "42501",
		Flags: FlagTransient | FlagSafeToRetry,
	}, Of("dequeue", err))
}

func TestRecordKeepsTheEnginesOwnCodeInTheText(t *testing.T) {
	t.Parallel()
	r := Of("enqueue", &fault.Error{Kind: fault.Database, Text: "disk is full", SQLState: "SQLITE_FULL"})
	require.Empty(t, r.SQLState)
	require.Equal(t, "disk is full (SQLITE_FULL)", r.Message)
	require.Equal(t, "enqueue", r.Operation)
}

func TestRetryAfterIsRoundedUp(t *testing.T) {
	t.Parallel()
	r := Of("", &fault.Error{Kind: fault.RateLimited, RetryAfter: 1500 * time.Microsecond})
	require.EqualValues(t, 2, r.RetryAfterMS)
	require.Equal(t, "rate limited", r.Message)
}

func TestRecordOfOtherErrors(t *testing.T) {
	t.Parallel()
	require.Equal(t, Cancelled, StatusOf(context.Canceled))
	require.Equal(t, Timeout, StatusOf(fmt.Errorf("x: %w", context.DeadlineExceeded)))
	require.Equal(t, Internal, StatusOf(errors.New("a bug")))
	require.Equal(t, OK, StatusOf(nil))
	require.Equal(t, Internal, Of("", &fault.Error{Kind: 250}).Status, "a kind nobody knows")
	require.Equal(t, "unknown status", Status(-7).String())

	r := Of("enqueue", Argument("count", "must be at least %d", 1))
	require.Equal(t, Record{
		Status: InvalidArgument, Message: "count: must be at least 1", Operation: "enqueue", Field: "count",
		Flags: FlagSafeToRetry,
	}, r)
	require.Equal(t, "completion queue is full: drain it and submit again", (&Failure{Status: Busy}).Error())
}
