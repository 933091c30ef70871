package sqlite

import (
	"context"
	"math"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// Why a message is dead. The words are those of the PostgreSQL engine.
const (
	deadReleased = "released after %d leases"
	deadExpired  = "leased %d times without being archived"
	deadByHand   = "moved by hand"
)

// sweepRows is how many messages one transaction of a sweep moves at most.
const sweepRows = 10000

// letGo takes the leases of workers back: messages at their limit die, the others
// may be claimed again. It returns how many there were.
func (t *tx) letGo(workers []int64) (int64, error) {
	var dead, alive []int64
	err := t.queryEach("worker_holds", workers, func(row *sqlite3.Stmt) {
		if row.ColumnInt64(1) != 0 {
			dead = append(dead, row.ColumnInt64(0))
		} else {
			alive = append(alive, row.ColumnInt64(0))
		}
	}, t.now)
	if err != nil {
		return 0, err
	}
	if err := t.archive(dead, deadReleased); err != nil {
		return 0, err
	}
	_, err = t.execEach("release", alive, t.now)
	return int64(len(dead) + len(alive)), err
}

// DeadLetter implements engine.Messages.
func (e *store) DeadLetter(ctx context.Context, id int64) error {
	return e.write(ctx, 1, func(t *tx) error {
		var leased bool
		n, err := t.query("message_leased", func(row *sqlite3.Stmt) { leased = row.ColumnInt64(0) != 0 }, id, t.now)
		switch {
		case err != nil:
			return err
		case n == 0:
			return messageNotFound(id, "any queue")
		case leased:
			return stateTransition("Message %d is leased: wait for its lease to end, or release its worker's messages first", id)
		}
		return t.archive([]int64{id}, deadByHand)
	})
}

// Sweep implements engine.Messages.
func (e *store) Sweep(ctx context.Context, queueID int64) (int64, error) {
	return e.sweep(ctx, queueID, math.MinInt64, microsNow())
}

// SweepSince implements engine.Messages.
func (e *store) SweepSince(ctx context.Context, since time.Time) (moved int64, until time.Time, err error) {
	now, after := microsNow(), int64(math.MinInt64)
	if !since.IsZero() {
		after = since.UnixMicro()
	}
	moved, err = e.sweep(ctx, 0, after, now)
	return moved, instant(now), err
}

// sweep looks for exhausted messages beside the writer, because that takes a look at
// every eligible one, and moves those that still are so; with nothing to do it
// never takes the write lock.
func (e *store) sweep(ctx context.Context, queueID, after, now int64) (moved int64, err error) {
	var found []int64
	err = e.read(ctx, func(c *conn) (err error) {
		found, err = selectAll(c, "exhausted_everywhere", scanID, queueID, after, now)
		return err
	})
	for len(found) > 0 && err == nil {
		part := found[:min(len(found), sweepRows)]
		found = found[len(part):]
		var n int64
		err = e.write(ctx, 0, func(t *tx) error {
			var still []int64
			err := t.queryEach("exhausted_of_these", part, func(row *sqlite3.Stmt) {
				still = append(still, scanID(row))
			}, t.now)
			if err != nil {
				return err
			}
			n = int64(len(still))
			return t.archive(still, deadExpired)
		})
		if err == nil {
			moved += n
		}
	}
	return moved, err
}
