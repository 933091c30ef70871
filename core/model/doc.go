// Package model holds the plain records and enumerations of pgqrs: what a
// message, a queue and a worker are, free of SQL, drivers and JSON.
//
// Instants are time.Time in UTC with microsecond precision, the zero time
// meaning "absent" (SQL NULL). Ids are positive; zero means "absent". Payloads
// are JSON documents as bytes, never decoded here.
package model
