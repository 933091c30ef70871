// Command sql measures the floors of both databases in Go: bare statements on a bare
// table, over the drivers that pgqrs uses.
package main
