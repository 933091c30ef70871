// Package cjson writes the JSON documents that administration calls answer with.
//
// Objects carry the column names of the tables, instants are microseconds since
// 1970-01-01 UTC, and what is absent is null. New fields may appear; a field's
// name and meaning never change.
package cjson
