package main

/*
#include "shim.h"
*/
import "C"

import (
	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/cjson"
	"github.com/pgqrs/pgqrs/capi/internal/cmem"
	"github.com/pgqrs/pgqrs/capi/internal/guard"
	"github.com/pgqrs/pgqrs/capi/internal/handle"
	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/model"
)

//export goSqlText
func goSqlText(h C.pgqrs_handle, schema *C.in_str, statement C.int32_t, sql *C.pgqrs_str, out, to *C.pgqrs_handle) (st C.int32_t) {
	defer guard.Recover((*cerr.Status)(&st))
	found, err := sqlText(h, text(schema), model.SQLStatement(statement))
	if err != nil {
		return fail(to, "sql_text", err)
	}
	memory, texts, err := cmem.Texts(cjson.SQL(found), found.Text)
	if err != nil {
		return fail(to, "sql_text", err)
	}
	*sql = str(texts[1])
	return named(out, reply(&result{form: document, memory: memory, text: texts[0]}), C.PGQRS_OK)
}

// sqlText is for the schema of a store, or for one without a store.
func sqlText(h C.pgqrs_handle, schema string, statement model.SQLStatement) (model.SQL, error) {
	if h == 0 {
		return core.SQLText(schema, statement)
	}
	pin, on, err := target[*store](h, handle.Store)
	if err != nil {
		return model.SQL{}, err
	}
	defer pin.Release()
	if schema != "" {
		return model.SQL{}, cerr.Argument("schema", "a store has one already; give a schema or a store")
	}
	return on.SQLText(statement)
}
