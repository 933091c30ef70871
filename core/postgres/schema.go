package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pgqrs/pgqrs/core/fault"
)

//go:embed migrations/*.sql migrations/catalog.txt
var migrationFiles embed.FS

// migration is one step of the schema's history. Published ones never change.
type migration struct {
	version int32
	name    string
	sql     string
}

// migrations lists the files NNN_name.sql in order of their numbers.
var migrations = parseMigrations(migrationFiles)

func parseMigrations(files fs.FS) []migration {
	paths, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		panic(err)
	}
	slices.Sort(paths)
	var list []migration
	for _, path := range paths {
		number, name, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(path, "migrations/"), ".sql"), "_")
		version, err := strconv.ParseInt(number, 10, 32)
		if err != nil || int(version) != len(list)+1 {
			panic("postgres: migrations must be numbered 001, 002, ..: " + path)
		}
		text, err := fs.ReadFile(files, path)
		if err != nil {
			panic(err)
		}
		list = append(list, migration{version: int32(version), name: name, sql: string(text)})
	}
	return list
}

func newest() int32 { return migrations[len(migrations)-1].version }

// Install implements engine.Schema. Everything happens in one transaction under
// an advisory lock, so the second of two installs finds the work of the first.
func (s *store) Install(ctx context.Context) error {
	return s.withSchemaLocked(ctx, func(tx pgx.Tx) error {
		installed, err := s.prepareSchema(ctx, tx)
		if err != nil {
			return err
		}
		if installed > newest() {
			return tooNew(s.queries.schema, installed)
		}
		for _, m := range migrations[installed:] {
			// Several statements in one text need the simple protocol.
			if _, err := tx.Conn().PgConn().Exec(ctx, s.queries.qualify(m.sql)).ReadAll(); err != nil {
				err = fmt.Errorf("migration %03d_%s: %w", m.version, m.name, err)
				return s.unlocked(ctx, "schema", "a transaction that uses the tables", err)
			}
			if _, err := tx.Exec(ctx, s.queries.get("RecordVersion"), m.version, m.name); err != nil {
				return err
			}
		}
		return nil
	})
}

// withSchemaLocked runs f while nobody else installs or uninstalls. For the tables it
// waits shortly.
func (s *store) withSchemaLocked(ctx context.Context, f func(tx pgx.Tx) error) error {
	return s.stopping(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, s.queries.get("LockInstall"), s.queries.schema); err != nil {
			return err
		}
		if err := s.impatient(ctx, tx); err != nil {
			return err
		}
		return f(tx)
	})
}

// prepareSchema makes sure that schema and version table exist, without asking
// for rights that are not needed, and returns the installed version.
func (s *store) prepareSchema(ctx context.Context, tx pgx.Tx) (installed int32, err error) {
	var exists bool
	if err := tx.QueryRow(ctx, s.queries.get("SchemaExists"), s.queries.schema).Scan(&exists); err != nil {
		return 0, err
	}
	if !exists {
		for _, name := range []string{"CreateSchema", "MarkSchema"} {
			if _, err := tx.Exec(ctx, s.queries.get(name)); err != nil {
				return 0, err
			}
		}
	}
	if err := tx.QueryRow(ctx, s.queries.get("VersionTableExists"), s.queries.schema).Scan(&exists); err != nil {
		return 0, err
	}
	if !exists {
		if _, err := tx.Exec(ctx, s.queries.get("CreateVersionTable")); err != nil {
			return 0, err
		}
	}
	err = tx.QueryRow(ctx, s.queries.get("InstalledVersion")).Scan(&installed)
	return installed, err
}

