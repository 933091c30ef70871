package main

/*
#include "shim.h"
*/
import "C"

import (
	"context"

	"github.com/pgqrs/pgqrs/capi/internal/call"
	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/cjson"
	"github.com/pgqrs/pgqrs/capi/internal/guard"
)

//export goStoreOpen
func goStoreOpen(o *C.in_store_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	options, err := decodeStoreOptions(o)
	return submit(s, call.Call[call.Reply]{
		Operation: "open",
		Do:        func(ctx context.Context) (call.Reply, error) { return openStore(ctx, options) },
	}, firstError(err, refreshEnvironment()))
}

//export goStoreOpenWait
func goStoreOpenWait(dsn *C.in_str, timeoutMS C.int64_t, out, to *C.pgqrs_handle) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	options := storeOptions{dsn: text(dsn)}
	r, st := waitFor(timeoutMS, to, call.Call[call.Reply]{
		Operation: "open",
		Do:        func(ctx context.Context) (call.Reply, error) { return openStore(ctx, options) },
	}, refreshEnvironment())
	return named(out, r, st)
}

//export goStoreStop
func goStoreStop(h C.pgqrs_handle, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onStore(h, s, "stop", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		return done(on.Close(ctx))
	})
}

//export goStoreInstall
func goStoreInstall(h C.pgqrs_handle, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onStore(h, s, "install", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		return done(on.Install(ctx))
	})
}

//export goStoreVerify
func goStoreVerify(h C.pgqrs_handle, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onStore(h, s, "verify", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		return done(on.Verify(ctx))
	})
}

//export goStoreUninstall
func goStoreUninstall(h C.pgqrs_handle, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onStore(h, s, "uninstall", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		return done(on.Uninstall(ctx))
	})
}

//export goStoreStats
func goStoreStats(h C.pgqrs_handle, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onStore(h, s, "stats", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		return encoded(cjson.Stats)(on.Admin().Stats(ctx))
	})
}

//export goStoreActivity
func goStoreActivity(h C.pgqrs_handle, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onStore(h, s, "activity", nil, func(_ context.Context, on *store) (call.Reply, error) {
		return encoded(cjson.Activity)(on.Activity(), nil)
	})
}

//export goStoreInspect
func goStoreInspect(h C.pgqrs_handle, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onStore(h, s, "inspect", nil, func(ctx context.Context, on *store) (call.Reply, error) {
		return encoded(cjson.Settings)(on.Admin().Inspect(ctx))
	})
}
