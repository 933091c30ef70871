package cmem

/*
#include "pgqrs.h"
*/
import "C"

import (
	"time"

	"github.com/pgqrs/pgqrs/core/model"
)

// Messages lays messages out as a list of pgqrs_message.
func Messages(messages []*model.Message) (*Block, List, error) {
	var bytes uintptr
	for _, m := range messages {
		bytes += uintptr(len(m.Payload)+len(m.DeadReason)) + 2
	}
	return lay(len(messages), bytes, func(w *writer, out []C.pgqrs_message) {
		for i, m := range messages {
			fill(w, &out[i], m)
		}
	})
}

// Tokens lays tokens out as a list of pgqrs_token.
func Tokens(tokens []model.Token) (*Block, List, error) {
	return lay(len(tokens), 0, func(_ *writer, out []C.pgqrs_token) {
		for i, t := range tokens {
			out[i].id, out[i].read_ct = C.int64_t(t.ID), C.int32_t(t.ReadCt)
		}
	})
}

// fill writes one record; absent fields stay 0 and their bit stays clear.
func fill(w *writer, to *C.pgqrs_message, m *model.Message) {
	to.id = C.int64_t(m.ID)
	to.queue_id = C.int64_t(m.QueueID)
	to.enqueued_at = C.int64_t(Micros(m.EnqueuedAt))
	to.vt = C.int64_t(Micros(m.VT))
	to.read_ct = C.int32_t(m.ReadCt)
	to.payload = str(text(w, m.Payload))

	present := func(there bool, bit C.uint32_t) bool {
		if there {
			to.present |= bit
		}
		return there
	}
	if present(!m.DequeuedAt.IsZero(), C.PGQRS_HAS_DEQUEUED_AT) {
		to.dequeued_at = C.int64_t(Micros(m.DequeuedAt))
	}
	if present(!m.ArchivedAt.IsZero(), C.PGQRS_HAS_ARCHIVED_AT) {
		to.archived_at = C.int64_t(Micros(m.ArchivedAt))
	}
	if present(m.ProducerWorkerID != 0, C.PGQRS_HAS_PRODUCER_WORKER_ID) {
		to.producer_worker_id = C.int64_t(m.ProducerWorkerID)
	}
	if present(m.ConsumerWorkerID != 0, C.PGQRS_HAS_CONSUMER_WORKER_ID) {
		to.consumer_worker_id = C.int64_t(m.ConsumerWorkerID)
	}
	if present(m.DeadReason != "", C.PGQRS_HAS_DEAD_REASON) {
		to.dead_reason = str(text(w, m.DeadReason))
	}
}

// Micros is an instant as the ABI writes it: microseconds since 1970, UTC.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func str(t Text) C.pgqrs_str {
	return C.pgqrs_str{data: (*C.char)(t.Data), len: C.uint64_t(t.Len)}
}
