package bindings

// SQLStatement names a statement that stores messages in a transaction of one's own.
type SQLStatement int32

// The statements.
const (
	// SQLEnqueue stores one message: queue, payload (a JSON document), delay_ms,
	// dedup_key.
	SQLEnqueue SQLStatement = cSqlEnqueue
	// SQLEnqueueBatch stores several, all or none: queue, payloads (a JSON array of the
	// documents), delay_ms, dedup_keys (a JSON array of a text or null for each).
	SQLEnqueueBatch SQLStatement = cSqlEnqueueBatch
)

// SQL is a statement for a PostgreSQL connection of the caller's own, which answers
// ids of messages, one a row, in input order.
type SQL struct {
	Text       string         `json:"sql"`        // with placeholders $1, $2 and so on
	Parameters []SQLParameter `json:"parameters"` // what they stand for, in their order
	Returns    string         `json:"returns"`    // the PostgreSQL type of the column
}

// SQLParameter is one placeholder of a statement.
type SQLParameter struct {
	Name     string `json:"name"`
	Type     string `json:"type"`     // of PostgreSQL
	Nullable bool   `json:"nullable"` // null is "not given"
}

// SQLText returns the text of a statement for the schema the tables are in; empty:
// public. Messages it stores exist, and waiting consumers wake up, exactly when the
// transaction commits. No store is open, and no database asked: ask once. Errors:
// Config, InvalidArgument.
func SQLText(schema string, statement SQLStatement) (SQL, error) {
	l, err := loaded()
	if err != nil {
		return SQL{}, err
	}
	return l.statement(0, schema, statement)
}

// SQLText is the function SQLText for the schema of the store. Errors: Unsupported, on
// SQLite, whose one writer nobody can share.
func (s *Store) SQLText(statement SQLStatement) (SQL, error) {
	return s.lib.statement(s.handle, "", statement)
}

func (l *library) statement(store cHandle, schema string, which SQLStatement) (answer SQL, err error) {
	name := borrow(schema)
	var result, failure cHandle
	var status int32
	l.visit(func() { status = l.sqlText(store, &name, int32(which), nil, &result, &failure) })
	if status != int32(OK) {
		return SQL{}, l.failure(status, failure)
	}
	l.visit(func() {
		answer, err = readRecord[SQL](l, cCompletion{result: result})
		l.close(result)
	})
	return answer, err
}
