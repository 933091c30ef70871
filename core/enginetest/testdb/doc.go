// Package testdb gives tests a real PostgreSQL server and a schema of their own.
//
// The server is the one PGQRS_TEST_DSN names or, where that is not set, a
// private cluster of tests/harness/pgcluster.py that lives as long as the test
// binary. It is test-only: nothing outside tests imports it.
package testdb
