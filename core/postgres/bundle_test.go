package postgres

import (
	"context"
	"io"
	"net"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// bundle is what a test of this engine starts with: a schema of its own, a
// queue, a consumer, and a plain connection beside the engine.
type bundle struct {
	t        *testing.T
	ctx      context.Context
	dsn      string
	schema   string
	store    *store
	queue    model.QueueInfo
	consumer model.WorkerInfo
}

func setup(t *testing.T) *bundle {
	t.Helper()
	t.Parallel()
	b := &bundle{t: t, ctx: t.Context(), dsn: testdb.Postgres(t)}
	b.schema = testdb.Schema(t, b.dsn)
	b.store = b.open(Config{})
	require.NoError(t, b.store.Install(b.ctx))
	var err error
	b.queue, err = b.store.CreateQueue(b.ctx, "q", 5)
	require.NoError(t, err)
	b.consumer, err = b.store.RegisterWorker(b.ctx, model.NewWorker{QueueID: b.queue.ID, Name: "consumer"})
	require.NoError(t, err)
	return b
}

// open opens another engine; a config without a connection string gets the
// bundle's, and four connections.
func (b *bundle) open(config Config) *store {
	b.t.Helper()
	config.Schema = b.schema
	if config.ConnString == "" {
		config.ConnString = b.dsn
	}
	if config.MaxConnections == 0 {
		config.MaxConnections = 4
	}
	return openTest(b.t, config)
}

// connect returns a plain connection.
func (b *bundle) connect() *pgx.Conn {
	b.t.Helper()
	conn, err := pgx.Connect(b.ctx, b.dsn)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { closeConn(conn) })
	return conn
}

// block keeps everybody from changing messages until the returned function is
// called.
func (b *bundle) block() (unblock func()) {
	b.t.Helper()
	tx, err := b.connect().Begin(b.ctx)
	require.NoError(b.t, err)
	_, err = tx.Exec(b.ctx, b.store.queries.get("LockMessages"))
	require.NoError(b.t, err)
	return func() { require.NoError(b.t, tx.Rollback(b.ctx)) }
}

// awaitBlocked waits until n sessions wait for the messages table.
func (b *bundle) awaitBlocked(n int) {
	b.t.Helper()
	conn := b.connect()
	require.Eventually(b.t, func() bool {
		var waiting int
		err := conn.QueryRow(b.ctx, "select count(*) from pg_locks where not granted and relation = ($1 || '.pgqrs_messages')::regclass",
			b.store.queries.quoted).Scan(&waiting)
		return err == nil && waiting == n
	}, 20*time.Second, 5*time.Millisecond)
}

func (b *bundle) put(messages ...model.NewMessage) []int64 {
	b.t.Helper()
	ids, err := b.store.Enqueue(b.ctx, b.queue.ID, messages)
	require.NoError(b.t, err)
	return ids
}

func (b *bundle) claim(limit int, lease time.Duration) []model.Message {
	b.t.Helper()
	claimed, err := b.store.Claim(b.ctx, engine.Claim{QueueID: b.queue.ID, WorkerID: b.consumer.ID, Limit: limit, Lease: lease})
	require.NoError(b.t, err)
	return claimed.Messages
}

// fill enqueues n messages and leases them.
func (b *bundle) fill(n int) []model.Token {
	b.t.Helper()
	b.put(payloads(n)...)
	var tokens []model.Token
	for _, m := range b.claim(n, time.Hour) {
		tokens = append(tokens, model.Token{ID: m.ID, Worker: b.consumer.ID, ReadCt: m.ReadCt})
	}
	require.Len(b.t, tokens, n)
	return tokens
}

func payloads(n int) []model.NewMessage {
	messages := make([]model.NewMessage, n)
	for i := range messages {
		messages[i].Payload = []byte(`{"n": 1}`)
	}
	return messages
}

// proxy stands between an engine and the server. It can cut every connection,
// and it can announce other process ids than the server's, as poolers do.
type proxy struct {
	t        *testing.T
	listener net.Listener
	disguise bool
	frozen   sync.RWMutex // held for writing: answers stay on the way
	mu       sync.Mutex   // guards conns
	conns    []net.Conn
}

// newProxy returns a proxy and the connection string that leads through it.
func newProxy(t *testing.T, dsn string, disguise bool) (*proxy, string) {
	t.Helper()
	settings, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	network, address := pgxNetwork(settings)
	p := &proxy{t: t, listener: listener, disguise: disguise}
	t.Cleanup(func() { _ = listener.Close(); p.cut() })
	spawn.Go(nil, func() { p.serve(network, address) })
	through := url.URL{Scheme: "postgres", User: url.UserPassword(settings.User, settings.Password), Host: listener.Addr().String(),
		Path: "/" + settings.Database, RawQuery: "sslmode=disable"}
	return p, through.String()
}

func pgxNetwork(settings *pgx.ConnConfig) (network, address string) {
	if len(settings.Host) > 0 && settings.Host[0] == '/' {
		return "unix", settings.Host + "/.s.PGSQL." + strconv.Itoa(int(settings.Port))
	}
	return "tcp", net.JoinHostPort(settings.Host, strconv.Itoa(int(settings.Port)))
}

func (p *proxy) serve(network, address string) {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(network, address)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		spawn.Go(nil, func() { _, _ = io.Copy(server, client); _ = server.Close() })
		spawn.Go(nil, func() { p.answer(client, server); _ = client.Close() })
	}
}

// answer forwards what the server says. Disguised, it replaces the process id in
// the key message that precedes the first ReadyForQuery.
func (p *proxy) answer(client, server net.Conn) {
	for p.disguise {
		head := make([]byte, 5)
		if _, err := io.ReadFull(server, head); err != nil {
			return
		}
		body := make([]byte, int(head[1])<<24|int(head[2])<<16|int(head[3])<<8|int(head[4])-4)
		if _, err := io.ReadFull(server, body); err != nil {
			return
		}
		if head[0] == 'K' {
			body[0] ^= 0x55
		}
		if _, err := client.Write(append(head, body...)); err != nil || head[0] == 'Z' {
			break
		}
	}
	_, _ = io.Copy(answers{p, client}, server)
}

// answers is the way back to the client.
type answers struct {
	p *proxy
	io.Writer
}

func (a answers) Write(b []byte) (int, error) {
	a.p.frozen.RLock()
	defer a.p.frozen.RUnlock()
	return a.Writer.Write(b)
}

// cut ends every connection that runs through the proxy.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.conns = nil
}
