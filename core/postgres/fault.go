package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgqrs/pgqrs/core/fault"
)

// SQLSTATE codes that mean something to the queue.
const (
	stateQueueNotFound     = "PQ001" // raised by the functions of migrations/004
	stateCancelled         = "57014"
	stateDeadlock          = "40P01"
	stateSerialization     = "40001"
	stateLockTimeout       = "55P03"
	stateUndefinedTable    = "42P01"
	stateUndefinedColumn   = "42703"
	stateUndefinedFunction = "42883"
	stateUndefinedSchema   = "3F000"
	stateNotSupported      = "0A000"
	stateStatementMissing  = "26000"
	stateStatementExists   = "42P05"
)

// fault turns an error of the driver into one of ours. A nil error stays nil,
// one of ours stays what it is.
func (s *store) fault(ctx context.Context, p phase, err error) error {
	var known *fault.Error
	var pg *pgconn.PgError
	var scan pgx.ScanArgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.As(err, &pg):
		return s.serverFault(ctx, p, pg)
	case errors.As(err, &scan):
		return &fault.Error{Kind: fault.Internal, Text: "a result could not be read", Cause: err}
	case p == reading && ctx.Err() != nil:
		return fault.FromContext(ctx)
	case p == reading:
		return &fault.Error{Kind: fault.Connect, Text: "the connection was lost", Safe: true, Cause: err}
	}
	// pgconn.SafeToRetry is not asked: a batch that lost its connection after it
	// was sent says "conn closed", which the driver calls safe.
	return &fault.Error{
		Kind: fault.OutcomeUnknown, Cause: err,
		Text: "the connection was lost while the statement was in flight: it may or may not have been stored",
	}
}

// serverFault maps what the server said.
func (s *store) serverFault(ctx context.Context, p phase, pg *pgconn.PgError) *fault.Error {
	e := &fault.Error{Kind: fault.Database, Text: pg.Message, SQLState: pg.Code, Safe: true, Cause: pg}
	if fatal(pg) {
		// The server ended the connection. Before the commit that undoes the
		// transaction; afterwards the answer may just have been lost.
		e.Kind, e.Text = fault.Connect, "the server ended the connection: "+pg.Message
		if p == committing {
			e.Kind, e.Safe = fault.OutcomeUnknown, false
			e.Text = "the server ended the connection during the commit: it may or may not have been stored"
		}
		return e
	}
	switch pg.Code {
	case stateCancelled:
		e.Kind, e.Text = fault.Timeout, "the server cancelled the statement: "+pg.Message
		if errors.Is(ctx.Err(), context.Canceled) {
			e.Kind = fault.Cancelled
		}
	case stateUndefinedTable, stateUndefinedSchema, stateUndefinedFunction:
		e.Kind = fault.Schema
		e.Text = notInstalled(s.queries.schema)
	case stateUndefinedColumn:
		e.Kind = fault.Schema
		e.Text = fmt.Sprintf("a table in schema %q was altered (%s): see verify(), or upgrade with admin.install() (Python) or Store.Install (Go)", s.queries.schema, pg.Message)
	case stateQueueNotFound:
		e.Kind = fault.QueueNotFound
	case stateStatementMissing, stateStatementExists:
		e.Text = "a prepared statement vanished (" + pg.Message + "): if a pooler in transaction mode stands in between, set pgqrs_pooler=transaction"
	default:
		rowFault(e, pg)
	}
	return e
}

// notInstalled is the text for a missing table.
func notInstalled(schema string) string {
	return fmt.Sprintf("pgqrs is not installed in schema %q: run admin.install() (Python) or Store.Install (Go)", schema)
}

