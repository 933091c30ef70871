// Package fault is the vocabulary of everything that can go wrong in pgqrs.
//
// There is one error type, [Error], and one enumeration, [Kind]. Storage
// engines turn driver errors into a fault while the driver error is still at
// hand (SQLSTATE, "was the statement sent?"); everything above only adds the
// operation's name or asks a predicate. Nobody matches error texts.
//
// The Kinds mirror the status codes of include/pgqrs.h: a Kind and its status
// have the same name, and capi/status.tsv pins their numbers.
package fault
