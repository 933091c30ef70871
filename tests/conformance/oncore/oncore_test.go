package oncore

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/tests/conformance"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	conformance.Run(t, conformance.Subject{
		Open: func(ctx context.Context, dsn string) (any, error) {
			return core.Open(ctx, dsn, core.WithBootstrap())
		},
		Status: func(err error) string { return statuses[fault.KindOf(err)] },
	})
}

// statuses are the names of the kinds in pgqrs.h, as far as the suite expects them.
var statuses = map[fault.Kind]string{
	fault.Cancelled: "CANCELLED", fault.Timeout: "TIMEOUT", fault.Closed: "CLOSED",
	fault.QueueNotFound: "QUEUE_NOT_FOUND", fault.QueueExists: "QUEUE_EXISTS", fault.MessageNotFound: "MESSAGE_NOT_FOUND",
	fault.Validation: "VALIDATION", fault.Serialization: "SERIALIZATION", fault.StateTransition: "STATE_TRANSITION",
	fault.WorkflowExists: "WORKFLOW_EXISTS", fault.WorkflowNotFound: "WORKFLOW_NOT_FOUND", fault.RunCancelled: "RUN_CANCELLED",
	fault.Paused: "PAUSED", fault.StepNotReady: "STEP_NOT_READY", fault.RetriesExhausted: "RETRIES_EXHAUSTED",
}
