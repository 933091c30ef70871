package model

// Setting is one fact about the database behind a store, as the database words
// it: "on", "100", "wal". The names are those of the database itself, and ours for
// what it has no name for:
//
//	engine           "postgres" or "sqlite"
//	version          the version of the server or library
//	pooler           "transaction" behind a transaction pooler, else "none"
//	path, mode       the file of a SQLite store and its permissions, "0600"; path
//	                 ":memory:" and no mode for a store in memory
//	oldest_snapshot  one backend that holds back vacuum: "pid 4711, state idle in
//	                 transaction, for 93 s"; absent when there is none older than a
//	                 minute
type Setting struct {
	Name, Value string
}
