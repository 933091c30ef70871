// Package handle turns objects of the library into opaque 64-bit names and back.
//
// A [Handle] is kind (8 bits), generation (24 bits) and slot (32 bits). The
// generation of a slot changes whenever its name is given up, so a stale name,
// a name closed twice and a forged one are all found out by comparing numbers:
// a wrong handle is an answer, never a crash.
//
// A name and its object end separately. [Table.Acquire] pins an object for as
// long as a call works with it; [Table.Remove] takes the name away at once, and
// the object is told ([Freer]) when the last pin is gone. That is what lets an
// accepted operation run to its end after its target's name was closed.
package handle
