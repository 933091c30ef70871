package sqlite

import (
	"embed"
	"fmt"
	"strings"
	"sync"

	"github.com/pgqrs/pgqrs/core/engine/sqlfile"
)

//go:embed queries/*.sql
var queryFiles embed.FS

// Two families of statements are derived from what the files say, so that the
// files hold plain SQL that runs as it stands.
const (
	// manySet is how a statement names a set of ids; its twin for one id, with
	// oneSuffix, compares with the parameter itself and is faster below manyFrom.
	manySet   = "IN (SELECT value FROM json_each(?1))"
	oneSet    = "= ?1+0"
	oneSuffix = ".one"
	// enqueueRow is the row of VALUES that the enqueue statements repeat.
	enqueueRow = "(?1, ?2, ?, ?, ?)"
)

// enqueueSizes are the rows per enqueue statement, the largest first. Fixed
// sizes keep the statements few and prepared once.
var enqueueSizes = [...]int{1000, 100, 10, 1}

// catalog returns every statement by its name.
var catalog = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for _, s := range sqlfile.Read(queryFiles) {
		all[s.Name] = strings.TrimSuffix(s.Text, ";")
	}
	for name, sql := range all {
		if one := strings.Replace(sql, manySet, oneSet, 1); one != sql {
			all[name+oneSuffix] = one
		}
	}
	for _, rows := range enqueueSizes {
		all[enqueueName(rows)] = strings.Replace(all["enqueue"], enqueueRow,
			enqueueRow+strings.Repeat(", "+enqueueRow, rows-1), 1)
	}
	return all
})

// enqueueName is the name of the enqueue statement that carries so many rows.
func enqueueName(rows int) string { return fmt.Sprintf("enqueue.%d", rows) }
