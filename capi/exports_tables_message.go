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
	"github.com/pgqrs/pgqrs/core"
)

//export goMessageGet
func goMessageGet(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onAdmin(h, s, "get_message", nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		return messageReply(on.GetMessage(ctx, int64(id)))
	})
}

//export goMessageList
func goMessageList(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	a, err := decodeTable(o, byQueue|byWorker|byReads|byPayload|paged)
	return onAdmin(h, s, "list_messages", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		return messagesReply(on.ListMessages(ctx, a.Filter, a.page))
	})
}

//export goMessageCount
func goMessageCount(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	a, err := decodeTable(o, byQueue|byWorker|byReads|byPayload)
	return onAdmin(h, s, "count_messages", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		n, err := on.CountMessages(ctx, a.Filter)
		return answered(cjson.Count, n, err)
	})
}

//export goMessageReclaim
func goMessageReclaim(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	a, err := decodeTable(o, byQueue|aged)
	return onAdmin(h, s, "reclaim", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		n, err := on.Reclaim(ctx, a.Queue, a.age)
		return answered(cjson.Count, n, err)
	})
}

//export goMessageDeadLetter
func goMessageDeadLetter(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onAdmin(h, s, "dead_letter", nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		return removed(on.DeadLetter(ctx, int64(id)))
	})
}

//export goArchiveGet
func goArchiveGet(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onAdmin(h, s, "get_archived", nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		return messageReply(on.GetArchived(ctx, int64(id)))
	})
}

//export goArchiveList
func goArchiveList(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	a, err := decodeTable(o, byQueue|byWorker|byReads|byPayload|deadOnly|paged)
	return onAdmin(h, s, "list_archived", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		return messagesReply(on.ListArchived(ctx, a.Filter, a.page))
	})
}

//export goArchiveCount
func goArchiveCount(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	a, err := decodeTable(o, byQueue|byWorker|byReads|byPayload|deadOnly)
	return onAdmin(h, s, "count_archived", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		n, err := on.CountArchived(ctx, a.Filter)
		return answered(cjson.Count, n, err)
	})
}

//export goArchiveDelete
func goArchiveDelete(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onAdmin(h, s, "delete_archived", nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		return removed(on.DeleteArchived(ctx, int64(id)))
	})
}

//export goArchiveReplay
func goArchiveReplay(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return onAdmin(h, s, "replay", nil, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		return removed(on.Replay(ctx, int64(id)))
	})
}

//export goArchivePurge
func goArchivePurge(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	a, err := decodeTable(o, byQueue|byWorker|deadOnly|aged)
	return onAdmin(h, s, "purge_archive", err, func(ctx context.Context, on *core.Admin) (call.Reply, error) {
		n, err := on.PurgeArchive(ctx, a.Filter, a.age)
		return answered(cjson.Count, n, err)
	})
}
