// Package sqlite is the storage engine on one embedded SQLite file, the default
// store: same tables, same guards and same semantics as the PostgreSQL engine.
//
// # How it is built
//
//   - Every change passes through one connection, one transaction at a time
//     ([writer]); a flush that finds it idle works in person. Calls that wait while
//     a transaction is committed share the next one, each under its own savepoint,
//     so that one fsync serves them all; every caller is answered after the commit
//     of its own rows. Only claims are not synced: a loss of power may undo a lease.
//   - A fixed pool of readers answers look-ups beside the writer (WAL).
//   - Processes queue up for the write lock at an flock on "<file>.lock", a file
//     SQLite never sees; SQLite's own busy handler is left for foreign writers.
//   - Processes wake each other through one byte written to "<file>.wake".
//   - Instants are integer microseconds of the host's clock, read while the write
//     lock is held. Statements live in queries/, tables in migrations/.
//
// # What must not be done here
//
// POSIX file locks belong to the process: closing any descriptor of a file drops
// every POSIX lock the process holds on it, those of another SQLite library in
// the same process (Python's sqlite3) included. The driver itself uses locks of
// the open file and is immune, but its closes are not harmless to others. So the
// package opens the database, -wal and -shm files through the driver alone, all
// of them at Open, and closes none while somebody else in this process has the
// file open: such connections are parked ([retire]).
package sqlite
