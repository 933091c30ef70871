package model

// SQL is a statement for a connection that is not the library's.
type SQL struct {
	// Text has placeholders $1, $2 and so on, and the schema in it.
	Text string
	// Parameters are what the placeholders stand for, in their order.
	Parameters []SQLParameter
	// Returns is the PostgreSQL type of the one column.
	Returns string
}

// SQLParameter is one placeholder of a statement.
type SQLParameter struct {
	Name     string
	Type     string // of PostgreSQL, in which the driver sends it
	Nullable bool   // null is "not given"
}

// SQLStatement names a statement. The numbers are those of pgqrs.h.
type SQLStatement int32

// The statements: each takes the queue by name and answers ids of messages, one a row,
// in input order.
const (
	// SQLEnqueue stores one message: queue, payload (a JSON document), delay_ms,
	// dedup_key.
	SQLEnqueue SQLStatement = 1
	// SQLEnqueueBatch stores several, all or none: queue, payloads (a JSON array of the
	// documents), delay_ms, dedup_keys (a JSON array of a text or null for each).
	SQLEnqueueBatch SQLStatement = 2
)
