// Package cerr gives every failure its status code and its record: what a
// completion carries as a number, and what pgqrs_error_info tells about it.
//
// Core speaks in fault.Error; the boundary itself fails with [Failure]. The
// codes are generated from capi/status.tsv.
package cerr
