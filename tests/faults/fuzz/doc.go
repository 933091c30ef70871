// Package fuzz holds the fuzz targets of what reads text from outside: data
// source names, configurations and payloads. `go test` runs their seeds, `make
// test/faults` looks for new inputs for a while, and what it finds is kept in
// testdata as a regression test.
//
// The table of handles and the structures of the C interface have their tests
// beside them: internal packages of capi cannot be imported here.
package fuzz
