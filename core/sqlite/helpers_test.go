package sqlite

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/enginetest"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// roleVariable makes a re-executed test binary play a role of this package's
// tests instead of running them.
const roleVariable = "PGQRS_SQLITE_ROLE"

// patience bounds every wait.
const patience = 30 * time.Second

func TestMain(m *testing.M) {
	if name := os.Getenv(roleVariable); name != "" {
		if err := roles[name](os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	enginetest.Main(m, reopen)
}

func reopen(ctx context.Context, path string) (engine.Engine, error) {
	return Open(ctx, Config{Path: path, Logger: slog.New(slog.DiscardHandler)})
}

// other is a process that plays a role on a file and says lines of JSON.
type other struct {
	t     testing.TB
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *json.Decoder
}

func startRole(t testing.TB, role, path string) *other {
	t.Helper()
	o := &other{t: t, cmd: exec.Command(os.Args[0], path)}
	o.cmd.Env = append(os.Environ(), roleVariable+"="+role)
	o.cmd.Stderr = os.Stderr
	var err error
	o.in, err = o.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := o.cmd.StdoutPipe()
	require.NoError(t, err)
	o.lines = json.NewDecoder(bufio.NewReader(out))
	require.NoError(t, o.cmd.Start())
	t.Cleanup(func() {
		_ = o.cmd.Process.Kill() // it may have ended by itself
		_ = o.cmd.Wait()
	})
	return o
}

// hear reads the next line into v; false at the end of the output.
func (o *other) hear(v any) bool { return o.lines.Decode(v) == nil }

// tell lets a process go on that waits at proceed.
func (o *other) tell() {
	_, err := o.in.Write([]byte("\n"))
	require.NoError(o.t, err)
}

// say writes a line to the parent, and proceed waits for it.
func say(v any) error { return json.NewEncoder(os.Stdout).Encode(v) }

func proceed() error {
	_, err := os.Stdin.Read(make([]byte, 1))
	return err
}

// bundle is an engine with a queue and a worker.
type bundle struct {
	testing.TB
	ctx    context.Context
	path   string
	store  *store
	queue  model.QueueInfo
	worker int64
}

func setup(t testing.TB, cfg Config) *bundle {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	t.Cleanup(cancel)
	if cfg.Path == "" {
		cfg.Path = filepath.Join(t.TempDir(), "queue.db")
	}
	b := &bundle{TB: t, ctx: ctx, path: cfg.Path, store: open(t, cfg)}
	var err error
	b.queue, err = b.store.CreateQueue(ctx, "queue", 5)
	require.NoError(t, err)
	b.worker = b.register()
	return b
}

// open opens an engine that is closed in the clean-up.
func open(t testing.TB, cfg Config) *store {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	eng, err := Open(context.Background(), cfg)
	require.NoError(t, err)
	t.Cleanup(eng.Close)
	return eng.(*store)
}

func (b *bundle) register() int64 {
	b.Helper()
	w, err := b.store.RegisterWorker(b.ctx, model.NewWorker{QueueID: b.queue.ID, Name: "consumer"})
	require.NoError(b, err)
	return w.ID
}

func (b *bundle) enqueue(n int, delay time.Duration) []int64 {
	b.Helper()
	messages := make([]model.NewMessage, n)
	for i := range messages {
		messages[i] = model.NewMessage{Payload: payload, Delay: delay}
	}
	ids, err := b.store.Enqueue(b.ctx, b.queue.ID, messages)
	require.NoError(b, err)
	return ids
}

func (b *bundle) claim(n int) []model.Token {
	b.Helper()
	c, err := engine.ClaimOne(b.ctx, b.store, engine.Claim{QueueID: b.queue.ID, WorkerID: b.worker, Limit: n, Lease: time.Minute})
	require.NoError(b, err)
	tokens := make([]model.Token, len(c.Messages))
	for i, m := range c.Messages {
		tokens[i] = model.Token{ID: m.ID, Worker: b.worker, ReadCt: m.ReadCt}
	}
	return tokens
}

// fails requires a fault of a kind with a code.
func fails(t testing.TB, kind fault.Kind, code string, err error) *fault.Error {
	t.Helper()
	var f *fault.Error
	require.ErrorAs(t, err, &f)
	require.Equal(t, kind.String(), f.Kind.String(), "%v", err)
	require.Equal(t, code, f.SQLState, "%v", err)
	return f
}

// within waits for a channel to deliver or to be closed.
func within[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited %v in vain for %s", patience, what)
		panic("unreachable")
	}
}

// background runs f and returns where its error will be.
func background(f func() error) <-chan error {
	done := make(chan error, 1)
	spawn.Go(nil, func() { done <- f() })
	return done
}

// waitingJobs returns how many jobs wait for their turn.
func (w *writer) waitingJobs() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue)
}

// working reports whether somebody works.
func (w *writer) working() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.busy
}
