package cjson

import "github.com/pgqrs/pgqrs/core"

type flushes struct {
	Flushes  int64 `json:"flushes"`
	Rows     int64 `json:"rows"`
	Largest  int64 `json:"largest"`
	WaitedUS int64 `json:"waited_us"`
	Waiting  int64 `json:"waiting"`
	Flying   int64 `json:"flying"`
}

type activity struct {
	Enqueue flushes `json:"enqueue"`
	Claim   flushes `json:"claim"`
	Archive flushes `json:"archive"`
	Delete  flushes `json:"delete"`
	Extend  flushes `json:"extend"`
	Release flushes `json:"release"`
}

// Activity describes the group commits of a store.
func Activity(a core.Activity) string {
	return encode(activity{
		Enqueue: flushed(a.Enqueue), Claim: flushed(a.Claim), Archive: flushed(a.Archive), Delete: flushed(a.Delete),
		Extend: flushed(a.Extend), Release: flushed(a.Release),
	})
}

func flushed(f core.Flushes) flushes {
	return flushes{
		Flushes: f.Flushes, Rows: f.Rows, Largest: f.Largest, WaitedUS: f.Waited.Microseconds(),
		Waiting: f.Waiting, Flying: f.Flying,
	}
}