// rowFault recognises what one value of a batch can cause: class 22 (data) and
// 54 (limits), and what jsonb does not support. Only PostgreSQL's primary message
// is kept, whose details would quote the payload.
func rowFault(e *fault.Error, pg *pgconn.PgError) {
	switch {
	case pg.Code[:min(2, len(pg.Code))] == "54", pg.Code == "22P02", pg.Code == "22P05", pg.Code == "22021", pg.Code == "22030", pg.Code == "22032":
		e.Kind, e.RowFault = fault.Serialization, true
		e.Text = "PostgreSQL refuses the payload: " + pg.Message
	case pg.Code == stateNotSupported && !replan(pg):
		e.Kind, e.RowFault = fault.Serialization, true
		e.Text = "PostgreSQL refuses the payload: " + pg.Message
	case len(pg.Code) == 5 && pg.Code[:2] == "22":
		e.Kind, e.RowFault = fault.Validation, true
		e.Text = "PostgreSQL refuses a value: " + pg.Message
	}
}

// replan reports that a cached statement met a changed table, which a repetition
// mends because the driver forgets the statement.
func replan(pg *pgconn.PgError) bool {
	return pg.Code == stateNotSupported && pg.Routine == "RevalidateCachedQuery"
}

// fatal reports that the server ended the session with this error.
func fatal(pg *pgconn.PgError) bool {
	severity := pg.SeverityUnlocalized
	if severity == "" {
		severity = pg.Severity
	}
	return severity == "FATAL" || severity == "PANIC"
}

// held recognises that a statement waited in vain for a lock of somebody else's, as
// long as lock_timeout allowed: the fault of a row, or of an argument, with a text
// that names the remedy. retry is when to ask again, 0 for whoever has asked for long
// enough. Any other error stays what it is.
func held(err error, field string, retry time.Duration, text string) error {
	var e *fault.Error
	if !errors.As(err, &e) || e.SQLState != stateLockTimeout {
		return err
	}
	return &fault.Error{
		Kind: fault.Timeout, Field: field, Text: text, SQLState: e.SQLState, RetryAfter: retry,
		Safe: true, RowFault: true, Held: true, Cause: e,
	}
}

// timeoutText is a duration as lock_timeout takes it.
func timeoutText(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }

// mendable reports whether a repetition is safe and may succeed. n counts the
// attempts made: races may be lost often, dead connections only as many times as
// a restarted server leaves behind.
func mendable(err error, n int) bool {
	var e *fault.Error
	if !errors.As(err, &e) || !e.Safe || e.Held {
		return false
	}
	switch e.SQLState {
	case stateDeadlock, stateSerialization, stateLockTimeout:
		return true
	case stateStatementMissing, stateStatementExists:
		return n <= 2
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && replan(pg) {
		return n <= 2
	}
	var connecting *pgconn.ConnectError
	return e.Kind == fault.Connect && n <= 3 && !errors.As(err, &connecting) && !errors.Is(err, context.DeadlineExceeded)
}

// connectFault maps an error from before there was a connection.
func connectFault(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fault.FromContext(ctx)
	}
	e := &fault.Error{Kind: fault.Connect, Text: "cannot reach PostgreSQL: " + err.Error(), Safe: true, Cause: err}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		e.SQLState = pg.Code
	}
	return e
}

func closedFault() error {
	return &fault.Error{Kind: fault.Closed, Text: "the store is closed", Safe: true}
}

func queueNotFound(id int64) error {
	return &fault.Error{Kind: fault.QueueNotFound, Field: "queue", Text: fmt.Sprintf("Queue with id %d not found", id), Safe: true}
}

func queueNameNotFound(name string) error {
	return &fault.Error{Kind: fault.QueueNotFound, Field: name, Text: fmt.Sprintf("Queue '%s' not found", name), Safe: true}
}

func workerNotFound(id int64) *fault.Error {
	return &fault.Error{Kind: fault.WorkerNotFound, Field: "worker", Text: fmt.Sprintf("Worker %d not found: it was removed, or never registered", id), Safe: true}
}

func messageNotFound(id int64) error {
	return &fault.Error{Kind: fault.MessageNotFound, Field: "message", Text: fmt.Sprintf("Message %d not found", id), Safe: true}
}

func stateTransition(format string, args ...any) *fault.Error {
	e := fault.New(fault.StateTransition, format, args...)
	e.Safe = true
	return e
}
