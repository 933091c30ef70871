package main

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"log/slog"

	"github.com/pgqrs/pgqrs/capi/internal/call"
	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/guard"
	"github.com/pgqrs/pgqrs/core/fault"
)

//export goLogSubscribe
func goLogSubscribe(level C.int32_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	from, err := logLevel(level)
	return stream(s, call.Call[call.Reply]{Operation: "log"}, func(emit call.Emit) func(context.Context) error {
		end := feed.Follow(from, func(document string, read func()) { emit(lineReply(document, read)) })
		return func(ctx context.Context) error {
			<-ctx.Done()
			end()
			return fault.FromContext(ctx)
		}
	}, err)
}

// logLevel is the level of slog for one of the ABI.
func logLevel(level C.int32_t) (slog.Level, error) {
	switch level {
	case C.PGQRS_LOG_DEBUG:
		return slog.LevelDebug, nil
	case C.PGQRS_LOG_INFO:
		return slog.LevelInfo, nil
	case C.PGQRS_LOG_WARN:
		return slog.LevelWarn, nil
	case C.PGQRS_LOG_ERROR:
		return slog.LevelError, nil
	}
	return 0, cerr.Argument("level", "must be between %d and %d, not %d", C.PGQRS_LOG_DEBUG, C.PGQRS_LOG_ERROR, level)
}
