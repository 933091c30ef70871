package postgres

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgqrs/pgqrs/core/fault"
)

// step is one statement of a pipeline. read consumes its rows; nil discards
// them. A retried pipeline reads anew, so read starts by forgetting. placed, when
// not nil, is called after it, while the commit is still to come.
type step struct {
	sql    string
	args   []any
	read   func(rows pgx.Rows) error
	placed func()
}

// step makes a step of a named query.
func (s *store) step(name string, read func(pgx.Rows) error, args ...any) step {
	return step{sql: s.queries.get(name), args: args, read: read}
}

// phase is how far a pipeline got when an error arrived, which decides what the
// error proves.
type phase uint8

const (
	reading    phase = iota // a pipeline that changes nothing
	writing                 // rows of a changing pipeline: the commit comes later
	committing              // all rows were read: the commit is under way
)

// write runs the steps as one transaction that the caller's context cannot
// interrupt, and returns after its commit.
func (s *store) write(ctx context.Context, steps ...step) error {
	return s.writeWith(ctx, ordinary, steps...)
}

// writeWith is write with plans of a kind.
func (s *store) writeWith(ctx context.Context, want plans, steps ...step) error {
	return s.attempt(ctx, func() error { return s.once(ctx, want, steps...) })
}

// once is one attempt of writeWith.
func (s *store) once(ctx context.Context, want plans, steps ...step) error {
	return s.withConn(ctx, func(conn *pgxpool.Conn) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.writeTimeout)
		defer cancel()
		return s.pipeline(ctx, conn, writing, want, steps)
	})
}

// read runs steps that change nothing.
func (s *store) read(ctx context.Context, steps ...step) error {
	return s.attempt(ctx, func() error {
		return s.withConn(ctx, func(conn *pgxpool.Conn) error {
			return s.pipeline(ctx, conn, reading, ordinary, steps)
		})
	})
}

// transaction runs f between begin and commit. It is for the rare work that
// decides between statements and may take long: the caller's context does
// interrupt it, because nothing is stored before the commit. f may run again.
func (s *store) transaction(ctx context.Context, f func(tx pgx.Tx) error) error {
	return s.attempt(ctx, func() error {
		return s.withConn(ctx, func(conn *pgxpool.Conn) error {
			// What a lost connection leaves behind is rolled back by the server, so
			// until the commit everything is as safe as a read.
			if err := s.unpin(ctx, conn); err != nil {
				return err
			}
			tx, err := conn.Begin(ctx)
			if err != nil {
				return s.fault(ctx, reading, err)
			}
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.writeTimeout)
			defer cancel()
			defer func() { _ = tx.Rollback(ending) }() // no-op after the commit; a broken connection rolls back by itself
			if err := f(tx); err != nil {
				return s.fault(ctx, reading, err)
			}
			if err := tx.Commit(ending); err != nil {
				return s.fault(ending, committing, err)
			}
			return nil
		})
	})
}

// pipeline sends all steps in one round trip.
func (s *store) pipeline(ctx context.Context, conn *pgxpool.Conn, p phase, want plans, steps []step) error {
	steps, settled := s.planned(conn, want, steps)
	if len(steps) == 0 {
		return nil
	}
	if conn.Conn().IsClosed() {
		return &fault.Error{Kind: fault.Connect, Text: "the connection was lost before the statement was sent", Safe: true}
	}
	results, err := s.send(ctx, conn.Conn(), steps)
	if err != nil {
		return s.fault(ctx, reading, err) // of the transaction nothing was sent
	}
	for _, st := range steps {
		rows, err := results.Query()
		if err == nil {
			if st.read != nil {
				err = st.read(rows)
			}
			rows.Close()
			err = cmp.Or(err, rows.Err())
		}
		if err != nil {
			_ = results.Close() // repeats err, or reports what follows from it
			return s.fault(ctx, p, err)
		}
		if st.placed != nil {
			st.placed()
		}
	}
	if err := results.Close(); err != nil {
		if p == writing {
			p = committing
		}
		return s.fault(ctx, p, err)
	}
	settled()
	return nil
}

// results are the rows of every step, in order; Close returns after the commit.
type results interface {
	Query() (pgx.Rows, error)
	Close() error
}

// send sends all steps, or fails before it has sent any.
func (s *store) send(ctx context.Context, conn *pgx.Conn, steps []step) (results, error) {
	if s.named {
		return s.sendNamed(ctx, conn, steps)
	}
	batch := &pgx.Batch{QueuedQueries: make([]*pgx.QueuedQuery, 0, len(steps))}
	for _, st := range steps {
		batch.Queue(st.sql, st.args...)
	}
	return conn.SendBatch(ctx, batch), nil
}

// withConn lends a connection to f.
func (s *store) withConn(ctx context.Context, f func(conn *pgxpool.Conn) error) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	return f(conn)
}

// acquire takes a connection out of the pool. Waiting for one is bounded by the connect
// timeout.
func (s *store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	waiting, cancel := context.WithTimeout(ctx, s.connectTimeout)
	defer cancel()
	conn, err := s.pool.Acquire(waiting)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fault.FromContext(ctx)
		}
		if waiting.Err() != nil && s.pool.Stat().AcquiredConns() >= s.pool.Config().MaxConns {
			return nil, &fault.Error{
				Kind: fault.PoolExhausted, Field: "max_connections", Safe: true, Cause: err,
				Text: "no connection became free in time: raise max_connections",
			}
		}
		return nil, connectFault(ctx, err)
	}
	if ctx.Err() != nil {
		conn.Release()
		return nil, fault.FromContext(ctx)
	}
	return conn, nil
}

const (
	maxAttempts    = 12
	firstRetryWait = 2 * time.Millisecond
	longestWait    = 250 * time.Millisecond
)

// attempt runs f until it succeeds or fails for a reason that a repetition does
// not mend: lost races between transactions, and connections that turned out
// dead before anything was sent.
func (s *store) attempt(ctx context.Context, f func() error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	wait := firstRetryWait
	for n := 1; ; n++ {
		if ctx.Err() != nil {
			return fault.FromContext(ctx)
		}
		err := f()
		if err == nil || n == maxAttempts || !mendable(err, n) {
			return err
		}
		s.log.DebugContext(ctx, "repeating a transaction that failed", "attempt", n, "error", err)
		timer := time.NewTimer(wait/2 + rand.N(wait))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
		wait = min(2*wait, longestWait)
	}
}
