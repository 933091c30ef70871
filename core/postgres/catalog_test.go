package postgres

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func queriesOf(texts ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for i, text := range texts {
		files["queries/"+string(rune('a'+i))+".sql"] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestStatementsAreReadFromFiles(t *testing.T) {
	got := parseQueries(queriesOf(
		"-- What the file is about.\nnot a statement\n\n-- name: One\nselect {schema}.x -- stays\n  -- goes\n\n  from {Rest}\n",
		"-- part: Rest\ny,\nz\n-- name: Two\nselect 2",
	))
	require.Equal(t, map[string]string{"One": "select {schema}.x -- stays\n  from y,\nz", "Two": "select 2"}, got)
}

func TestMalformedFilesOfStatementsPanic(t *testing.T) {
	for text, says := range map[string]string{
		"-- name: One\n1\n-- name: One\n2":          "queries/a.sql: query One exists twice",
		"-- name: One\n1\n-- part: One\n2":          "queries/a.sql: query One exists twice",
		"-- name: One\n{Missing}":                   "query One: no part is called Missing",
		"-- name: One\n{A}\n-- part: A\n({B}) {ab}": "query One: no part is called B",
	} {
		require.PanicsWithValue(t, says, func() { parseQueries(queriesOf(text)) })
	}
}
