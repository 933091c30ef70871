package postgres

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A server answers a pipeline when it has committed, rows and all. Asked to flush in
// between it sends the rows as soon as it has them, so that the next transaction may
// begin on another connection while this one waits for the disk. The driver's batches
// cannot ask for that, hence this one. Its statements have names of their own: the
// driver's cache forgets its statements when one fails, and so does this.

// rowsFirst is a pipeline whose rows come before its commit.
type rowsFirst struct {
	ctx   context.Context
	conn  *pgx.Conn
	pipe  *pgconn.Pipeline
	names []string // of the statements it uses
	rows  pgx.Rows // of the step that is read
	err   error
}

// wantsRowsFirst reports whether somebody waits for the rows of a step, on a
// connection that keeps its statements.
func wantsRowsFirst(conn *pgx.Conn, steps []step) bool {
	// In this order: Config copies everything, with maps and TLS settings.
	return slices.ContainsFunc(steps, func(st step) bool { return st.placed != nil }) &&
		conn.Config().DefaultQueryExecMode == pgx.QueryExecModeCacheStatement
}

func sendRowsFirst(ctx context.Context, conn *pgx.Conn, steps []step) (results, error) {
	r := &rowsFirst{ctx: ctx, conn: conn}
	statements := make([]*pgconn.StatementDescription, len(steps))
	values := make([]pgx.ExtendedQueryBuilder, len(steps))
	for i, st := range steps {
		statement, err := conn.Prepare(ctx, statementName(st.sql), st.sql)
		if err != nil {
			return nil, err
		}
		if err := values[i].Build(conn.TypeMap(), statement, st.args); err != nil {
			return nil, err
		}
		statements[i] = statement
		r.names = append(r.names, statement.Name)
	}
	r.pipe = conn.PgConn().StartPipeline(ctx)
	for i := range steps {
		r.pipe.SendQueryStatement(statements[i], values[i].ParamValues, values[i].ParamFormats, values[i].ResultFormats)
	}
	r.pipe.SendFlushRequest()
	r.err = r.pipe.Sync()
	return r, nil
}

// statementName names a statement by its text: a pool of the caller may serve stores
// of several schemas.
func statementName(sql string) string {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(sql)) // never fails
	return fmt.Sprintf("pgqrs_%x", hash.Sum64())
}

// Query returns the rows of the next step.
func (r *rowsFirst) Query() (pgx.Rows, error) {
	if r.err != nil {
		return nil, r.err
	}
	var result any
	if result, r.err = r.pipe.GetResults(); r.err != nil {
		return nil, r.err
	}
	reader, ok := result.(*pgconn.ResultReader)
	if !ok {
		r.err = fmt.Errorf("a statement was answered by %T", result)
		return nil, r.err
	}
	r.rows = pgx.RowsFromResultReader(r.conn.TypeMap(), reader)
	return r.rows, nil
}

// Close returns after the commit.
func (r *rowsFirst) Close() error {
	if r.rows != nil {
		r.err = cmp.Or(r.err, r.rows.Err())
	}
	r.err = cmp.Or(r.err, r.pipe.Close())
	if r.err != nil && !r.conn.IsClosed() {
		for _, name := range r.names {
			_ = r.conn.Deallocate(r.ctx, name) // a connection that fails here is closed
		}
	}
	return r.err
}
