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
	return byID(h, id, s, "get_message", (*core.Admin).GetMessage, messageReply)
}

//export goMessageList
func goMessageList(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "list_messages", byQueue|byWorker|byReads|byPayload|paged, func(ctx context.Context, on selection) (call.Reply, error) {
		return pageReply(on.ListMessages(ctx, on.Filter, on.page))
	})
}

//export goMessageCount
func goMessageCount(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "count_messages", byQueue|byWorker|byReads|byPayload, func(ctx context.Context, on selection) (call.Reply, error) {
		return encoded(cjson.Count)(on.CountMessages(ctx, on.Filter))
	})
}

//export goMessageReclaim
func goMessageReclaim(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "reclaim", byQueue|aged, func(ctx context.Context, on selection) (call.Reply, error) {
		return encoded(cjson.Count)(on.Reclaim(ctx, on.Queue, on.age))
	})
}

//export goMessageDeadLetter
func goMessageDeadLetter(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return removeByID(h, id, s, "dead_letter", (*core.Admin).DeadLetter)
}

//export goArchiveGet
func goArchiveGet(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return byID(h, id, s, "get_archived", (*core.Admin).GetArchived, messageReply)
}

//export goArchiveList
func goArchiveList(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "list_archived", byQueue|byWorker|byReads|byPayload|deadOnly|paged, func(ctx context.Context, on selection) (call.Reply, error) {
		return pageReply(on.ListArchived(ctx, on.Filter, on.page))
	})
}

//export goArchiveCount
func goArchiveCount(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "count_archived", byQueue|byWorker|byReads|byPayload|deadOnly, func(ctx context.Context, on selection) (call.Reply, error) {
		return encoded(cjson.Count)(on.CountArchived(ctx, on.Filter))
	})
}

//export goArchiveDelete
func goArchiveDelete(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return removeByID(h, id, s, "delete_archived", (*core.Admin).DeleteArchived)
}

//export goArchiveReplay
func goArchiveReplay(h C.pgqrs_handle, id C.int64_t, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return removeByID(h, id, s, "replay", (*core.Admin).Replay)
}

//export goArchivePurge
func goArchivePurge(h C.pgqrs_handle, o *C.in_table_options, s *C.in_submit) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	return rows(h, o, s, "purge_archive", byQueue|byWorker|deadOnly|aged, func(ctx context.Context, on selection) (call.Reply, error) {
		return encoded(cjson.Count)(on.PurgeArchive(ctx, on.Filter, on.age))
	})
}
