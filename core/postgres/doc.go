// Package postgres is the storage engine on PostgreSQL 13 and later.
//
// Every message is one row of pgqrs_messages, and every rule of the queue is one
// guarded row statement. All SQL lives in queries/*.sql and migrations/*.sql; it
// is qualified with the configured schema once per engine, and search_path is
// never touched.
//
// How a call travels: a method builds steps (a statement, its arguments and a
// reader for its rows), and the runner in run.go sends them in one pipeline,
// which PostgreSQL runs as one implicit transaction: one round trip, no session
// state, and so nothing that a transaction pooler could break. The commit is the
// last thing the server does for a pipeline; an error that arrives before the
// rows of a statement are complete therefore proves that nothing was stored.
//
// Writes are sent under a context that the caller cannot cancel, because a
// cancelled context makes the driver cut the connection in the middle of a
// commit, after which nobody knows what was stored. They are bounded in time
// instead.
package postgres
