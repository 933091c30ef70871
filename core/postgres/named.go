package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Where statements keep their names, the engine drives its pipelines itself. The
// driver's batches cannot ask for the rows before the commit, and encode the arguments
// of each into memory that grows and is dropped. A server answers a pipeline when it
// has committed, rows and all; asked to flush in between it sends the rows as soon as it
// has them, so that the next transaction may begin on another connection while this one
// waits for the disk. The statements have names of their own: the driver's cache forgets
// its statements when one fails, and so does this.

// named is a pipeline of statements that have names.
type named struct {
	ctx   context.Context
	conn  *pgx.Conn
	pipe  *pgconn.Pipeline
	names []string // of the statements it uses
	rows  pgx.Rows // of the step that is read
	err   error
}

// sendNamed sends all steps, or fails before it has sent any. Rows come before the
// commit where somebody waits for them.
func (s *store) sendNamed(ctx context.Context, conn *pgx.Conn, steps []step) (results, error) {
	n := &named{ctx: ctx, conn: conn, names: make([]string, len(steps))}
	statements := make([]*pgconn.StatementDescription, len(steps))
	args := takeArguments()
	defer args.giveBack() // by then they are copied into what goes to the server
	for i, st := range steps {
		n.names[i] = s.queries.nameOf(st.sql)
		var err error
		if statements[i], err = prepare(ctx, conn, n.names[i], st, args); err != nil {
			return nil, err
		}
	}
	conn.PgConn().Frontend().Send(args.room())
	n.pipe = conn.PgConn().StartPipeline(ctx)
	for i, statement := range statements {
		a := args.of[i]
		n.pipe.SendQueryStatement(statement, a.values, a.formats, a.results)
	}
	if slices.ContainsFunc(steps, func(st step) bool { return st.placed != nil }) {
		n.pipe.SendFlushRequest()
	}
	n.err = n.pipe.Sync()
	return n, nil
}

// prepare sees to it that the connection knows the statement of a step by a name, and
// encodes the arguments.
func prepare(ctx context.Context, conn *pgx.Conn, name string, st step, args *arguments) (*pgconn.StatementDescription, error) {
	statement, err := conn.Prepare(ctx, name, st.sql)
	if err != nil {
		return nil, err
	}
	return statement, args.add(conn.TypeMap(), statement, st.args)
}

// Query returns the rows of the next step.
func (n *named) Query() (pgx.Rows, error) {
	if n.err != nil {
		return nil, n.err
	}
	var result any
	if result, n.err = n.pipe.GetResults(); n.err != nil {
		return nil, n.err
	}
	reader, ok := result.(*pgconn.ResultReader)
	if !ok {
		n.err = fmt.Errorf("a statement was answered by %T", result)
		return nil, n.err
	}
	n.rows = pgx.RowsFromResultReader(n.conn.TypeMap(), reader)
	return n.rows, nil
}

// Close returns after the commit.
func (n *named) Close() error {
	if n.rows != nil {
		n.err = cmp.Or(n.err, n.rows.Err())
	}
	n.err = cmp.Or(n.err, n.pipe.Close())
	if n.err != nil && !n.conn.IsClosed() {
		for _, name := range n.names {
			_ = n.conn.Deallocate(n.ctx, name) // a connection that fails here is closed
		}
	}
	return n.err
}
