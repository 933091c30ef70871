package layers

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	maxLines     = 600
	maxTestLines = 800
)

// A source is one Go file of the repository.
type source struct {
	path string // relative to the root, with slashes
	file *ast.File
	set  *token.FileSet
}

func root(t *testing.T) string {
	t.Helper()
	here, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(here, "go.mod"))
	return here
}

// eachFile calls f for every file of the repository that is not build output.
func eachFile(t *testing.T, f func(path string, content []byte)) {
	t.Helper()
	here := root(t)
	err := filepath.WalkDir(here, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			hidden := strings.HasPrefix(name, ".") || name == "build" || name == "dist" || name == "node_modules" || name == "__pycache__" ||
				strings.HasSuffix(name, ".egg-info")
			if hidden && path != here {
				return fs.SkipDir
			}
			return nil
		}
		if entry.Type()&fs.ModeSymlink != 0 { // what it points to is looked at where it is
			return nil
		}
		if !slices.Contains([]string{".go", ".py", ".pyi", ".c", ".h", ".sql"}, filepath.Ext(name)) {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(here, path)
		if err != nil {
			return err
		}
		f(filepath.ToSlash(relative), content)
		return nil
	})
	require.NoError(t, err)
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	eachFile(t, func(path string, content []byte) {
		if filepath.Ext(path) != ".go" {
			return
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, content, parser.ParseComments)
		require.NoError(t, err)
		all = append(all, source{path: path, file: file, set: set})
	})
	require.NotEmpty(t, all)
	return all
}

// test reports whether the file is linked into tests only.
func (s source) test() bool {
	return strings.HasSuffix(s.path, "_test.go") || under(s.path, "core/enginetest") || s.program()
}

// program reports whether a file belongs to what tests and measures, which may
// print, start goroutines and speak to databases by itself.
func (s source) program() bool { return under(s.path, "tests") || under(s.path, "benchmarks") }

func (s source) line(n ast.Node) string {
	return s.path + ":" + strconv.Itoa(s.set.Position(n.Pos()).Line)
}

func under(path, directory string) bool { return strings.HasPrefix(path, directory+"/") }

// call is the package and function a call names, such as "time", "Sleep".
func call(n ast.Node) (pkg, function string) {
	c, ok := n.(*ast.CallExpr)
	if !ok {
		return "", ""
	}
	selector, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	x, ok := selector.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	return x.Name, selector.Sel.Name
}

func TestGoStatementsAreGuarded(t *testing.T) {
	for _, s := range sources(t) {
		if s.test() || under(s.path, "core/spawn") || under(s.path, "capi/internal/guard") {
			continue
		}
		if s.path == "bindings/pump.go" { // the host is a Go program, and a panic of ours one of its own
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s: bare go statement: use spawn.Go (core) or guard.Go (capi), a panic would end the host", s.line(g))
			}
			return true
		})
	}
}

func TestLibraryCodeNeitherPrintsNorExits(t *testing.T) {
	forbidden := map[string][]string{
		"fmt": {"Print", "Printf", "Println"},
		"log": {"Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Print", "Printf", "Println"},
		"os":  {"Exit"},
	}
	for _, s := range sources(t) {
		if s.test() || under(s.path, "capi/internal/statusgen") || under(s.path, "include/headergen") { // commands of the build
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if pkg, function := call(n); slices.Contains(forbidden[pkg], function) {
				t.Errorf("%s: %s.%s in library code: output and process belong to the host", s.line(n), pkg, function)
			}
			return true
		})
	}
}

func TestImportsStayInTheirFiles(t *testing.T) {
	for _, s := range sources(t) {
		for _, i := range s.file.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			require.NoError(t, err)
			switch {
			case path == "C" && !under(s.path, "capi"):
				t.Errorf("%s: cgo lives in capi only", s.line(i))
			case names(sqlite, path) && !under(s.path, "core/sqlite") && !under(s.path, "benchmarks"):
				t.Errorf("%s: the SQLite driver is used in core/sqlite only", s.line(i))
			case names(purego, path) && !under(s.path, "bindings"):
				t.Errorf("%s: purego is used in bindings only", s.line(i))
			case names(pgx, path) && !s.mayUsePgx():
				t.Errorf("%s: pgx is used in core/postgres and in the files of core.OpenPool and core.EnqueueTx", s.line(i))
			case engineRoom(path) && filepath.Dir(s.path) == "core" && !s.test() && s.path != "core/open.go" && !s.mayUsePgx():
				t.Errorf("%s: only core/open.go names an engine", s.line(i))
			}
		}
	}
}

func engineRoom(path string) bool {
	return names("core/postgres", path) || names("core/sqlite", path)
}

// mayUsePgx: PostgreSQL's own room, tests, and the two entry points of the public
// API that take a pool or a transaction of the user's.
func (s source) mayUsePgx() bool {
	if under(s.path, "core/postgres") || s.test() {
		return true
	}
	return filepath.Dir(s.path) == "core" && slices.ContainsFunc(s.file.Decls, func(d ast.Decl) bool {
		f, ok := d.(*ast.FuncDecl)
		return ok && (f.Name.Name == "OpenPool" || f.Name.Name == "EnqueueTx")
	})
}

func TestFilesAreShort(t *testing.T) {
	eachFile(t, func(path string, content []byte) {
		if path == "include/pgqrs.h" || bytes.Contains(content[:min(len(content), 300)], []byte("Code generated ")) {
			return // the contract is one file, and nobody reads generated ones
		}
		limit := maxLines
		if under(path, "tests") || under(path, "core/enginetest") || strings.HasSuffix(path, "_test.go") {
			limit = maxTestLines
		}
		if lines := bytes.Count(content, []byte("\n")); lines > limit {
			t.Errorf("%s has %d lines, the limit is %d: one idea a file", path, lines, limit)
		}
	})
}

func TestEveryPackageHasADocFile(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		directory := filepath.Dir(s.path)
		documented[directory] = documented[directory] ||
			filepath.Base(s.path) == "doc.go" && s.file.Doc != nil && strings.TrimSpace(s.file.Doc.Text()) != ""
	}
	for directory, ok := range documented {
		if !ok {
			t.Errorf("%s has no doc.go with a package comment", directory)
		}
	}
}
