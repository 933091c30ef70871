package header

import (
	"fmt"
	"regexp"
	"strings"
)

// A chunk is a comment at the beginning of a line and the code up to the next
// blank line or the next such comment.
type chunk struct{ doc, code string }

// chunks splits the header. Comments within the code stay there.
func chunks(text string) []chunk {
	var all []chunk
	var now chunk
	end := func() {
		if now != (chunk{}) && now.code != "}\n" { // the end of extern "C"
			all = append(all, now)
		}
		now = chunk{}
	}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		switch line := lines[i]; {
		case strings.HasPrefix(line, "/*"):
			end()
			first := i
			for !strings.Contains(lines[i], "*/") {
				i++
			}
			now.doc = uncomment(lines[first : i+1])
			if marker.MatchString(now.doc) {
				now.doc = ""
			}
		case line == "":
			end()
		case skipped(line):
		default:
			now.code += line + "\n"
		}
	}
	end()
	return all
}

// marker is what generators leave in the header for themselves.
var marker = regexp.MustCompile(`^\w+:(begin|end)$`)

var machinery = regexp.MustCompile(`^(#define PGQRS_(API|H|INIT)\b|extern "C")`)

// skipped tells lines that are the machinery of a header, not its contents.
func skipped(line string) bool {
	return machinery.MatchString(line) || strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "#define")
}

// uncomment takes the stars away.
func uncomment(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		line = strings.TrimPrefix(strings.TrimPrefix(line, "/*"), " *")
		line = strings.TrimPrefix(strings.TrimSuffix(strings.TrimSuffix(line, "*/"), " "), " ")
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return strings.TrimSpace(b.String())
}

// heading reads "---- Title ------" and what follows it.
func heading(doc string) Section {
	title, text, _ := strings.Cut(doc, "\n")
	return Section{Title: strings.Trim(title, "- "), Text: strings.TrimSpace(text)}
}

var (
	function = regexp.MustCompile(`(?s)PGQRS_API\s+([\w\s]+?[\s*]+)(pgqrs_\w+)\(([^)]*)\);`)
	record   = regexp.MustCompile(`(?s)typedef struct (\w+) \{(.*?)\n\} (\w+);`)
	constant = regexp.MustCompile(`(?m)^#define (PGQRS_\w+) +\(?(-?\w+?)u?\)?(?: +/\* (.*) \*/)?$`)
	comment  = regexp.MustCompile(`(?s)/\*.*?\*/`)
	declared = regexp.MustCompile(`^(.*?)(\w+)(?:\[(\d+)\])?$`)
)

func parseItem(c chunk) (Item, error) {
	item := Item{Doc: c.doc, Code: strings.TrimSpace(c.code)}
	if strings.HasPrefix(c.doc, "----") {
		item.Doc = ""
	}
	for _, m := range constant.FindAllStringSubmatch(c.code, -1) {
		item.Constants = append(item.Constants, Constant{Name: m[1], Value: m[2], Note: m[3]})
	}
	code := comment.ReplaceAllString(c.code, "")
	for _, m := range function.FindAllStringSubmatch(code, -1) {
		parameters, err := fields(m[3], ",")
		if err != nil {
			return Item{}, err
		}
		item.Functions = append(item.Functions, Function{Name: m[2], Result: squeeze(m[1]), Parameters: parameters})
	}
	for _, m := range record.FindAllStringSubmatch(code, -1) {
		members, err := fields(m[2], ";")
		if err != nil {
			return Item{}, err
		}
		item.Structs = append(item.Structs, Struct{Name: m[3], Fields: members})
	}
	return item, nil
}

func fields(text, separator string) ([]Field, error) {
	var all []Field
	for part := range strings.SplitSeq(text, separator) {
		part = squeeze(part)
		if part == "" || part == "void" {
			continue
		}
		m := declared.FindStringSubmatch(part)
		if m == nil || squeeze(m[1]) == "" {
			return nil, fmt.Errorf("%s: cannot read the declaration %q", Path, part)
		}
		all = append(all, Field{Name: m[2], Type: squeeze(m[1]), Length: m[3]})
	}
	return all, nil
}

var stars = regexp.MustCompile(`\s*\*`)

func squeeze(text string) string {
	return strings.TrimSpace(stars.ReplaceAllString(strings.Join(strings.Fields(text), " "), " *"))
}
