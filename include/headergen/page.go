package main

import (
	_ "embed"
	"html/template"
	"os"
	"path/filepath"
	"strings"

	"github.com/pgqrs/pgqrs/include/header"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"anchor": func(title string) string { return strings.ReplaceAll(strings.ToLower(title), " ", "-") },
	"names":  names,
}).Parse(pageText))

// writePage writes the reference page: the header's own words, with a list of
// contents and an anchor for every name.
func writePage(root, path string, h header.Header) error {
	version, err := os.ReadFile(filepath.Join(root, "VERSION"))
	if err != nil {
		return err
	}
	var b strings.Builder
	err = page.Execute(&b, struct {
		header.Header
		Version string
	}{h, strings.TrimSpace(string(version))})
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

// names lists what an item declares.
func names(i header.Item) []string {
	var all []string
	for _, f := range i.Functions {
		all = append(all, f.Name)
	}
	for _, s := range i.Structs {
		all = append(all, s.Name)
	}
	for _, c := range i.Constants {
		all = append(all, c.Name)
	}
	return all
}
