package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/fault"
)

// around makes surroundings of variables and files.
func around(env, files map[string]string) surroundings {
	return surroundings{
		env: func(name string) (string, bool) {
			v, ok := env[name]
			return v, ok
		},
		file: func(path string) ([]byte, error) {
			content, ok := files[path]
			if !ok {
				return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
			}
			if content == "denied" {
				return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
			}
			return []byte(content), nil
		},
	}
}

// TestPrecedence removes one layer after the other, from the strongest on.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	s := around(
		map[string]string{"PGQRS_MAX_READ_CT": "3", "PGQRS_DSN": "sqlite:///env.db?pgqrs_max_read_ct=4"},
		map[string]string{"pgqrs.yaml": "max_read_ct: 2\ndsn: sqlite:///file.db\n"},
	)
	explicit := []Override{JSON([]byte(`{"max_read_ct": 1}`))}
	load := func(dsn string, overrides []Override) Config {
		c, err := s.load(dsn, overrides)
		require.NoError(t, err)
		return c
	}
	c := load("sqlite:///arg.db?pgqrs_max_read_ct=4", explicit)
	require.Equal(t, "sqlite:///arg.db", c.DSN)
	require.Equal(t, 1, c.MaxReadCt)

	require.Equal(t, 4, load("sqlite:///arg.db?pgqrs_max_read_ct=4", nil).MaxReadCt)
	c = load("", nil)
	require.Equal(t, "sqlite:///env.db", c.DSN)
	require.Equal(t, 4, c.MaxReadCt, "a parameter of the environment's DSN is a DSN parameter")
	require.Equal(t, 3, load("sqlite:///arg.db", nil).MaxReadCt)

	s.env = around(nil, nil).env
	c = load("", nil)
	require.Equal(t, "sqlite:///file.db", c.DSN)
	require.Equal(t, 2, c.MaxReadCt)

	s.file = around(nil, nil).file
	require.Equal(t, 5, load("sqlite:///arg.db", nil).MaxReadCt)

	c = load("", []Override{JSON([]byte(`{"dsn": "sqlite:///json.db?pgqrs_max_read_ct=9", "max_object_depth": 7}`)), nil2func})
	require.Equal(t, "sqlite:///json.db", c.DSN)
	require.Equal(t, 9, c.MaxReadCt)
	require.Equal(t, 7, c.MaxObjectDepth)

	_, err := s.load("sqlite:///arg.db", []Override{JSON([]byte(`{"dsn": "sqlite:///json.db"}`))})
	require.ErrorContains(t, err, "given twice")
}

func nil2func(*Config) error { return nil }