// Uninstall implements engine.Schema. The schema itself goes only if Install
// made it and nothing else lives there.
func (s *store) Uninstall(ctx context.Context) error {
	return s.withSchemaLocked(ctx, func(tx pgx.Tx) error {
		var exists bool
		if err := tx.QueryRow(ctx, s.queries.get("SchemaExists"), s.queries.schema).Scan(&exists); err != nil || !exists {
			return err
		}
		if _, err := tx.Conn().PgConn().Exec(ctx, s.queries.get("DropObjects")).ReadAll(); err != nil {
			return s.unlocked(ctx, "schema", "a transaction that uses the tables", err)
		}
		var ours bool
		if err := tx.QueryRow(ctx, s.queries.get("OurEmptySchema"), s.queries.schema).Scan(&ours); err != nil || !ours {
			return err
		}
		_, err := tx.Exec(ctx, s.queries.get("DropSchema"))
		return err
	})
}

// Verify implements engine.Schema. It compares the catalog with the lines of
// migrations/catalog.txt; objects of others in the same schema do not matter,
// nor do further indexes and columns.
func (s *store) Verify(ctx context.Context) error {
	var installed int32
	var versioned bool
	var found []string
	err := s.read(ctx,
		s.step("VersionTableExists", one(&versioned), s.queries.schema),
		s.step("Catalog", each(&found, scanLine), s.queries.schema))
	if err == nil && versioned {
		err = s.read(ctx, s.step("InstalledVersion", one(&installed)))
	}
	if err != nil {
		return err
	}
	if installed > newest() {
		return tooNew(s.queries.schema, installed)
	}
	problems := compareCatalog(expectedCatalog(), found)
	switch {
	case !versioned:
		problems = append([]string{notInstalled(s.queries.schema)}, problems...)
	case installed < newest():
		problems = append(problems, fmt.Sprintf("version %d is installed, this library brings %d: run admin.install() (Python) or Store.Install (Go)", installed, newest()))
	}
	if len(problems) == 0 {
		return nil
	}
	return &fault.Error{
		Kind: fault.Schema, Safe: true,
		Text: fmt.Sprintf("schema %q differs from what install() makes: %s", s.queries.schema, strings.Join(problems, "; ")),
	}
}

func scanLine(rows pgx.Rows) (line string, err error) {
	err = rows.Scan(&line)
	return line, err
}

func tooNew(schema string, installed int32) error {
	return &fault.Error{
		Kind: fault.Schema, Safe: true,
		Text: fmt.Sprintf("schema %q holds version %d, this library knows %d: upgrade pgqrs", schema, installed, newest()),
	}
}

// expectedCatalog returns the lines that the Catalog query gives right after
// Install.
func expectedCatalog() []string {
	text, err := fs.ReadFile(migrationFiles, "migrations/catalog.txt")
	if err != nil {
		panic(err) // embedded: cannot be missing
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// compareCatalog names what is missing, and what is there with the same name but
// another shape. A missing table is named once, without its columns and indexes.
func compareCatalog(expected, found []string) []string {
	shapes := map[string]string{}
	for _, line := range found {
		object, shape := splitCatalogLine(line)
		shapes[object] = shape
	}
	var problems []string
	for _, line := range expected {
		object, want := splitCatalogLine(line)
		got, ok := shapes[object]
		switch {
		case ok && got == want:
		case ok:
			problems = append(problems, fmt.Sprintf("%s is altered: %s instead of %s", object, got, want))
		case !tableMissing(shapes, object, want):
			problems = append(problems, object+" is missing")
		}
	}
	return problems
}

// splitCatalogLine parts "column t.c bigint not null" into "column t.c" and the
// rest; a function's name ends at its arguments.
func splitCatalogLine(line string) (object, shape string) {
	kind, rest, _ := strings.Cut(line, " ")
	end := strings.IndexAny(rest, " (")
	if end < 0 {
		return line, ""
	}
	return kind + " " + rest[:end], strings.TrimSpace(rest[end:])
}

// tableMissing reports whether a column or index is missing only because its
// table is.
func tableMissing(shapes map[string]string, object, want string) bool {
	kind, name, _ := strings.Cut(object, " ")
	table := ""
	switch kind {
	case "column":
		table, _, _ = strings.Cut(name, ".")
	case "index":
		table, _, _ = strings.Cut(strings.TrimPrefix(want, "on "), " ")
	default:
		return false
	}
	_, there := shapes["table "+table]
	return !there
}
