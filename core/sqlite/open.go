package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/ncruces/go-sqlite3"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
)

// Open opens a store. A new file is created with mode 0600 and installs itself;
// an existing one is left as it is.
//
// Errors: Connect when the file cannot be opened or created, naming what is
// missing; Database (SQLITE_NOTADB, SQLITE_READONLY, SQLITE_CORRUPT) when it is
// not a database that can be written; Schema when a newer version made it;
// Timeout or Cancelled when ctx ends before the file is free.
func Open(ctx context.Context, cfg Config) (engine.Engine, error) {
	at, err := locate(cfg.Path)
	if err != nil {
		return nil, err
	}
	e := &store{at: at, log: cfg.Logger, closed: make(chan struct{}), retired: make(chan struct{})}
	if e.log == nil {
		e.log = slog.Default()
	}
	e.group.Report = cfg.Report
	if err := e.open(ctx, cfg); err != nil {
		return nil, e.translateOpen(ctx, err)
	}
	return e, nil
}

// open opens every file the engine will ever use, under the lock of all
// processes: switching to WAL and installing cannot be done by two at once.
func (e *store) open(ctx context.Context, cfg Config) (err error) {
	e.lock = &fileLock{}
	e.waker = newWaker(e.at)
	var conns []*conn
	var before map[int]bool
	defer func() {
		if err != nil {
			retire(e.at, ownDescriptors(e.at, before), conns, e.log)
			e.lock.close()
			e.waker.close()
		}
	}()
	readers := 0
	if !e.at.memory() {
		if readers = cfg.Readers; readers <= 0 {
			readers = DefaultReaders
		}
		mode, err := e.at.create()
		if err != nil {
			return err
		}
		if err := e.lock.open(e.at.lockPath(), mode); err != nil {
			return err
		}
		if err := e.waker.open(mode); err != nil {
			return err
		}
		locked, err := e.lock.acquire(func() bool { return ctx.Err() == nil })
		if err != nil {
			return err
		}
		if !locked {
			return fault.FromContext(ctx)
		}
		defer e.lock.release()
		before = descriptorsOf(e.at)
		defer e.shmMode(mode)
	}

	for range readers + 1 {
		c, err := openConn(ctx, e.at, cfg.vfs)
		if err != nil {
			return err
		}
		conns = append(conns, c)
		if len(conns) == 1 {
			if err := e.prepareStore(c); err != nil {
				return err
			}
		}
		if err := c.warm(); err != nil {
			return err
		}
	}
	e.writer = newWriter(conns[0], e.lock, e)
	e.readerCount = readers
	if readers > 0 {
		e.readers = make(chan *conn, readers)
		for _, c := range conns[1:] {
			e.readers <- c
		}
	}
	e.descriptors = append(ownDescriptors(e.at, before), e.lock.descriptors()...)
	return nil
}

// prepareStore checks that the store can be used, and installs a new one.
func (e *store) prepareStore(c *conn) error {
	return c.protect(func() error {
		if readOnly, _ := c.raw.ReadOnly("main"); readOnly {
			return sqlite3.READONLY
		}
		empty, err := c.integer("schema_is_empty")
		if err != nil {
			return err
		}
		if empty != 0 {
			if _, err := c.exec("begin"); err != nil {
				return err
			}
			if err := install(&tx{conn: c, now: microsNow()}); err != nil {
				return err
			}
			_, err := c.exec("commit")
			return err
		}
		version, err := schemaVersion(c)
		if err != nil {
			return err
		}
		return checkNotNewer(version)
	})
}

// shmMode gives the -shm file the mode of the database; the driver creates it
// with the process's umask. Changing the mode does not open the file.
func (e *store) shmMode(mode os.FileMode) {
	if err := os.Chmod(e.at.path+"-shm", mode); err != nil && !errors.Is(err, os.ErrNotExist) {
		e.log.Debug("setting the mode of the shared memory file failed", "error", err)
	}
}

// translateOpen adds to translate what only a failed Open can mean.
func (e *store) translateOpen(ctx context.Context, err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return &fault.Error{Kind: fault.Connect, Cause: err, Text: e.cannotOpen(err)}
	}
	return e.translate(ctx, err)
}
