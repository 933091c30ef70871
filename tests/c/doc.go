// Package c tests the shared library from C: small programs in programs/, each
// about one thing, that the Go test compiles and runs on SQLite and, with
// PGQRS_TEST_DSN set, on PostgreSQL.
package c
