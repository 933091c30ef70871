// Package engine is the seam between the queue and the databases that keep it:
// one interface, one room per engine (core/postgres, core/sqlite), one suite
// (core/enginetest) that both must pass.
//
// Rules of the seam, which every method keeps:
//
//   - One method is one transaction, and it returns after the commit. The engine
//     retries serialization failures, deadlocks and lock waits by itself and owns
//     no other policy: no batching, no waiting for messages, no rate limits.
//   - Instants are compared in the database, by the database's clock. "Now" never
//     comes from a caller, except where a field is documented as an instant.
//   - Errors leave as *fault.Error, with Kind, SQLState, Safe and RowFault decided
//     while the driver error is still visible. A table that does not exist is
//     fault.Schema with a text that names admin.install().
//   - The interface speaks batches. Single calls become batches in core/batch.
//   - What either engine would reject is rejected above, in core/validate; what
//     the engines do differently is levelled here.
//   - All methods are safe for concurrent use.
package engine
