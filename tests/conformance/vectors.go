package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/tests/abi/abitest"
)

// A step of a vector; tests/vectors/README.md describes its members.
type step struct {
	Do, With, As, Queue, Error string

	ID        int64
	IDs       []int64
	Payload   json.RawMessage
	Payloads  []json.RawMessage
	DedupKey  string   `json:"dedup_key"`
	DedupKeys []string `json:"dedup_keys"`
	Contains  json.RawMessage
	Expect    json.RawMessage

	Batch     int
	MaxReadCt int32 `json:"max_read_ct"`
	LeaseMS   int64 `json:"lease_ms"`
	WaitMS    int64 `json:"wait_ms"`
	DelayMS   int64 `json:"delay_ms"`
	ExtendMS  int64 `json:"extend_ms"`
	DeadOnly  bool  `json:"dead_only"`

	Workflow, Status, Step, Reason string

	Message     int64
	Input       json.RawMessage
	Output      json.RawMessage
	MaxAttempts int32  `json:"max_attempts"`
	RetryMS     *int64 `json:"retry_ms"`
}

// A vector is one script of tests/vectors.
type vector struct {
	Name  string // of the file, a slash, and its own
	Steps []map[string]any
}

// Vectors is the directory of the vectors.
func Vectors() string { return filepath.Join(abitest.Root(), "tests", "vectors") }

func vectors(t *testing.T) []vector {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(Vectors(), "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var all []vector
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var content struct{ Vectors []vector }
		require.NoError(t, json.Unmarshal(text, &content), file)
		for _, v := range content.Vectors {
			v.Name = strings.TrimSuffix(filepath.Base(file), ".json") + "/" + v.Name
			all = append(all, v)
		}
	}
	return all
}

func runVectors(t *testing.T, s Subject, dsn func(testing.TB) string) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, s, dsn(t))
			named := names{values: map[string]any{}, hands: map[string]any{}}
			for i, raw := range v.Steps {
				text, err := json.Marshal(raw)
				require.NoError(t, err)
				b.step(fmt.Sprintf("step %d, %s", i+1, text), raw, named)
			}
		})
	}
}

// RunProgram lets a program of another language run the vectors, on both engines.
// It reads lines of a vector's name and the DSN of an empty store, and answers each
// with a line: "ok NAME", or "failed NAME: " and why.
func RunProgram(t *testing.T, program func(context.Context) *exec.Cmd) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			all := vectors(t)
			var lines strings.Builder
			for _, v := range all {
				fmt.Fprintf(&lines, "%s %s\n", v.Name, dsn(t))
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*Patience)
			defer cancel()
			cmd := program(ctx)
			cmd.Stdin = strings.NewReader(lines.String())
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			for _, v := range all {
				require.Contains(t, string(out), "ok "+v.Name+"\n")
			}
		})
	}
}

// names are what the steps of a vector have named: results, and the workers and
// executions that "with" means.
type names struct{ values, hands map[string]any }

// held is a result that stands for a worker or an execution. Its row is nil for a
// worker.
type held struct{ hand, row any }

func (b bundle) step(what string, raw map[string]any, named names) {
	b.Helper()
	text, err := json.Marshal(resolve(raw, named.values))
	require.NoError(b, err, what)
	var s step
	require.NoError(b, json.Unmarshal(text, &s), what)
	do, known := operations[s.Do]
	require.True(b, known, what)

	result, err := do(b, s, named.hands[s.With])
	if s.Error != "" {
		require.Error(b, err, what)
		require.Equal(b, s.Error, b.Status(err), what)
		return
	}
	require.NoError(b, err, what)
	if h, ok := result.(held); ok {
		named.hands[s.As] = h.hand
		result = h.row
	}
	have := plain(b, result)
	if s.As != "" {
		named.values[s.As] = have
	}
	if s.Expect != nil {
		var want any
		require.NoError(b, json.Unmarshal(s.Expect, &want), what)
		require.True(b, contains(have, want), "%s: the result is %v", what, have)
	}
}

