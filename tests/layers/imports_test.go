package layers

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A listed package is what `go list -json` says of it.
type listed struct {
	ImportPath   string
	Standard     bool
	Imports      []string
	TestImports  []string
	XTestImports []string
}

type graph map[string]listed

func load(t *testing.T) graph {
	t.Helper()
	command := exec.Command("go", "list", "-deps",
		"-json=ImportPath,Standard,Imports,TestImports,XTestImports", "./...")
	command.Dir = root(t)
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	require.NoError(t, err, stderr.String())

	packages := graph{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else {
			require.NoError(t, err)
		}
		packages[p.ImportPath] = p
	}
}

// own reports whether a path belongs to this module.
func own(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// chain is the shortest way of imports from a package to the first one that
// target names, or nil.
func (g graph) chain(from, target string) []string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		path := queue[0]
		if path != from && names(target, path) {
			var way []string
			for ; path != ""; path = before[path] {
				way = append(way, path)
			}
			slices.Reverse(way)
			return way
		}
		for _, next := range g[path].Imports {
			if _, seen := before[next]; !seen {
				before[next] = path
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// users is the shortest way from something users link, a public root, to path: it
// shows why a bad import matters.
func (g graph) users(path string) []string {
	for _, public := range []string{module + "/capi", module + "/core", module + "/bindings"} {
		if public == path {
			break
		}
		if way := g.chain(public, path); way != nil {
			return way
		}
	}
	return []string{path}
}

func TestEveryImportIsAllowedByItsLayer(t *testing.T) {
	packages := load(t)
	for path, p := range packages {
		if !own(path) || names("tests", path) {
			continue
		}
		l, known := layerOf(path)
		if !known {
			t.Errorf("%s belongs to no layer: give it a line in the layer table, or a place in an existing layer", path)
			continue
		}
		standard := func(i string) bool { return packages[i].Standard || i == "C" && l.allows("C") }
		for _, i := range p.Imports {
			if !standard(i) && !l.allows(i) {
				t.Errorf("forbidden import: %s", strings.Join(append(packages.users(path), i), "\n    imports "))
			}
		}
		for _, i := range with(p.TestImports, p.XTestImports...) {
			test := slices.ContainsFunc(testHelpers, func(rule string) bool { return names(rule, i) })
			// A test package may import the package it tests, and standard packages
			// that nothing else here depends on are not in the listing.
			outside := !strings.Contains(strings.Split(i, "/")[0], ".")
			if i != path && !outside && !standard(i) && !l.allows(i) && !test {
				t.Errorf("forbidden import in a test: %s\n    imports %s", path, i)
			}
		}
	}
}

func TestNothingReachesWhatItMustNot(t *testing.T) {
	packages := load(t)
	for _, rule := range unreachable {
		for path := range packages {
			if !names(rule.part, path) {
				continue
			}
			if way := packages.chain(path, rule.target); way != nil {
				t.Errorf("%s must not reach %s (%s):\n%s", rule.part, rule.target, rule.why,
					strings.Join(way, "\n    imports "))
			}
		}
	}
}

// A rule that names nothing protects nothing: this one looks at the rules.
func TestRulesKnowForbiddenFromAllowed(t *testing.T) {
	for _, c := range []struct {
		from, to string
		allowed  bool
	}{
		{"core/model", "core/fault", true},
		{"core/model", "core/engine", false},
		{"core/model", pgx, false},
		{"core/engine", "core/validate", false},
		{"core/engine", "core/model", true},
		{"core/batch", "core/engine", true},
		{"core/batch", "core/postgres", false},
		{"core/postgres", pgx + "/pgconn", true},
		{"core/postgres", "core/sqlite", false},
		{"core/sqlite", sqlite + "/driver", true},
		{"core/sqlite", pgx, false},
		{"core", "core/sqlite", true},
		{"core", "core/enginetest", false},
		{"capi", "core", true},
		{"capi", "core/postgres", false},
		{"capi/internal/cq", pgx, false},
		{"bindings", "core", false},
		{"bindings", purego, true},
	} {
		l, known := layerOf(module + "/" + c.from)
		require.True(t, known, c.from)
		to := c.to
		if !strings.Contains(to, ".") {
			to = module + "/" + to
		}
		require.Equal(t, c.allowed, l.allows(to), "%s -> %s", c.from, c.to)
	}
}

func TestChainIsTheShortestWay(t *testing.T) {
	g := graph{
		"a":      {Imports: []string{"b", "c"}},
		"b":      {Imports: []string{"c"}},
		"c":      {Imports: []string{"testing"}},
		"lonely": {},
	}
	require.Equal(t, []string{"a", "c", "testing"}, g.chain("a", "testing"))
	require.Nil(t, g.chain("lonely", "testing"))
}
