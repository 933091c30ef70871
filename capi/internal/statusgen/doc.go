// Command statusgen writes everything that is derived from capi/status.tsv and
// VERSION: the status block of include/pgqrs.h, the C tables of capi, the Go
// constants of capi/internal/cerr and Python's table.
//
//	go run ./capi/internal/statusgen          # write
//	go run ./capi/internal/statusgen -check   # exit 1 and name what is out of date
//
// It runs at the root of the repository.
package main