// TestEveryPropertyFromEverySource gives each property, in each source, a value
// that is not its default, and finds the same Config.
func TestEveryPropertyFromEverySource(t *testing.T) {
	t.Parallel()
	const dsn = "postgresql://localhost/app"
	want := Config{
		DSN: dsn, Schema: "jobs", Pooler: "transaction", MaxConnections: 4, ConnectionTimeout: 1500 * time.Millisecond,
		DefaultLockTime: 60 * time.Second, DefaultMaxBatchSize: 7, MaxReadCt: 9, MaxLease: time.Hour, ArchiveRetention: 24 * time.Hour, DedupRetention: 48 * time.Hour,
		HeartbeatInterval: 500 * time.Millisecond, PollInterval: 20500 * time.Microsecond, MaxPayloadSizeBytes: 2048, MaxStringLength: 100,
		MaxObjectDepth: 8, ForbiddenKeys: []string{"a", "b c"}, RequiredKeys: []string{"id"}, MaxEnqueuePerSecond: 12.5, MaxEnqueueBurst: 20,
	}
	require.NoError(t, want.Validate())
	env, params, lines, options := map[string]string{}, []string{}, []string{}, []string{}
	for i := range properties {
		p := &properties[i]
		plain := strings.Join(p.get(&want), ",")
		env[p.Env()] = plain
		switch p.Kind {
		case List:
			lines = append(lines, p.Name+": ["+plain+"]")
			options = append(options, `"`+p.Name+`":["`+strings.ReplaceAll(plain, ",", `","`)+`"]`)
		case Text:
			lines = append(lines, p.Name+": "+plain)
			options = append(options, `"`+p.Name+`":"`+plain+`"`)
		default:
			lines = append(lines, p.Name+": "+plain)
			options = append(options, `"`+p.Name+`":`+plain)
		}
		if p.Param() != "" {
			params = append(params, p.Param()+"="+strings.ReplaceAll(plain, " ", "%20"))
		}
	}
	for source, load := range map[string]func() (Config, error){
		"environment": func() (Config, error) { return around(env, nil).load("", nil) },
		"file": func() (Config, error) {
			return around(nil, map[string]string{"pgqrs.yml": strings.Join(lines, "\n")}).load("", nil)
		},
		"DSN parameters": func() (Config, error) { return around(nil, nil).load(dsn+"?"+strings.Join(params, "&"), nil) },
		"options": func() (Config, error) {
			return around(nil, nil).load("", []Override{JSON([]byte("{" + strings.Join(options, ",") + "}"))})
		},
	} {
		got, err := load()
		require.NoError(t, err, source)
		require.Equal(t, want, got, source)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	const dsn = "sqlite::memory:"
	for text, c := range map[string]struct {
		dsn       string
		env       map[string]string
		files     map[string]string
		overrides []Override
	}{
		"PGQRS_DSN": {},
		"environment variable PGQRS_MAX_CONNECTIONS: \"many\" is not an integer from 1 to 1000":                                               {dsn: dsn, env: map[string]string{"PGQRS_MAX_CONNECTIONS": "many"}},
		"environment variable PGQRS_MAX_CONNECTIONS: is empty":                                                                                {dsn: dsn, env: map[string]string{"PGQRS_MAX_CONNECTIONS": ""}},
		"environment variable PGQRS_MAX_CONNECTIONS: 0 is out of range; give an integer from 1 to 1000":                                       {dsn: dsn, env: map[string]string{"PGQRS_MAX_CONNECTIONS": "0"}},
		"environment variable PGQRS_CONNECTION_TIMEOUT_SECONDS: \"5s\" is not a number of seconds from 0.001 to 3600":                         {dsn: dsn, env: map[string]string{"PGQRS_CONNECTION_TIMEOUT_SECONDS": "5s"}},
		"environment variable PGQRS_POLL_INTERVAL_MS: \"NaN\" is not":                                                                         {dsn: dsn, env: map[string]string{"PGQRS_POLL_INTERVAL_MS": "NaN"}},
		"environment variable PGQRS_POLL_INTERVAL_MS: \"0x10\" is not":                                                                        {dsn: dsn, env: map[string]string{"PGQRS_POLL_INTERVAL_MS": "0x10"}},
		"environment variable PGQRS_ARCHIVE_RETENTION_SECONDS: 0 is out of range; give a number of seconds from 1 to 3155760000, or \"none\"": {dsn: dsn, env: map[string]string{"PGQRS_ARCHIVE_RETENTION_SECONDS": "0"}},
		"environment variable PGQRS_MAX_READ_CT: \"none\" is not an integer":                                                                  {dsn: dsn, env: map[string]string{"PGQRS_MAX_READ_CT": "none"}},
		"environment variable PGQRS_POOLER: \"x\" is not one of auto, transaction, none":                                                      {dsn: dsn, env: map[string]string{"PGQRS_POOLER": "x"}},
		"environment variable PGQRS_SCHEMA: begins with pg_":                                                                                  {dsn: dsn, env: map[string]string{"PGQRS_SCHEMA": "pg_x"}},
		"environment variable PGQRS_CONFIG_FILE: is empty":                                                                                    {dsn: dsn, env: map[string]string{"PGQRS_CONFIG_FILE": ""}},
		"file gone.yaml: cannot be read: file does not exist; PGQRS_CONFIG_FILE names it":                                                     {dsn: dsn, env: map[string]string{"PGQRS_CONFIG_FILE": "gone.yaml"}},
		"file pgqrs.yml: cannot be read: permission denied":                                                                                   {dsn: dsn, files: map[string]string{"pgqrs.yml": "denied"}},
		"file pgqrs.yaml: lies beside pgqrs.yml":                                                                                              {dsn: dsn, files: map[string]string{"pgqrs.yml": "", "pgqrs.yaml": ""}},
		"file pgqrs.yaml: line 2: max_conections is not a property of pgqrs; the nearest is max_connections":                                  {dsn: dsn, files: map[string]string{"pgqrs.yaml": "\nmax_conections: 3"}},
		"file pgqrs.yaml, line 2, max_connections: \"x\" is not an integer":                                                                   {dsn: dsn, files: map[string]string{"pgqrs.yaml": "# c\nmax_connections: x"}},
		"file pgqrs.yaml, line 1, max_connections: is a list":                                                                                 {dsn: dsn, files: map[string]string{"pgqrs.yaml": "max_connections: [1]"}},
		"file pgqrs.yaml, line 1, max_connections: has no value":                                                                              {dsn: dsn, files: map[string]string{"pgqrs.yaml": "max_connections:"}},
		"file pgqrs.yaml, line 1, schema: is null":                                                                                            {dsn: dsn, files: map[string]string{"pgqrs.yaml": "schema: ~"}},
		"file pgqrs.yaml, line 2: schema is given twice":                                                                                      {dsn: dsn, files: map[string]string{"pgqrs.yaml": "schema: a\nschema: b"}},
		"DSN parameter pgqrs_max_read_ct: \"x\" is not an integer":                                                                            {dsn: dsn + "?pgqrs_max_read_ct=x"},
		"option max_connections: has the wrong JSON type; give an integer":                                                                    {dsn: dsn, overrides: []Override{JSON([]byte(`{"max_connections":"4"}`))}},
		"max_connections: -1 is out of range":                                                                                                 {dsn: dsn, overrides: []Override{func(c *Config) error { c.MaxConnections = -1; return nil }}},
		"max_enqueue_burst: has no meaning":                                                                                                   {dsn: dsn + "?pgqrs_max_enqueue_burst=4"},
	} {
		_, err := around(c.env, c.files).load(c.dsn, c.overrides)
		require.ErrorContains(t, err, text)
		require.True(t, fault.Is(err, fault.Config), text)
		require.True(t, fault.SafeToRetry(err), text)
	}
	failure := errors.New("no")
	_, err := around(nil, nil).load(dsn, []Override{func(*Config) error { return failure }})
	require.ErrorIs(t, err, failure)
}

// TestLoadHidesPasswords puts a DSN with a password where it does not belong.
func TestLoadHidesPasswords(t *testing.T) {
	t.Parallel()
	const stray = "postgres://me:hunter2@h/db"
	for i := range properties {
		p := &properties[i]
		for _, s := range []surroundings{
			around(map[string]string{p.Env(): stray + " x"}, nil),
			around(map[string]string{p.Env(): "mysql" + stray}, nil),
			around(nil, map[string]string{"pgqrs.yaml": p.Name + ": " + stray + ": x"}),
			around(nil, map[string]string{"pgqrs.yaml": p.Name + ": 'x" + stray + "'"}),
			around(nil, map[string]string{"pgqrs.yaml": stray + ": 1"}),
			around(nil, map[string]string{"pgqrs.yaml": stray}),
			around(map[string]string{envFile: stray}, nil),
		} {
			if _, err := s.load("", nil); err != nil {
				require.NotContains(t, err.Error(), "hunter2")
			}
		}
		_, err := around(nil, nil).load("", []Override{JSON([]byte(`{"` + p.Name + `":"x` + stray + `"}`))})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

// TestLoadFromTheSystem goes through the real environment and a real file.
func TestLoadFromTheSystem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings.yaml")
	require.NoError(t, os.WriteFile(path, []byte("schema: jobs # ours\n"), 0o600))
	t.Setenv("PGQRS_CONFIG_FILE", path)
	t.Setenv("PGQRS_DSN", "sqlite::memory:")
	t.Setenv("PGQRS_MAX_READ_CT", "2")
	c, err := Load("")
	require.NoError(t, err)
	require.Equal(t, "jobs", c.Schema)
	require.Equal(t, 2, c.MaxReadCt)
	require.Equal(t, "sqlite::memory:", c.DSN)

	t.Chdir(t.TempDir())
	require.NoError(t, os.Unsetenv("PGQRS_CONFIG_FILE"))
	require.NoError(t, os.WriteFile("pgqrs.yml", []byte("schema: other\n"), 0o600))
	c, err = Load("")
	require.NoError(t, err)
	require.Equal(t, "other", c.Schema)
}
