package faults

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/enginetest"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/postgres"
)

// startPooler starts PgBouncer in transaction mode in front of a server and
// returns the DSN through it.
func startPooler(t testing.TB, dsn string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Skip("skipped: no pgbouncer on PATH; install it (for example apt-get install pgbouncer)")
	}
	server, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := free.Addr().(*net.TCPAddr).Port
	require.NoError(t, free.Close())
	directory := t.TempDir()
	config := filepath.Join(directory, "pgbouncer.ini")
	host := server.Host
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `[databases]
* = host=%s port=%d
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 1000
default_pool_size = 20
server_reset_query =
ignore_startup_parameters = extra_float_digits
`, host, server.Port, port), 0o644))
	// "any" takes the name of every user from the database's line.
	text, err := os.ReadFile(config)
	require.NoError(t, err)
	text = bytes.Replace(text, []byte("\n[pgbouncer]"), fmt.Appendf(nil, " user=%s password=%s\n[pgbouncer]", server.User, or(server.Password, "none")), 1)
	require.NoError(t, os.WriteFile(config, text, 0o644))

	run := &pooler{tb: t, program: program, config: config}
	if os.Geteuid() == 0 { // it refuses to run as root
		run.account = nobody(t)
		for at := directory; strings.HasPrefix(at, os.TempDir()); at = filepath.Dir(at) {
			_ = os.Chmod(at, 0o755) // what is not ours is open already
		}
	}
	run.start()
	t.Cleanup(run.end)
	through := url.URL{
		Scheme: "postgresql", User: url.UserPassword(server.User, or(server.Password, "none")),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Path: "/" + server.Database, RawQuery: "sslmode=disable",
	}
	eventually(t, "the pooler to answer", func() bool {
		conn, err := pgx.Connect(t.Context(), through.String())
		if err == nil {
			_ = conn.Close(t.Context())
		}
		return err == nil
	})
	return through.String()
}

// pooler is a PgBouncer that is started again when it ends by itself, as a
// service manager does: version 1.18 does so ("bad client state: 0") when a
// client goes away that has just asked for a cancellation.
type pooler struct {
	tb              testing.TB
	program, config string
	account         *syscall.Credential
	log             logBuffer

	mu    sync.Mutex // guards the fields below
	cmd   *exec.Cmd
	over  bool
	ended sync.WaitGroup
}

func (p *pooler) start() {
	cmd := exec.Command(p.program, p.config)
	cmd.Stderr = &p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.account}
	require.NoError(p.tb, cmd.Start())
	p.cmd = cmd
	p.ended.Add(1)
	go func() {
		defer p.ended.Done()
		err := cmd.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.over {
			p.tb.Logf("PgBouncer ended by itself and is started again: %v, %s", err, p.log.last("FATAL"))
			p.start()
		}
	}()
}

func (p *pooler) end() {
	p.mu.Lock()
	p.over = true
	_ = p.cmd.Process.Kill()
	p.mu.Unlock()
	p.ended.Wait()
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// nobody is a user without rights.
func nobody(t testing.TB) *syscall.Credential {
	t.Helper()
	found, err := user.Lookup("nobody")
	require.NoError(t, err)
	uid, err := strconv.Atoi(found.Uid)
	require.NoError(t, err)
	gid, err := strconv.Atoi(found.Gid)
	require.NoError(t, err)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// TestPgBouncer runs the conformance suite through PgBouncer in transaction mode,
// found out by the probe.
func TestPgBouncer(t *testing.T) {
	if !full() {
		t.Skip("skipped in a short run: the conformance suite is long (make test/faults)")
	}
	enginetest.Run(t, func(tb testing.TB) enginetest.Store {
		dsn := testdb.Postgres(tb)
		schema := testdb.Schema(tb, dsn)
		wire := testdb.NewProxy(tb, startPooler(tb, dsn))
		return enginetest.Store{
			Name: "pgbouncer",
			Open: func(tb testing.TB) engine.Engine {
				eng, err := postgres.Open(context.Background(), postgres.Config{ConnString: wire.DSN, Schema: schema, MaxConnections: 8})
				require.NoError(tb, err)
				require.False(tb, eng.Capabilities().Push, "the pooler was not found out")
				tb.Cleanup(eng.Close)
				return eng
			},
			Cut:  wire.Cut,
			Exec: func(ctx context.Context, sql string) error { return testdb.Exec(ctx, dsn, schema, sql) },
			EnqueueTx: func(ctx context.Context, queueID int64, payloads [][]byte) ([]int64, func(context.Context, bool) error, error) {
				return testdb.EnqueueTx(ctx, dsn, schema, queueID, payloads)
			},
		}
	})
}

// logBuffer keeps what a store logs.
type logBuffer struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// last is the last line with a word.
func (l *logBuffer) last(word string) (found string) {
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, word) {
			found = strings.TrimSpace(line)
		}
	}
	return found
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestPgBouncerPolls: behind PgBouncer consumers poll, which the log says, and a
// waiting one gets what another process sends within the poll interval.
func TestPgBouncerPolls(t *testing.T) {
	dsn := testdb.Postgres(t)
	through, schema := startPooler(t, dsn), "&pgqrs_schema="+testdb.Schema(t, dsn)
	var log logBuffer
	store, err := core.Open(t.Context(), through+schema, core.WithBootstrap(), core.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	require.NoError(t, err)
	t.Cleanup(func() { closeStore(store) })
	require.Contains(t, log.String(), "polling instead of LISTEN")
	_, err = store.Admin().CreateQueue(t.Context(), "tasks", 5)
	require.NoError(t, err)
	consumer, err := store.Consumer(t.Context(), "tasks", core.WorkerOptions{})
	require.NoError(t, err)
	// A different configuration is another store, as in another process.
	other, err := core.Open(t.Context(), dsn+map[bool]string{true: "&", false: "?"}[hasQuery(dsn)]+schema[1:])
	require.NoError(t, err)
	t.Cleanup(func() { closeStore(other) })
	producer, err := other.Producer(t.Context(), "tasks", core.WorkerOptions{})
	require.NoError(t, err)
	var slowest time.Duration
	for range scaled(5, 50) {
		got := make(chan time.Time, 1)
		go func() {
			messages, err := consumer.Dequeue(context.Background(), core.DequeueOptions{Wait: patience})
			if err == nil && len(messages) == 1 {
				got <- time.Now()
			}
		}()
		time.Sleep(20 * time.Millisecond)
		sent := time.Now()
		_, err = producer.Enqueue(t.Context(), 1)
		require.NoError(t, err)
		select {
		case at := <-got:
			slowest = max(slowest, at.Sub(sent))
		case <-time.After(patience):
			t.Fatal("the message did not come")
		}
	}
	t.Logf("the slowest came %v after it was sent", slowest.Round(time.Millisecond))
	require.Less(t, slowest, time.Second)
}

func hasQuery(dsn string) bool {
	u, err := url.Parse(dsn)
	return err == nil && u.RawQuery != ""
}
