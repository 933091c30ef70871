package main

/*
#include "shim.h"
*/
import "C"

import (
	"time"

	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/config"
	"github.com/pgqrs/pgqrs/core/model"
)

func workerOptions(o *C.in_worker_options) (core.WorkerOptions, error) {
	return core.WorkerOptions{
		Hostname: text(&o.hostname), Port: int(o.port), Ephemeral: o.flags&C.PGQRS_WORKER_EPHEMERAL != 0,
	}, firstError(known("options.flags", o.flags, C.PGQRS_WORKER_EPHEMERAL), known("options.reserved", o.reserved, 0))
}

// enqueueOptions decodes the options of a call with so many payloads.
func enqueueOptions(o *C.in_enqueue_options, count C.uint32_t) (core.EnqueueOptions, error) {
	delay, err := millis("options.delay_ms", o.delay_ms, 0)
	decoded := core.EnqueueOptions{Delay: delay, At: instant(o.at)}
	if o.dedup_keys != nil {
		decoded.DedupKeys = texts(o.dedup_keys, count)
	}
	return decoded, firstError(known("options.flags", o.flags, 0), err)
}

func dequeueOptions(o *C.in_dequeue_options) (core.DequeueOptions, error) {
	lease, err1 := millis("options.lease_ms", o.lease_ms, 0)
	wait, err2 := millis("options.wait_ms", o.wait_ms, -1)
	keep, err3 := millis("options.keep_max_ms", o.keep_max_ms, 0)
	batch := int(o.batch)
	if o.batch == C.PGQRS_BATCH_DEFAULT {
		batch = core.DefaultBatch
	}
	return core.DequeueOptions{
		Batch: batch, Lease: lease, Wait: wait, At: instant(o.at),
		AutoExtend: o.flags&C.PGQRS_DEQUEUE_AUTO_EXTEND != 0, KeepMax: keep,
	}, firstError(known("options.flags", o.flags, C.PGQRS_DEQUEUE_AUTO_EXTEND),
		known("options.reserved", o.reserved, 0), err1, err2, err3)
}

func releaseOptions(o *C.in_release_options) (core.ReleaseOptions, error) {
	return core.ReleaseOptions{At: instant(o.at), Unread: o.flags&C.PGQRS_RELEASE_UNREAD != 0},
		known("options.flags", o.flags, C.PGQRS_RELEASE_UNREAD)
}

// storeOptions is what a store is opened with. Configuration is read when the
// call runs, not when it is accepted: it may touch a file.
type storeOptions struct {
	dsn       string
	config    []byte
	bootstrap bool
}

func decodeStoreOptions(o *C.in_store_options) (storeOptions, error) {
	return storeOptions{
		dsn: text(&o.dsn), config: []byte(text(&o.config)), bootstrap: o.flags&C.PGQRS_STORE_BOOTSTRAP != 0,
	}, known("options.flags", o.flags, C.PGQRS_STORE_BOOTSTRAP)
}

func (o storeOptions) load() (config.Config, error) {
	return config.Load(o.dsn, config.JSON(o.config))
}

// fields says which of the table options a call knows.
type fields uint16

const (
	byQueue fields = 1 << iota
	byWorker
	byReads
	byPayload
	deadOnly
	paged
	aged
	byRun
	byStatus
)

// tableArguments are decoded table options.
type tableArguments struct {
	core.Filter
	page   model.Page
	age    time.Duration
	run    int64
	status model.WorkflowStatus
}

// decodeTable decodes table options and refuses fields that do not apply: a
// restriction that is silently ignored would act on too many rows.
func decodeTable(o *C.in_table_options, applies fields) (tableArguments, error) {
	age, err := millis("options.older_than_ms", o.older_than_ms, 0)
	a := tableArguments{
		Filter: core.Filter{
			Queue: text(&o.queue), WorkerID: int64(o.worker_id), MinReads: int32(o.min_read_ct),
			DeadOnly: o.flags&C.PGQRS_FILTER_DEAD_ONLY != 0, Contains: text(&o.payload),
		},
		page: model.Page{Limit: int64(o.limit), Offset: int64(o.offset)},
		age:  age,
		run:  int64(o.run_id), status: model.WorkflowStatus(text(&o.status)),
	}
	return a, firstError(
		known("options.flags", o.flags, C.PGQRS_FILTER_DEAD_ONLY), known("options.reserved", o.reserved, 0), err,
		notNegative("options.worker_id", a.WorkerID), notNegative("options.min_read_ct", int64(a.MinReads)),
		notNegative("options.run_id", a.run),
		notNegative("options.limit", a.page.Limit), notNegative("options.offset", a.page.Offset),
		unused("options.queue", a.Queue != "", applies, byQueue),
		unused("options.worker_id", a.WorkerID != 0, applies, byWorker),
		unused("options.min_read_ct", a.MinReads != 0, applies, byReads),
		unused("options.payload", a.Contains != "", applies, byPayload),
		unused("options.flags", a.DeadOnly, applies, deadOnly),
		unused("options.limit", a.page.Limit != 0, applies, paged),
		unused("options.offset", a.page.Offset != 0, applies, paged),
		unused("options.older_than_ms", a.age != 0, applies, aged),
		unused("options.run_id", a.run != 0, applies, byRun),
		unused("options.status", a.status != "", applies, byStatus),
	)
}

func unused(name string, given bool, applies, field fields) error {
	if given && applies&field == 0 {
		return cerr.Argument(name, "does not apply to this call and must be 0")
	}
	return nil
}

func notNegative(name string, v int64) error {
	if v < 0 {
		return cerr.Argument(name, "must not be negative")
	}
	return nil
}
