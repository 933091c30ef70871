package postgres

import (
	"slices"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// foreign describes a statement that runs on connections of others.
type foreign struct {
	query      string
	parameters []model.SQLParameter
}

// foreigners are the statements of queries/transaction.sql. Never changed.
var foreigners = map[model.SQLStatement]foreign{
	model.SQLEnqueue:      {"EnqueueIn", enqueueParameters("payload", "dedup_key")},
	model.SQLEnqueueBatch: {"EnqueueBatchIn", enqueueParameters("payloads", "dedup_keys")},
}

func enqueueParameters(documents, keys string) []model.SQLParameter {
	return []model.SQLParameter{
		{Name: "queue", Type: "text"},
		{Name: documents, Type: "text"},
		{Name: "delay_ms", Type: "bigint", Nullable: true},
		{Name: keys, Type: "text", Nullable: true},
	}
}

// SQLText returns a statement for connections of others to a database that has the
// tables in schema; empty: public. It asks no database. Errors: Config (no name of a
// schema), InvalidArgument (no such statement).
func SQLText(schema string, statement model.SQLStatement) (model.SQL, error) {
	config, err := Config{Schema: schema}.withDefaults()
	if err != nil {
		return model.SQL{}, err
	}
	found, ok := foreigners[statement]
	if !ok {
		return model.SQL{}, fault.Argument("statement", "%d is no statement; use one of the PGQRS_SQL_ constants", statement)
	}
	return model.SQL{
		Text:       newStatements(config.Schema).get(found.query),
		Parameters: slices.Clone(found.parameters), Returns: "bigint",
	}, nil
}
