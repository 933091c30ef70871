package main

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/pgqrs/pgqrs/benchmarks/go/loadgen"
)

// A sqliteFloor is a table to insert into, and the values of a row.
type sqliteFloor struct{ table, insert, row string }

var sqliteFloors = map[string]sqliteFloor{
	// What any queue on SQLite has to write: the columns of a message that waits, and
	// the index it is found by.
	"sqlite rows of a queue": {
		table: `CREATE TABLE f (
			id INTEGER PRIMARY KEY AUTOINCREMENT, queue_id INTEGER NOT NULL, vt INTEGER NOT NULL,
			enqueued_at INTEGER NOT NULL, dequeued_at INTEGER, read_ct INTEGER NOT NULL DEFAULT 0,
			producer_worker_id INTEGER, consumer_worker_id INTEGER, payload TEXT NOT NULL) STRICT;
			CREATE INDEX f_claim ON f (queue_id, vt)`,
		insert: "INSERT INTO f (queue_id, vt, enqueued_at, producer_worker_id, payload) VALUES",
		row:    "(1, 1700000000000000, 1700000000000000, 1, ?)",
	},
	"sqlite bare rows": {
		table:  "CREATE TABLE f (id INTEGER PRIMARY KEY, payload TEXT NOT NULL)",
		insert: "INSERT INTO f (payload) VALUES",
		row:    "(?)",
	},
}

// run stores so many rows by one statement and one transaction, over and over, in a
// file of its own, as durably as pgqrs does.
func (f sqliteFloor) run(ctx context.Context, path, payload string, rows int, lasts time.Duration) (result loadgen.Result, err error) {
	path += ".floor"
	defer func() {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(path + suffix)
		}
	}()
	connection, err := sqlite3.OpenContext(ctx, path)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	if err := connection.Exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + f.table); err != nil {
		return nil, err
	}
	statement, _, err := connection.Prepare(f.insert + f.row + strings.Repeat(", "+f.row, rows-1))
	if err != nil {
		return nil, err
	}
	defer statement.Close()
	start, done := time.Now(), 0
	for time.Since(start) < lasts {
		for n := range rows {
			if err := statement.BindText(n+1, payload); err != nil {
				return nil, err
			}
		}
		if err := statement.Exec(); err != nil {
			return nil, err
		}
		done += rows
	}
	return loadgen.Rate(int64(done), start), nil
}
