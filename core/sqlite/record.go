package sqlite

import (
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/pgqrs/pgqrs/core/model"
)

// defaultPage is how many rows a listing returns when its Page does not say.
const defaultPage = 100

// instant is a stored instant as a time; NULL, which reads as 0, is the zero time.
func instant(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// micros is a duration in microseconds, rounded up: a lease lasts at least as
// long as was asked for.
func micros(d time.Duration) int64 {
	return int64((d + time.Microsecond - 1) / time.Microsecond)
}

// pageArgs are the parameters of LIMIT and OFFSET.
func pageArgs(p model.Page) (limit, offset int64) {
	if p.Limit <= 0 {
		p.Limit = defaultPage
	}
	return p.Limit, max(p.Offset, 0)
}

// scanMessage reads the columns every message query begins with.
func scanMessage(row *sqlite3.Stmt) model.Message {
	return model.Message{
		ID: row.ColumnInt64(0), QueueID: row.ColumnInt64(1),
		Payload:    row.ColumnBlob(2, nil),
		EnqueuedAt: instant(row.ColumnInt64(3)), VT: instant(row.ColumnInt64(4)),
		ReadCt: int32(row.ColumnInt64(5)), DequeuedAt: instant(row.ColumnInt64(6)),
		ProducerWorkerID: row.ColumnInt64(7), ConsumerWorkerID: row.ColumnInt64(8),
	}
}

// scanArchived reads a row of the archive.
func scanArchived(row *sqlite3.Stmt) model.Message {
	m := scanMessage(row)
	m.ArchivedAt, m.DeadReason = instant(row.ColumnInt64(9)), row.ColumnText(10)
	return m
}

func scanQueue(row *sqlite3.Stmt) model.QueueInfo {
	return model.QueueInfo{
		ID: row.ColumnInt64(0), Name: row.ColumnText(1),
		CreatedAt: instant(row.ColumnInt64(2)), MaxReadCt: int32(row.ColumnInt64(3)),
	}
}

func scanWorker(row *sqlite3.Stmt) model.WorkerInfo {
	return model.WorkerInfo{
		ID: row.ColumnInt64(0), Name: row.ColumnText(1), Hostname: row.ColumnText(2),
		Port: int32(row.ColumnInt64(3)), QueueID: row.ColumnInt64(4), Status: model.WorkerStatus(row.ColumnText(5)),
		StartedAt: instant(row.ColumnInt64(6)), HeartbeatAt: instant(row.ColumnInt64(7)), ShutdownAt: instant(row.ColumnInt64(8)),
	}
}

// selectAll collects the rows of a query.
func selectAll[T any](c *conn, name string, scan func(*sqlite3.Stmt) T, args ...any) (list []T, err error) {
	_, err = c.query(name, func(row *sqlite3.Stmt) { list = append(list, scan(row)) }, args...)
	return list, err
}

// selectOne returns the last row of a query, and whether there was one.
func selectOne[T any](c *conn, name string, scan func(*sqlite3.Stmt) T, args ...any) (one T, found bool, err error) {
	n, err := c.query(name, func(row *sqlite3.Stmt) { one = scan(row) }, args...)
	return one, n > 0, err
}

// scanID reads the one column of queries that return ids.
func scanID(row *sqlite3.Stmt) int64 { return row.ColumnInt64(0) }
