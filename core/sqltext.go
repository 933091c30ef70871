package core

import (
	"unicode/utf8"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/postgres"
)

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
