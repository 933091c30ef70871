package core

import (
	"context"
	"encoding/json"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/postgres"
)

// EnqueueTx stores payload in a transaction of the caller's: the message becomes
// visible, and waiting consumers wake up, exactly when tx commits. It takes no
// part in group commit. It counts for the producer's rate limit, also when tx is
// rolled back. tx must be of the same database as the producer's store;
// on SQLite it is fault.Unsupported, because nobody can share its one writer.
func (p *Producer) EnqueueTx(ctx context.Context, tx pgx.Tx, payload any, o EnqueueOptions) (int64, error) {
	id, err := p.enqueueTx(ctx, tx, payload, o)
	return id, named("enqueue_tx", p.queue.Name, err)
}

func (p *Producer) enqueueTx(ctx context.Context, tx pgx.Tx, payload any, o EnqueueOptions) (int64, error) {
	if err := p.b.needPostgres(); err != nil {
		return 0, err
	}
	document, err := json.Marshal(payload)
	if err != nil {
		return 0, errNotJSON(err)
	}
	messages, err := p.messages([][]byte{document}, o)
	if err != nil {
		return 0, err
	}
	done, err := p.admit()
	if err != nil {
		return 0, err
	}
	defer done()
	if err := p.limit.Take(len(messages)); err != nil {
		return 0, err
	}
	ids, err := postgres.EnqueueTx(ctx, tx, p.b.cfg.Schema, p.queue.ID, messages)
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// SQLText returns the text of a statement that stores messages in a transaction of the
// caller's, on a PostgreSQL connection of any driver: they exist, and waiting consumers
// wake up, exactly when it commits. schema is where the tables are, as configured;
// empty: public. No store is open, and no database asked. Errors: Config,
// InvalidArgument.
func SQLText(schema string, statement model.SQLStatement) (model.SQL, error) {
	if !utf8.ValidString(schema) {
		return model.SQL{}, named("sql_text", "", &fault.Error{
			Kind: fault.Config, Field: "schema", Text: "schema: is not text; give a name in UTF-8", Safe: true,
		})
	}
	text, err := postgres.SQLText(schema, statement)
	return text, named("sql_text", "", err)
}

// SQLText is the function SQLText for the schema of the store. On SQLite it is
// fault.Unsupported: nobody can share its one writer.
func (s *Store) SQLText(statement model.SQLStatement) (model.SQL, error) {
	if err := s.b.needPostgres(); err != nil {
		return model.SQL{}, named("sql_text", "", err)
	}
	return SQLText(s.b.cfg.Schema, statement)
}

// needPostgres refuses to take part in somebody's transaction where there is one writer.
func (b *backend) needPostgres() error {
	if b.engine.Capabilities().Name == "postgres" {
		return nil
	}
	return &fault.Error{
		Kind: fault.Unsupported, Safe: true,
		Text: "transactional enqueue needs PostgreSQL; enqueue after your own commit instead",
	}
}
