// Package enginetest is the conformance suite of the storage seam: every rule of
// core/engine, one named case each, run against real stores by both engine rooms.
//
// An engine room needs a TestMain and these tests:
//
//	func TestMain(m *testing.M) { enginetest.Main(m, reopen) }
//
//	func TestEngine(t *testing.T) { enginetest.Run(t, newStore) }
//	func TestTorture(t *testing.T) { enginetest.Torture(t, newStore) }
//	func TestTortureCut(t *testing.T) { enginetest.TortureCut(t, newStore) }
//
// where newStore makes an empty [Store] and reopen opens one again in another
// process. Most cases share one store, each with a queue of its own, because
// that is how a store is used; cases that count or drop everything get their own.
//
// The suite judges by the database's clock alone: the instant of a claim is the
// lease's end minus the lease. It waits for conditions with a deadline and never
// sleeps for luck.
//
// Environment: PGQRS_TEST_SEED repeats a torture run, PGQRS_TORTURE_SECONDS sets
// how long it lasts (5).
package enginetest
