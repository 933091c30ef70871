// Package validate holds the rules a payload and an argument must meet before
// they cross into a storage engine.
//
// [Rules.Payload] reads a JSON document once, byte by byte, and refuses what
// either engine would refuse or change: PostgreSQL's jsonb knows no NUL
// character, no lone surrogate and no number outside its numeric type, while
// SQLite would keep all of them. Deciding here, before the batch is formed, is
// what lets one bad message fail alone and both engines behave alike.
//
// The remaining functions check single arguments and name them in the words of
// the public API. Nothing here decodes JSON, touches a clock or does I/O.
package validate
