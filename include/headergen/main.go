package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pgqrs/pgqrs/include/header"
)

func main() {
	check := flag.Bool("check", false, "compare instead of writing; exit 1 when something is out of date")
	root := flag.String("root", ".", "root of the repository")
	html := flag.String("html", "", "write the reference page to this file, and nothing else")
	flag.Parse()
	if err := run(*root, *html, *check); err != nil {
		fmt.Fprintln(os.Stderr, "headergen:", err)
		os.Exit(1)
	}
}

// outputs are the derived files that are kept in the repository.
var outputs = []struct {
	path   string
	render func(header.Header) ([]byte, error)
}{
	{"bindings/abi_gen.go", renderABI},
	{"bindings/symbols_gen.go", renderSymbols},
	{"bindings/twins_gen_test.go", renderTwins},
	{"bindings/node/lib/abi_gen.js", renderNode},
	{"bindings/rust/src/sys.rs", renderRust},
}

func run(root, html string, check bool) error {
	h, err := header.Read(root)
	if err != nil {
		return err
	}
	if html != "" {
		return writePage(root, html, h)
	}
	var stale []string
	for _, out := range outputs {
		path := filepath.Join(root, out.path)
		want, err := out.render(h)
		if err != nil {
			return fmt.Errorf("%s: %w", out.path, err)
		}
		if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, want) {
			continue
		}
		if stale = append(stale, out.path); check {
			continue
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			return err
		}
	}
	if check && len(stale) > 0 {
		return fmt.Errorf("out of date, run `make generate`: %v", stale)
	}
	return nil
}
