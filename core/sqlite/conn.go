package sqlite

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/pgqrs/pgqrs/core/fault"
)

// Address space the driver may use for one connection. It is reserved, not
// committed: only what a statement touches costs memory. A store in memory keeps
// all its rows in there.
const (
	fileConnMemory   = 256 << 20
	memoryConnMemory = 1 << 30
)

// manyFrom is from how many ids on one statement with a JSON array is faster
// than a prepared statement executed for each.
const manyFrom = 50

// conn is one connection with its prepared statements. It is used by one
// goroutine at a time.
type conn struct {
	raw        *sqlite3.Conn
	statements map[string]*sqlite3.Stmt
	unsynced   bool // how commits are now
}

// openConn opens a connection and makes its settings. The file must exist.
func openConn(ctx context.Context, at location, vfs string) (*conn, error) {
	memory := int64(fileConnMemory)
	if at.memory() {
		memory = memoryConnMemory
	}
	raw, err := sqlite3.OpenContext(sqlite3.WithMaxMemory(ctx, memory), at.dsn(vfs))
	if err != nil {
		return nil, err
	}
	c := &conn{raw: raw, statements: map[string]*sqlite3.Stmt{}}
	raw.SetInterrupt(ctx) // it may have to wait for a foreign lock
	defer raw.SetInterrupt(context.Background())
	err = c.protect(func() error {
		if err := raw.Exec("PRAGMA busy_timeout=10000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"); err != nil {
			return err
		}
		return addContains(raw)
	})
	if err != nil {
		raw.Close()
		return nil, err
	}
	return c, nil
}

// warm touches the file, so that the driver opens -wal and -shm now and the set
// of descriptors is complete.
func (c *conn) warm() error {
	return c.protect(func() error { return c.raw.Exec("SELECT count(*) FROM sqlite_schema") })
}

// syncCommits says whether the transactions that begin from now on wait at their
// commit until they are on the disk. Without, a loss of power can undo the last of
// them, never one before a synced one, and the file stays whole.
func (c *conn) syncCommits(on bool) error {
	if on == !c.unsynced {
		return nil
	}
	level := "NORMAL"
	if on {
		level = "FULL"
	}
	if err := c.raw.Exec("PRAGMA synchronous=" + level); err != nil {
		return err
	}
	c.unsynced = !on
	return nil
}

// close finalizes the statements and closes the connection.
func (c *conn) close() error {
	for _, s := range c.statements {
		s.Close()
	}
	c.statements = nil
	return c.raw.Close()
}

// protect runs f and turns the driver's panic for exhausted memory into an
// error. SQLite has unwound by then (or was not entered), so the connection
// stays usable once its statements are reset.
func (c *conn) protect(f func() error) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case error:
			if !isOutOfMemory(r) {
				panic(r)
			}
			err = sqlite3.NOMEM
		default:
			panic(r)
		}
		if err != nil {
			c.reset()
		}
	}()
	return f()
}

// reset ends every statement that was left half-way.
func (c *conn) reset() {
	for _, s := range c.statements {
		s.Reset() // repeats the error of its last step, which is known already
	}
}

// prepared returns the statement of a name, prepared once per connection.
func (c *conn) prepared(name string) (*sqlite3.Stmt, error) {
	if s, ok := c.statements[name]; ok {
		return s, nil
	}
	sql, ok := catalog()[name]
	if !ok {
		return nil, fault.New(fault.Internal, "no statement named %q", name)
	}
	s, _, err := c.raw.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, err
	}
	c.statements[name] = s
	return s, nil
}

// bound returns a prepared statement with its parameters set.
func (c *conn) bound(name string, args []any) (*sqlite3.Stmt, error) {
	s, err := c.prepared(name)
	if err != nil {
		return nil, err
	}
	for i, arg := range args {
		switch v := arg.(type) {
		case int64:
			err = s.BindInt64(i+1, v)
		case string:
			err = s.BindText(i+1, v)
		case nil:
			err = s.BindNull(i + 1)
		default:
			return nil, fault.New(fault.Internal, "statement %s: parameter %d is a %T", name, i+1, arg)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// exec runs a statement and returns how many rows it changed.
func (c *conn) exec(name string, args ...any) (int64, error) {
	s, err := c.bound(name, args)
	if err != nil {
		return 0, err
	}
	if err := s.Exec(); err != nil {
		return 0, err
	}
	return c.raw.Changes(), nil
}

// query runs a statement and hands each row to scan, which must copy what it
// keeps. It returns how many rows there were.
func (c *conn) query(name string, scan func(row *sqlite3.Stmt), args ...any) (int, error) {
	s, err := c.bound(name, args)
	if err != nil {
		return 0, err
	}
	n := 0
	for s.Step() {
		scan(s)
		n++
	}
	return n, errors.Join(s.Err(), s.Reset())
}

// integer runs a statement that answers with one number; none is 0.
func (c *conn) integer(name string, args ...any) (n int64, err error) {
	_, err = c.query(name, func(row *sqlite3.Stmt) { n = row.ColumnInt64(0) }, args...)
	return n, err
}

// execEach runs a statement for a set of ids, its first parameter, and returns
// how many rows it changed.
func (c *conn) execEach(name string, ids []int64, args ...any) (total int64, err error) {
	if len(ids) >= manyFrom {
		return c.exec(name, append([]any{idArray(ids)}, args...)...)
	}
	all := append([]any{nil}, args...)
	for _, id := range ids {
		all[0] = id
		n, err := c.exec(name+oneSuffix, all...)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// queryEach is execEach for statements that return rows.
func (c *conn) queryEach(name string, ids []int64, scan func(row *sqlite3.Stmt), args ...any) error {
	if len(ids) >= manyFrom {
		_, err := c.query(name, scan, append([]any{idArray(ids)}, args...)...)
		return err
	}
	all := append([]any{nil}, args...)
	for _, id := range ids {
		all[0] = id
		if _, err := c.query(name+oneSuffix, scan, all...); err != nil {
			return err
		}
	}
	return nil
}

// idArray is the ids as a JSON array.
func idArray(ids []int64) string {
	text := make([]byte, 0, 8*len(ids)+2)
	text = append(text, '[')
	for i, id := range ids {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, id, 10)
	}
	return string(append(text, ']'))
}

// dsn is the location as the driver wants it. Every file SQLite creates gets the
// mode of the database file (modeof), which Open created with 0600.
func (l location) dsn(vfs string) string {
	if l.memory() {
		return ":memory:"
	}
	params := url.Values{"modeof": {l.path}}
	if vfs != "" {
		params.Set("vfs", vfs)
	}
	query := strings.ReplaceAll(params.Encode(), "+", "%20") // SQLite knows no "+"
	return (&url.URL{Scheme: "file", OmitHost: true, Path: l.path, RawQuery: query}).String()
}
