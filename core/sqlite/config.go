package sqlite

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// DefaultReaders is how many reader connections an engine has when Config does
// not say.
const DefaultReaders = 4

// Config says which file to open, and how. The zero Config is a store in memory.
type Config struct {
	// Path names the database file; "" and ":memory:" mean a store in the memory
	// of this engine alone, which ends with it. A file that does not exist is
	// created with mode 0600; its directory has to exist.
	Path string
	// Readers is the number of connections for look-ups; 0: DefaultReaders. A
	// store in memory has one connection for everything.
	Readers int
	// Logger receives what no caller is told, for example a long wait for a
	// foreign writer; nil: slog.Default().
	Logger *slog.Logger
	// Report receives a panic of who writes; nil panics again.
	Report spawn.Report

	vfs string // a driver file system, for tests that count or break its calls
}

// location is where a store lives.
type location struct {
	path string // absolute, symbolic links resolved; "" for a store in memory
}

// locate resolves a Config's path. Processes must agree on the names of the lock
// and wake files whatever link they came by, so links are followed here, as the
// driver does.
func locate(path string) (location, error) {
	if path == "" || path == ":memory:" {
		return location{}, nil
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return location{}, fault.New(fault.Connect, "path %s: %w", path, err)
	}
	if real, err := filepath.EvalSymlinks(full); err == nil {
		return location{real}, nil
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(full))
	if errors.Is(err, fs.ErrNotExist) {
		return location{}, &fault.Error{
			Kind: fault.Connect, Field: "path", Cause: err,
			Text: "the directory " + filepath.Dir(full) + " does not exist: create it, or name another file",
		}
	}
	if err != nil {
		return location{}, fault.New(fault.Connect, "cannot open %s: %w", full, err)
	}
	return location{filepath.Join(dir, filepath.Base(full))}, nil
}

// create makes sure that the file exists, with mode 0600 when it is new, and
// returns its mode. An existing file is not opened: see the package comment.
func (l location) create() (fs.FileMode, error) {
	f, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return 0o600, f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return 0, err
	}
	info, err := os.Stat(l.path)
	if err != nil {
		return 0, fault.New(fault.Connect, "cannot open %s: %w", l.path, err)
	}
	if !info.Mode().IsRegular() {
		return 0, fault.New(fault.Connect, "cannot open %s: it is not a regular file", l.path)
	}
	return info.Mode().Perm(), nil
}

// memory reports whether the store lives in memory.
func (l location) memory() bool { return l.path == "" }

// String names the store in texts for people.
func (l location) String() string {
	if l.memory() {
		return "the store in memory"
	}
	return l.path
}

// lockPath and wakePath are files of ours that SQLite never sees.
func (l location) lockPath() string { return l.path + ".lock" }
func (l location) wakePath() string { return l.path + ".wake" }
