package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	check := flag.Bool("check", false, "compare instead of writing; exit 1 when something is out of date")
	root := flag.String("root", ".", "root of the repository")
	flag.Parse()
	if err := run(*root, *check); err != nil {
		fmt.Fprintln(os.Stderr, "statusgen:", err)
		os.Exit(1)
	}
}

// output is one derived file.
type output struct {
	path   string
	render func(source, []byte) ([]byte, error) // gets what the file holds now
}

var outputs = []output{
	{"include/pgqrs.h", renderHeader},
	{"capi/status_gen.h", renderCTable},
	{"capi/version_gen.h", renderVersion},
	{"capi/internal/cerr/status_gen.go", renderGo},
	{"python/pgqrs/_native/_status.py", renderPython},
}

func run(root string, check bool) error {
	src, err := load(root)
	if err != nil {
		return err
	}
	var stale []string
	for _, out := range outputs {
		path := filepath.Join(root, out.path)
		have, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		want, err := out.render(src, have)
		if err != nil {
			return fmt.Errorf("%s: %w", out.path, err)
		}
		if bytes.Equal(have, want) {
			continue
		}
		if stale = append(stale, out.path); check {
			continue
		}
		if err := write(path, want); err != nil {
			return err
		}
	}
	if check && len(stale) > 0 {
		return fmt.Errorf("out of date, run `make generate`: %v", stale)
	}
	return nil
}

func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}
