package postgres

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgqrs/pgqrs/core/fault"
)

// A stream carries enqueue flushes of one queue that follow one another on one
// connection: each is sent without waiting for the answers of those in front of it. The
// server stores them one after the other, each in a transaction of its own, and has the
// next one at hand when it has committed the last.
//
// The driver's pipelines are written and read by one goroutine; here each flush is
// written by whoever has the turn while those in front of it are read by their own
// goroutines, so the messages of the protocol go past the pipeline.
type stream struct {
	// mu is held while a flush is written.
	mu     sync.Mutex
	conn   *pgxpool.Conn // nil: nothing is under way
	riders int           // flushes under way
	last   *rider        // the one written last
	sick   bool          // one has failed: the statement is prepared anew once all have ended
	lost   error         // why nothing more can be read
}

// rider is a flush under way in a stream.
type rider struct {
	stream   *stream
	before   *rider // nil: the first
	answered bool
	ended    chan struct{} // closed when it has been answered, or will not be
}

// streamOf returns the stream of a queue.
func (s *store) streamOf(queueID int64) *stream {
	if known, ok := s.streams.Load(queueID); ok {
		return known.(*stream)
	}
	made, _ := s.streams.LoadOrStore(queueID, &stream{})
	return made.(*stream)
}

// inStream is one attempt to store a flush behind those of its queue that are under
// way. It calls sent when the next one may follow.
func (s *store) inStream(ctx context.Context, queueID int64, insert step, count int, sent func()) ([]int64, error) {
	r, err := s.board(ctx, s.streamOf(queueID), insert)
	if err != nil {
		return nil, err
	}
	defer s.leaveStream(r, s.queries.nameOf(insert.sql))
	sent()
	return r.read(ctx, s, count)
}

// awaitStream waits for the flushes of a queue that are under way in its stream, in
// front of one that goes by another connection.
func (s *store) awaitStream(queueID int64) {
	known, ok := s.streams.Load(queueID)
	if !ok {
		return
	}
	st := known.(*stream)
	st.mu.Lock()
	last := st.last
	st.mu.Unlock()
	if last != nil {
		<-last.ended
	}
}

// board writes a flush. Nothing of one that fails here has been committed, or will be.
func (s *store) board(ctx context.Context, st *stream, insert step) (*rider, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for st.conn != nil && (st.sick || st.lost != nil) {
		last := st.last
		st.mu.Unlock()
		<-last.ended
		st.mu.Lock()
	}
	if st.conn == nil {
		conn, err := s.acquire(ctx)
		if err != nil {
			return nil, err
		}
		st.conn = conn
	}
	if err := s.sendBehind(ctx, st, insert); err != nil {
		st.endIfEmpty()
		return nil, s.fault(ctx, reading, err)
	}
	st.riders++
	st.last = &rider{stream: st, before: st.last, ended: make(chan struct{})}
	return st.last, nil
}

// sendBehind writes a flush, or fails before all of it was written. mu is held.
func (s *store) sendBehind(ctx context.Context, st *stream, insert step) error {
	until := time.Now().Add(s.writeTimeout)
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), until)
	defer cancel()
	conn, name := st.conn.Conn(), s.queries.nameOf(insert.sql)
	args := takeArguments()
	defer args.giveBack() // by then they are copied into what goes to the server
	// The connection knows the statement already where others are under way.
	if _, err := prepare(ctx, conn, name, insert, args); err != nil {
		return err
	}
	err := write(conn.PgConn(), name, args, until)
	st.lost = cmp.Or(st.lost, err)
	return err
}

// write sends a statement that the server knows, as a transaction of its own.
func write(conn *pgconn.PgConn, name string, args *arguments, until time.Time) error {
	if err := conn.Conn().SetWriteDeadline(until); err != nil {
		return err
	}
	front, a := conn.Frontend(), args.of[0]
	front.Send(args.room())
	front.SendBind(&pgproto3.Bind{
		PreparedStatement: name, ParameterFormatCodes: a.formats, Parameters: a.values, ResultFormatCodes: a.results,
	})
	front.SendExecute(&pgproto3.Execute{})
	front.SendSync(&pgproto3.Sync{})
	return front.Flush()
}

// read waits for those in front and reads the ids of this flush, after its commit.
func (r *rider) read(ctx context.Context, s *store, count int) ([]int64, error) {
	if r.before != nil {
		<-r.before.ended
		r.before = nil
	}
	if err := r.stream.broken(); err != nil {
		return nil, s.fault(ctx, writing, err)
	}
	pg := r.stream.conn.Conn().PgConn()
	if err := pg.Conn().SetReadDeadline(time.Now().Add(s.writeTimeout)); err != nil {
		return nil, s.fault(ctx, writing, r.stream.breaks(err))
	}
	ids, p := make([]int64, 0, count), writing
	var refused error
	for {
		message, err := pg.ReceiveMessage(context.Background())
		if err != nil {
			return nil, s.fault(ctx, p, r.stream.breaks(err))
		}
		switch m := message.(type) {
		case *pgproto3.DataRow:
			if len(m.Values) != 1 || len(m.Values[0]) != 8 {
				err := r.stream.breaks(fmt.Errorf("an id came in %d columns", len(m.Values)))
				return nil, &fault.Error{Kind: fault.Internal, Text: "a result could not be read", Cause: err}
			}
			ids = append(ids, int64(binary.BigEndian.Uint64(m.Values[0])))
		case *pgproto3.CommandComplete:
			p = committing
		case *pgproto3.ErrorResponse:
			refused = s.fault(ctx, p, pgconn.ErrorResponseToPgError(m))
			r.stream.fails()
		case *pgproto3.ReadyForQuery:
			r.answered = true
			return ids, refused
		}
	}
}

// leaveStream ends a flush. Where its answer was not read, nobody behind it can tell
// theirs from it.
func (s *store) leaveStream(r *rider, statement string) {
	st := r.stream
	if !r.answered {
		_ = st.breaks(errors.New("the answer in front was not read"))
	}
	close(r.ended)
	st.mu.Lock()
	defer st.mu.Unlock()
	st.riders--
	if st.riders == 0 && st.sick && st.lost == nil {
		ctx, cancel := context.WithTimeout(context.Background(), s.writeTimeout)
		defer cancel()
		_ = st.conn.Conn().Deallocate(ctx, statement) // a connection that fails here is closed
	}
	st.endIfEmpty()
}

// endIfEmpty gives the connection back when nothing is under way. mu is held.
func (st *stream) endIfEmpty() {
	if st.riders > 0 {
		return
	}
	if st.lost != nil {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = st.conn.Conn().Close(now)
	} else {
		_ = st.conn.Conn().PgConn().Conn().SetDeadline(time.Time{})
	}
	st.conn.Release()
	st.conn, st.last, st.sick, st.lost = nil, nil, false, nil
}

// broken tells why nothing more can be read; nil: it can.
func (st *stream) broken() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.lost
}

// breaks says that nothing more can be read, and returns the first reason for that.
func (st *stream) breaks(err error) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.lost = cmp.Or(st.lost, err)
	return st.lost
}

// fails says that the server refused a flush.
func (st *stream) fails() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.sick = true
}
