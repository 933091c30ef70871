// Command headergen writes what is derived from include/pgqrs.h: the twins that
// the Go, Node.js and Rust bindings declare, and the reference page.
//
//	go run ./include/headergen            # write
//	go run ./include/headergen -check     # exit 1 and name what is out of date
//	go run ./include/headergen -html FILE # write the reference page
//
// It runs at the root of the repository.
package main
