package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/pgqrs/pgqrs/core/fault"
)

// codeNames are SQLite's names of its primary result codes.
var codeNames = map[sqlite3.ErrorCode]string{
	sqlite3.ERROR: "SQLITE_ERROR", sqlite3.INTERNAL: "SQLITE_INTERNAL", sqlite3.PERM: "SQLITE_PERM",
	sqlite3.ABORT: "SQLITE_ABORT", sqlite3.BUSY: "SQLITE_BUSY", sqlite3.LOCKED: "SQLITE_LOCKED",
	sqlite3.NOMEM: "SQLITE_NOMEM", sqlite3.READONLY: "SQLITE_READONLY", sqlite3.INTERRUPT: "SQLITE_INTERRUPT",
	sqlite3.IOERR: "SQLITE_IOERR", sqlite3.CORRUPT: "SQLITE_CORRUPT", sqlite3.NOTFOUND: "SQLITE_NOTFOUND",
	sqlite3.FULL: "SQLITE_FULL", sqlite3.CANTOPEN: "SQLITE_CANTOPEN", sqlite3.PROTOCOL: "SQLITE_PROTOCOL",
	sqlite3.SCHEMA: "SQLITE_SCHEMA", sqlite3.TOOBIG: "SQLITE_TOOBIG", sqlite3.CONSTRAINT: "SQLITE_CONSTRAINT",
	sqlite3.MISMATCH: "SQLITE_MISMATCH", sqlite3.MISUSE: "SQLITE_MISUSE", sqlite3.NOLFS: "SQLITE_NOLFS",
	sqlite3.AUTH: "SQLITE_AUTH", sqlite3.RANGE: "SQLITE_RANGE", sqlite3.NOTADB: "SQLITE_NOTADB",
}

// translate turns whatever a call met into a fault. The context tells why a
// statement was interrupted: the driver does not.
func (e *store) translate(ctx context.Context, err error) error {
	var known *fault.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	code, ok := codeOf(err)
	if !ok {
		return &fault.Error{Kind: fault.Internal, Cause: err}
	}
	if code == sqlite3.INTERRUPT && ctx.Err() != nil {
		return fault.FromContext(ctx)
	}
	f := &fault.Error{Kind: fault.Database, SQLState: codeNames[code], Cause: err}
	where := e.at.String()
	switch code {
	case sqlite3.BUSY, sqlite3.LOCKED, sqlite3.PROTOCOL:
		f.Safe = true
		f.Text = "another program holds the lock of " + where
	case sqlite3.FULL:
		f.Safe = true
		f.Text = "no space left to write " + where + ": free some, nothing was stored"
	case sqlite3.IOERR:
		if errors.Is(err, sqlite3.IOERR_WRITE) {
			f.Safe = true
			f.Text = "writing " + where + " failed, nothing was stored: check the free space, quotas and the disk"
		}
	case sqlite3.READONLY, sqlite3.PERM, sqlite3.AUTH:
		f.Text = where + " cannot be written: " + makeWritable
	case sqlite3.CORRUPT:
		f.Text = where + " is damaged: restore it from a backup"
	case sqlite3.NOTADB:
		f.Text = where + " is not an SQLite database: name another file"
	case sqlite3.CANTOPEN:
		f.Kind = fault.Connect
		f.Text = e.cannotOpen(err)
	case sqlite3.NOMEM:
		f.RowFault = true
		f.Text = "the database engine ran out of the memory it may use: send less at once, or ask for fewer rows"
	case sqlite3.TOOBIG:
		f.RowFault = true
		f.Text = "a value is larger than SQLite can store"
	case sqlite3.CONSTRAINT, sqlite3.MISMATCH:
		f.RowFault = true
	case sqlite3.ERROR:
		// The one place where a text is read: SQLite has no code for it.
		if s := err.Error(); strings.Contains(s, "no such table: pgqrs_") || strings.Contains(s, "no such column") {
			f.Kind = fault.Schema
			f.Text = where + " has no tables of pgqrs, or not those of this version: call admin.install()"
		}
	}
	return f
}

const makeWritable = "make the file and its directory writable for this user"

// cannotOpen says why one of the store's files cannot be opened, and what mends it.
func (e *store) cannotOpen(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "no permission to write " + e.at.String() + ": " + makeWritable
	}
	return "cannot open " + e.at.String() + ": check that its directory exists and is writable"
}

// translateCommit is translate for the error of a COMMIT: after a failed sync of
// the log nobody knows whether the transaction will be found there. After a failed
// write, which is what the driver makes of a full disk, it is not: the frame that
// completes it is the last to be written.
func (e *store) translateCommit(err error) error {
	if code, ok := codeOf(err); ok && code == sqlite3.IOERR && !errors.Is(err, sqlite3.IOERR_WRITE) {
		return &fault.Error{
			Kind: fault.OutcomeUnknown, SQLState: codeNames[code], Cause: err,
			Text: "writing " + e.at.String() + " failed during the commit: it may or may not have been stored",
		}
	}
	return e.translate(context.Background(), err)
}

// codeOf finds SQLite's primary result code in an error.
func codeOf(err error) (sqlite3.ErrorCode, bool) {
	var full *sqlite3.Error
	if errors.As(err, &full) {
		return full.Code(), true
	}
	var extended sqlite3.ExtendedErrorCode
	if errors.As(err, &extended) {
		return extended.Code(), true
	}
	var code sqlite3.ErrorCode
	if errors.As(err, &code) {
		return code, true
	}
	return 0, false
}

// isOutOfMemory reports whether the driver panicked for want of memory. Its
// value has no exported name.
func isOutOfMemory(err error) bool { return err.Error() == "sqlite3: out of memory" }

// errClosed is the fault of a call that came after Close.
func errClosed() error {
	return &fault.Error{Kind: fault.Closed, Safe: true, Text: "the store is closed"}
}
