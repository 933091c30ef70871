package postgres

import (
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pgqrs/pgqrs/core/model"
)

// defaultPageLimit is the length of a page whose Limit is 0.
const defaultPageLimit = 100

func pageLimit(page model.Page) int64 {
	if page.Limit == 0 {
		return defaultPageLimit
	}
	return page.Limit
}

// seconds is a duration as make_interval(secs => ..) takes it.
func seconds(d time.Duration) float64 { return d.Seconds() }

// instant is an optional instant as an argument: NULL when zero.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// utc returns the model's form of an instant: zero for NULL, microseconds as
// the server has them.
func utc(t pgtype.Timestamptz) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}

// one reads a single row, if there is one.
func one(into ...any) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		if rows.Next() {
			return rows.Scan(into...)
		}
		return nil
	}
}

// each reads every row with scan into list, which it empties first.
func each[T any](list *[]T, scan func(pgx.Rows) (T, error)) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		*list = nil
		for rows.Next() {
			record, err := scan(rows)
			if err != nil {
				return err
			}
			*list = append(*list, record)
		}
		return nil
	}
}

// eachID hands the ids that rows consist of to f. What a row is read into lives on
// the heap, so it is made once.
func eachID(rows pgx.Rows, f func(id int64)) error {
	var id int64
	row := cellsInto(&id)
	for rows.Next() {
		if err := row.read(rows); err != nil {
			return err
		}
		f(id)
	}
	return nil
}

// affected reads how many rows a statement changed.
func affected(n *int64) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		rows.Close()
		*n = rows.CommandTag().RowsAffected()
		return nil
	}
}

func scanQueue(rows pgx.Rows) (model.QueueInfo, error) {
	var q model.QueueInfo
	var created pgtype.Timestamptz
	err := rows.Scan(&q.ID, &q.Name, &created, &q.MaxReadCt)
	q.CreatedAt = utc(created)
	return q, err
}

func scanWorker(rows pgx.Rows) (model.WorkerInfo, error) {
	var w model.WorkerInfo
	var hostname pgtype.Text
	var port pgtype.Int4
	var queue pgtype.Int8
	var started, heartbeat, shutdown pgtype.Timestamptz
	err := rows.Scan(&w.ID, &w.Name, &hostname, &port, &queue, (*string)(&w.Status), &started, &heartbeat, &shutdown)
	w.Hostname, w.Port, w.QueueID = hostname.String, port.Int32, queue.Int64
	w.StartedAt, w.HeartbeatAt, w.ShutdownAt = utc(started), utc(heartbeat), utc(shutdown)
	return w, err
}

func scanMessage(rows pgx.Rows) (model.Message, error) {
	var m model.Message
	var enqueued, vt, dequeued, archived pgtype.Timestamptz
	var producer, consumer pgtype.Int8
	var reason pgtype.Text
	err := rows.Scan(&m.ID, &m.QueueID, &m.Payload, &enqueued, &vt, &m.ReadCt, &dequeued, &producer, &consumer, &archived, &reason)
	m.EnqueuedAt, m.VT, m.DequeuedAt, m.ArchivedAt = utc(enqueued), utc(vt), utc(dequeued), utc(archived)
	m.ProducerWorkerID, m.ConsumerWorkerID, m.DeadReason = producer.Int64, consumer.Int64, reason.String
	return m, err
}
