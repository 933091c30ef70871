package layers

import (
	"slices"
	"strings"
)

const (
	module = "github.com/pgqrs/pgqrs"
	pgx    = "github.com/jackc/pgx/v5"
	sqlite = "github.com/ncruces/go-sqlite3"
	purego = "github.com/ebitengine/purego"
	system = "golang.org/x/sys"
)

// leaves are words, values and rules: no I/O, no driver. They may use each other.
var leaves = []string{
	"core/clock", "core/config", "core/fault", "core/model", "core/ratelimit",
	"core/retry", "core/spawn", "core/testsignal", "core/validate",
}

// A layer is a part of the tree and what its packages may import beside the
// standard library. A name covers the packages below it too, except "core",
// which is the root package alone.
type layer struct {
	parts   []string
	imports []string
}

// layers in the order of CONTRIBUTING.md; the first that covers a package counts.
var layerTable = []layer{
	{parts: []string{"core/config"}, imports: with(leaves, "gopkg.in/yaml.v3", "go.yaml.in/yaml")},
	{parts: leaves, imports: leaves},
	{parts: []string{"core/enginetest"}, imports: with(testHelpers, with(leaves, "core/engine", pgx)...)},
	{parts: []string{"core/engine"}, imports: []string{"core/model", "core/fault"}},
	{parts: []string{"core/postgres"}, imports: with(leaves, "core/engine", "core/postgres", pgx)},
	{parts: []string{"core/sqlite"}, imports: with(leaves, "core/engine", "core/sqlite", sqlite, system)},
	{parts: []string{"core/batch", "core/lease", "core/wake"}, imports: with(leaves, "core/engine")},
	{
		parts: []string{"core"},
		imports: with(leaves, "core/engine", "core/postgres", "core/sqlite", "core/batch", "core/lease", "core/wake",
			pgx),
	},
	{parts: []string{"capi"}, imports: with(leaves, "core", "capi", "C", system)},
	{parts: []string{"bindings"}, imports: []string{"bindings", purego}},
	{parts: []string{"include"}, imports: []string{"include"}},
	{
		parts:   []string{"benchmarks"},
		imports: with(leaves, "core", "core/engine", "core/postgres", "core/sqlite", "benchmarks", pgx, sqlite),
	},
}

// testHelpers are what tests of every layer may use besides.
var testHelpers = []string{"github.com/stretchr/testify", "go.uber.org/goleak", "core/enginetest"}

// unreachable lists what a part must not reach by any chain of imports, however
// long. The layer table alone would let a helper package smuggle it in.
var unreachable = []struct{ part, target, why string }{
	{"core", "tests", "nothing imports tests"},
	{"core", "testing", "test helpers stay out of what users link"},
	{"core", "core/enginetest", "test helpers stay out of what users link"},
	{"core", "benchmarks", "measuring stays out of what users link"},
	{"capi", "benchmarks", "measuring stays out of what users link"},
	{"core", "capi", "the core knows nothing of C"},
	{"core/postgres", sqlite, "one engine room, one driver"},
	{"core/sqlite", pgx, "one engine room, one driver"},
	{"core/batch", pgx, "concurrency policies are written for every engine"},
	{"core/lease", pgx, "concurrency policies are written for every engine"},
	{"core/wake", pgx, "concurrency policies are written for every engine"},
	{"core/batch", sqlite, "concurrency policies are written for every engine"},
	{"core/lease", sqlite, "concurrency policies are written for every engine"},
	{"core/wake", sqlite, "concurrency policies are written for every engine"},
	{"capi", "tests", "nothing imports tests"},
	{"capi", "testing", "test helpers stay out of what users link"},
	{"capi", "os/signal", "signals belong to the host"},
	{"bindings", "core", "two Go runtimes must not share types"},
	{"bindings", "capi", "two Go runtimes must not share types"},
	{"bindings", pgx, "two Go runtimes must not share types"},
	{"bindings", "tests", "nothing imports tests"},
	{"bindings", "testing", "test helpers stay out of what users link"},
	{"tests/conformance", "core", "over bindings, its core is the one in the shared library"},
}

// names reports whether rule names the package path, given in full. A rule for a
// package covers what is below it, "core" only itself.
func names(rule, path string) bool {
	full := rule
	if first, _, _ := strings.Cut(rule, "/"); slices.Contains([]string{"core", "capi", "bindings", "include", "tests", "benchmarks"}, first) {
		full = module + "/" + rule
	}
	return path == full || rule != "core" && strings.HasPrefix(path, full+"/")
}

func layerOf(path string) (layer, bool) {
	for _, l := range layerTable {
		if slices.ContainsFunc(l.parts, func(part string) bool { return names(part, path) }) {
			return l, true
		}
	}
	return layer{}, false
}

func (l layer) allows(path string) bool {
	return slices.ContainsFunc(l.imports, func(rule string) bool { return names(rule, path) })
}

func with(base []string, more ...string) []string { return append(slices.Clone(base), more...) }
