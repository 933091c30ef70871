package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/pgqrs/pgqrs/core/fault"
)

// Override sets what the caller gave explicitly. It must do the same each time it
// is called: Load calls it once to learn whether it gives a DSN, and once more
// on top of all other layers.
type Override func(*Config) error

// JSON is the Override of [Config.SetJSON]. An empty document overrides nothing.
func JSON(document []byte) Override {
	return func(c *Config) error {
		if len(document) == 0 {
			return nil
		}
		return c.SetJSON(document)
	}
}

// Load returns the Config of a store, ready to open. Each property comes from
// the strongest layer that gives it:
//
//  1. overrides, and the argument dsn;
//  2. a DSN parameter such as pgqrs_max_connections=4;
//  3. an environment variable such as PGQRS_MAX_CONNECTIONS;
//  4. the file that PGQRS_CONFIG_FILE names, else pgqrs.yaml or pgqrs.yml in the
//     working directory, if there is one;
//  5. the default.
//
// An empty dsn takes the DSN of the next layer. Errors are fault.Config and name
// the layer; a value that cannot be read is an error even if a stronger layer
// gives the property, too.
func Load(dsn string, overrides ...Override) (Config, error) {
	return system.load(dsn, overrides)
}

// surroundings is where the weaker layers come from; tests bring their own.
type surroundings struct {
	env  func(name string) (string, bool)
	file func(path string) ([]byte, error)
}

var system = surroundings{env: os.LookupEnv, file: os.ReadFile}

// The files that are looked for when the environment names none.
const (
	envFile   = "PGQRS_CONFIG_FILE"
	fileLong  = "pgqrs.yaml"
	fileShort = "pgqrs.yml"
)

func (s surroundings) load(dsn string, overrides []Override) (Config, error) {
	probe := Default()
	if err := apply(&probe, overrides); err != nil {
		return Config{}, err
	}
	if dsn != "" && probe.DSN != "" && dsn != probe.DSN {
		return Config{}, badDSN("is given twice, as the argument and as an option; remove one")
	}
	if dsn == "" {
		dsn = probe.DSN
	}

	c := Default()
	if err := s.applyFile(&c); err != nil {
		return Config{}, err
	}
	if err := s.applyEnv(&c); err != nil {
		return Config{}, err
	}
	if dsn != "" {
		c.DSN = dsn
	}
	target, err := Parse(c.DSN)
	if err != nil {
		return Config{}, err
	}
	for i := range properties {
		p := &properties[i]
		given, ok := target.Params[p.Name]
		if !ok {
			continue
		}
		if why := p.set(&c, text(given)); why != "" {
			return Config{}, bad(p.Name, "DSN parameter "+p.Param(), why)
		}
	}
	if err := apply(&c, overrides); err != nil {
		return Config{}, err
	}
	c.DSN = target.ConnString
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

func apply(c *Config, overrides []Override) error {
	for _, override := range overrides {
		if err := override(c); err != nil {
			return err
		}
	}
	return nil
}

func (s surroundings) applyEnv(c *Config) error {
	for i := range properties {
		p := &properties[i]
		given, ok := s.env(p.Env())
		if !ok {
			continue
		}
		if why := p.set(c, text(given)); why != "" {
			return bad(p.Name, "environment variable "+p.Env(), why)
		}
	}
	return nil
}

func (s surroundings) applyFile(c *Config) error {
	path, content, err := s.findFile()
	if err != nil || path == "" {
		return err
	}
	entries, refused := readYAML(string(content))
	if refused != nil {
		return badFile(path, fmt.Sprintf("line %d: %s", refused.line, refused.why))
	}
	given := map[string]bool{}
	for _, e := range entries {
		source := fmt.Sprintf("file %s, line %d", path, e.line)
		p := find(e.name)
		if p == nil {
			return badFile(path, fmt.Sprintf("line %d: %s", e.line, unknown(e.name, "")))
		}
		if given[e.name] {
			return bad(e.name, source, e.name+" is given twice; remove one")
		}
		given[e.name] = true
		why := p.set(c, e.value)
		if e.text == "" && !e.isList && !e.isNull {
			why = "has no value; give " + p.wants() + ", or remove the line"
		}
		if why != "" {
			return bad(e.name, source+", "+e.name, why)
		}
	}
	return nil
}

// findFile returns the file to read; an empty path is none. A file that the
// environment names must exist.
func (s surroundings) findFile() (path string, content []byte, err error) {
	if named, ok := s.env(envFile); ok {
		if named == "" {
			return "", nil, bad(envFile, "environment variable "+envFile, "is empty; give the path of a file, or unset it")
		}
		content, err := s.file(named)
		if err != nil {
			return "", nil, badFile(named, cannotRead(err)+"; "+envFile+" names it")
		}
		return named, content, nil
	}
	for _, name := range []string{fileLong, fileShort} {
		found, err := s.file(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return "", nil, badFile(name, cannotRead(err))
		case path != "":
			return "", nil, badFile(path, "lies beside "+name+"; remove one of them")
		}
		path, content = name, found
	}
	return path, content, nil
}

// cannotRead gives the reason without the path, which the caller names.
func cannotRead(err error) string {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err
	}
	return "cannot be read: " + err.Error()
}

func badFile(path, why string) error {
	return &fault.Error{Kind: fault.Config, Field: envFile, Text: "file " + Redact(strings.ToValidUTF8(path, "?")) + ": " + why, Safe: true}
}
