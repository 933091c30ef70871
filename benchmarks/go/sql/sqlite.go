package main

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/pgqrs/pgqrs/benchmarks/go/loadgen"
)

// insertValues stores so many rows by one statement and one transaction, over and
// over, in a table of its own, as durably as pgqrs does.
func insertValues(ctx context.Context, path, payload string, rows int, lasts time.Duration) (result loadgen.Result, err error) {
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
	err = connection.Exec(`
		PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
		CREATE TABLE f (id INTEGER PRIMARY KEY, payload TEXT NOT NULL)`)
	if err != nil {
		return nil, err
	}
	statement, _, err := connection.Prepare("INSERT INTO f (payload) VALUES (?)" + strings.Repeat(", (?)", rows-1))
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
