// Package faults is the fault laboratory: it kills producers, consumers and
// servers, cuts and stalls networks, fills disks, and then compares what callers
// were answered with what is stored.
//
// Every test prints what it counted and the seed that repeats its choices.
// docs/faults.md tells what each one does and what must hold. Plain `go test`
// runs a short selection; `make test/faults` everything; `make soak` the mixture
// of all for as long as is wanted.
//
// Environment: PGQRS_FAULTS=full runs everything, PGQRS_TEST_SEED repeats a
// run, PGQRS_SOAK_MINUTES runs the soak, PGQRS_FAULTS_SNAPSHOT_SECONDS holds the
// snapshot of TestHeldSnapshot for longer, PGQRS_FAULTS_PYTHON names the
// interpreter of the Python actors.
package faults