// resolve replaces "$name.path" by what it stands for. Workers are not values:
// "with" has no dollar.
func resolve(v any, named map[string]any) any {
	switch v := v.(type) {
	case string:
		path, isName := strings.CutPrefix(v, "$")
		if !isName {
			return v
		}
		parts := strings.Split(path, ".")
		value := named[parts[0]]
		for _, part := range parts[1:] {
			if list, ok := value.([]any); ok {
				i, _ := strconv.Atoi(part)
				value = list[i]
			} else {
				value = value.(map[string]any)[part]
			}
		}
		return value
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = resolve(v[i], named)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for name := range v {
			out[name] = resolve(v[name], named)
		}
		return out
	}
	return v
}

// contains compares as the README of the vectors says.
func contains(have, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		object, ok := have.(map[string]any)
		for name, value := range want {
			member, present := object[name]
			ok = ok && present && contains(member, value)
		}
		return ok
	case []any:
		list, ok := have.([]any)
		if !ok || len(list) != len(want) {
			return false
		}
		for i := range want {
			if !contains(list[i], want[i]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(have, want)
}

// plain is a result as JSON has it.
func plain(t testing.TB, result any) any {
	t.Helper()
	text, err := json.Marshal(result)
	require.NoError(t, err)
	var out any
	require.NoError(t, json.Unmarshal(text, &out))
	return out
}

func (s step) span(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

func (s step) tokens() []token {
	tokens := []token{}
	for _, id := range s.IDs {
		tokens = append(tokens, token{id})
	}
	return tokens
}

type operation = func(b bundle, s step, worker any) (any, error)

// nothing is an operation without a result.
func nothing(target func(bundle, any) any, method string, args func(step) []any) operation {
	return func(b bundle, s step, worker any) (any, error) {
		return nil, call(b.ctx, target(b, worker), method, nil, args(s)...)
	}
}

func onAdmin(b bundle, _ any) any       { return b.admin }
func onWorker(_ bundle, worker any) any { return worker }
func byID(s step) []any                 { return []any{s.ID} }
func byQueue(s step) []any              { return []any{s.Queue} }
func none(step) []any                   { return nil }

func acknowledge(method string, more ...func(step) any) operation {
	return func(b bundle, s step, worker any) (any, error) {
		args := []any{s.tokens()}
		for _, m := range more {
			args = append(args, m(s))
		}
		return get[[]bool](b.ctx, worker, method, args...)
	}
}

func registered(kind string) operation {
	return func(b bundle, s step, _ any) (any, error) {
		worker, err := get[any](b.ctx, b.store, kind, s.Queue, workerOptions{})
		return held{hand: worker}, err
	}
}

// listed reads messages from a table or a queue.
func listed(ctx context.Context, target any, method string, args ...any) (any, error) {
	messages, err := get[[]message](ctx, target, method, args...)
	rows := []any{}
	for _, m := range messages {
		rows = append(rows, m.row())
	}
	return rows, err
}

func one(method string) operation {
	return func(b bundle, s step, _ any) (any, error) {
		m, err := get[message](b.ctx, b.admin, method, s.ID)
		return m.row(), err
	}
}

func (m message) row() map[string]any {
	row := map[string]any{"id": m.ID, "payload": json.RawMessage(m.Payload), "read_ct": m.ReadCt, "dead_reason": nil}
	if m.DeadReason != "" {
		row["dead_reason"] = m.DeadReason
	}
	return row
}

type queueRow struct {
	Name      string `json:"queue_name"`
	MaxReadCt int32  `json:"max_read_ct"`
}

type metricsRow struct {
	Pending  int64 `json:"pending"`
	Delayed  int64 `json:"delayed"`
	Leased   int64 `json:"leased"`
	Archived int64 `json:"archived"`
	Dead     int64 `json:"dead"`
}
