package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// row is one line of status.tsv.
type row struct {
	Code   int
	Name   string // without PGQRS_E_
	Kind   string // of core/fault; empty: the status exists only in capi, or nobody answers it yet
	Python string // exception class; empty for OK
	Text   string
}

// Define is the name of the C constant.
func (r row) Define() string {
	if r.Code == 0 {
		return "PGQRS_OK"
	}
	return "PGQRS_E_" + r.Name
}

// Camel is the name in Go: QUEUE_NOT_FOUND is QueueNotFound.
func (r row) Camel() string {
	if r.Code == 0 {
		return r.Name
	}
	var b strings.Builder
	for word := range strings.SplitSeq(strings.ToLower(r.Name), "_") {
		switch word {
		case "abi":
			b.WriteString("ABI")
		default:
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

type source struct {
	Rows    []row
	Version string
}

const columns = "code\tname\tkind\tpython\ttext"

var (
	nameForm    = regexp.MustCompile(`^[A-Z][A-Z_]*$`)
	textForm    = regexp.MustCompile(`^[ -~]+$`) // goes into C and Python literals
	versionForm = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)
)

func load(root string) (source, error) {
	var src source
	version, err := os.ReadFile(filepath.Join(root, "VERSION"))
	if err != nil {
		return src, err
	}
	src.Version = strings.TrimSpace(string(version))
	if !versionForm.MatchString(src.Version) {
		return src, fmt.Errorf("VERSION: %q is not a semantic version", src.Version)
	}
	table, err := os.ReadFile(filepath.Join(root, "capi", "status.tsv"))
	if err != nil {
		return src, err
	}
	src.Rows, err = parse(string(table))
	return src, err
}

// parse reads status.tsv: a line of column names, then codes in falling order.
func parse(table string) ([]row, error) {
	lines := strings.Split(strings.TrimRight(table, "\n"), "\n")
	if lines[0] != columns {
		return nil, fmt.Errorf("status.tsv:1: want the columns %q", columns)
	}
	var rows []row
	seen := map[string]bool{}
	for i, line := range lines[1:] {
		r, err := parseRow(line)
		if err == nil && i == 0 && (r.Code != 0 || r.Name != "OK") {
			err = fmt.Errorf("the first row is 0, OK")
		}
		if err == nil && i > 0 && r.Code >= rows[i-1].Code {
			err = fmt.Errorf("codes fall from row to row")
		}
		if err == nil && seen[r.Name] {
			err = fmt.Errorf("%s is there twice", r.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("status.tsv:%d: %w", i+2, err)
		}
		seen[r.Name] = true
		rows = append(rows, r)
	}
	return rows, nil
}

func parseRow(line string) (row, error) {
	f := strings.Split(line, "\t")
	if len(f) != 5 {
		return row{}, fmt.Errorf("want 5 columns, have %d", len(f))
	}
	code, err := strconv.Atoi(f[0])
	if err != nil {
		return row{}, err
	}
	r := row{Code: code, Name: f[1], Kind: f[2], Python: f[3], Text: f[4]}
	if !nameForm.MatchString(r.Name) || !textForm.MatchString(r.Text) || strings.ContainsAny(r.Text, `"\`) {
		return row{}, fmt.Errorf("name or text has characters that do not fit a literal")
	}
	if r.Kind != "" && r.Kind != r.Camel() {
		return row{}, fmt.Errorf("kind %q: a Kind is named as its status, %q", r.Kind, r.Camel())
	}
	return r, nil
}
