package sqlite

import (
	"context"
	"embed"
	"fmt"
	"strings"
	"sync"

	"github.com/ncruces/go-sqlite3"

	"github.com/pgqrs/pgqrs/core/fault"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations returns the scripts in order; the n-th makes version n+1.
var migrations = sync.OnceValue(func() []string {
	files, err := migrationFiles.ReadDir("migrations") // sorted by name
	if err != nil {
		panic(err) // cannot happen: the files are part of the program
	}
	var scripts []string
	for _, file := range files {
		text, err := migrationFiles.ReadFile("migrations/" + file.Name())
		if err != nil {
			panic(err)
		}
		scripts = append(scripts, string(text))
	}
	return scripts
})

// object is one table, index or column ("table.column") and how it is defined.
type object struct{ kind, name, definition string }

// Install implements engine.Schema.
func (e *store) Install(ctx context.Context) error { return e.write(ctx, 0, install) }

// install brings the tables to the newest version. The write lock, held by the
// transaction, makes it safe beside other processes.
func install(t *tx) error {
	if _, err := t.exec("schema_create_version"); err != nil {
		return err
	}
	version, err := schemaVersion(t.conn)
	if err != nil {
		return err
	}
	if err := checkNotNewer(version); err != nil {
		return err
	}
	for n, script := range migrations() {
		if int64(n) < version {
			continue
		}
		if err := t.raw.Exec(script); err != nil {
			return err
		}
		if _, err := t.exec("schema_add_version", int64(n+1), t.now); err != nil {
			return err
		}
	}
	return nil
}

// Uninstall implements engine.Schema.
func (e *store) Uninstall(ctx context.Context) error {
	return e.write(ctx, 0, func(t *tx) error {
		found, err := objectsOf(t.conn)
		if err != nil {
			return err
		}
		for _, o := range found {
			if o.kind != "table" {
				continue // indexes go with their tables
			}
			if err := t.raw.Exec("DROP TABLE " + sqlite3.QuoteIdentifier(o.name)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Verify implements engine.Schema. It compares what SQLite recorded with what
// the migrations make in an empty store.
func (e *store) Verify(ctx context.Context) error {
	want, err := expectedObjects(ctx)
	if err != nil {
		return e.translate(ctx, err)
	}
	return e.read(ctx, func(c *conn) error {
		found, err := objectsOf(c)
		if err != nil {
			return err
		}
		have := map[string]object{}
		for _, o := range found {
			have[o.name] = o
		}
		if _, ok := have["pgqrs_schema_version"]; ok {
			version, err := schemaVersion(c)
			if err != nil {
				return err
			}
			if err := checkNotNewer(version); err != nil {
				return err
			}
		}
		var problems []string
		for _, o := range want {
			table, _, isColumn := strings.Cut(o.name, ".")
			switch is, ok := have[o.name]; {
			case !ok && isColumn && have[table] == (object{}):
				// said of its table
			case !ok:
				problems = append(problems, fmt.Sprintf("%s %s is missing", o.kind, o.name))
			case is != o:
				problems = append(problems, fmt.Sprintf("%s %s is altered", o.kind, o.name))
			}
		}
		if len(problems) > 0 {
			return fault.New(fault.Schema, "%s: call admin.install(), or restore what was altered", strings.Join(problems, ", "))
		}
		return nil
	})
}

// expectedObjects installs into an empty memory and reads what came of it.
func expectedObjects(ctx context.Context) ([]object, error) {
	c, err := openConn(ctx, location{}, "")
	if err != nil {
		return nil, err
	}
	defer c.close()
	if err := install(&tx{conn: c}); err != nil {
		return nil, err
	}
	return objectsOf(c)
}

// objectsOf lists what there is of ours in a database, columns last.
func objectsOf(c *conn) (list []object, err error) {
	list, err = selectAll(c, "schema_objects", func(row *sqlite3.Stmt) object {
		return object{row.ColumnText(0), row.ColumnText(1), row.ColumnText(2)}
	})
	if err != nil {
		return nil, err
	}
	columns, err := selectAll(c, "schema_columns", func(row *sqlite3.Stmt) object {
		return object{"column", row.ColumnText(0), row.ColumnText(1)}
	})
	return append(list, columns...), err
}

// schemaVersion reads the installed version; 0 when nothing is installed.
func schemaVersion(c *conn) (int64, error) {
	version, err := c.integer("schema_version")
	if code, ok := codeOf(err); ok && code == sqlite3.ERROR { // no such table
		return 0, nil
	}
	return version, err
}

func checkNotNewer(version int64) error {
	if newest := int64(len(migrations())); version > newest {
		return fault.New(fault.Schema, "the store has schema version %d and this library knows %d: upgrade the library", version, newest)
	}
	return nil
}
