package faults

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

	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/fault"
)

// gateway forwards to a server as a router with a table of connections does: when
// it forgets them, what either side sends is swallowed for ever, and only new
// connections get through.
type gateway struct {
	dsn string

	mu   sync.Mutex // guards open and lost
	open []chan struct{}
	lost int
}

func newGateway(t *testing.T, dsn string) *gateway {
	t.Helper()
	server, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	through := url.URL{
		Scheme: "postgresql", User: url.UserPassword(server.User, server.Password), Host: listener.Addr().String(),
		Path: "/" + server.Database, RawQuery: "sslmode=disable",
	}
	g := &gateway{dsn: through.String()}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
	})
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go g.carry(ctx, client, net.JoinHostPort(server.Host, strconv.Itoa(int(server.Port))))
		}
	}()
	return g
}

func (g *gateway) carry(ctx context.Context, client net.Conn, address string) {
	server, err := net.Dial("tcp", address)
	if err != nil {
		_ = client.Close()
		return
	}
	forgotten := make(chan struct{})
	g.mu.Lock()
	g.open = append(g.open, forgotten)
	g.mu.Unlock()
	context.AfterFunc(ctx, func() {
		_ = client.Close()
		_ = server.Close()
	})
	pass := func(to, from net.Conn) {
		buffer := make([]byte, 64<<10)
		for {
			n, err := from.Read(buffer)
			select {
			case <-forgotten:
				_, _ = io.Copy(io.Discard, from) // swallowed, and never answered
				return
			default:
			}
			if n > 0 {
				if _, failed := to.Write(buffer[:n]); failed != nil {
					err = failed
				}
			}
			if err != nil {
				_ = to.Close()
				return
			}
		}
	}
	go pass(client, server)
	pass(server, client)
}

// forget loses every connection that is open now, without telling anybody.
func (g *gateway) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, forgotten := range g.open {
		close(forgotten)
		g.lost++
	}
	g.open = nil
}

// TestStrandedConnections: connections that lead nowhere any more, while new ones
// would work. Calls must end by themselves, and the store must find out.
func TestStrandedConnections(t *testing.T) {
	if !full() {
		t.Skip("skipped in a short run: it waits for time-outs of half a minute (make test/faults)")
	}
	t.Parallel()
	dsn := testdb.Postgres(t)
	g := newGateway(t, dsn)
	store, err := core.Open(t.Context(), g.dsn+"&pgqrs_connection_timeout_seconds=3&pgqrs_schema="+testdb.Schema(t, dsn), core.WithBootstrap())
	require.NoError(t, err)
	t.Cleanup(func() { closeStore(store) })
	_, err = store.Admin().CreateQueue(t.Context(), "tasks", 100)
	require.NoError(t, err)
	p, err := store.Producer(t.Context(), "tasks", core.WorkerOptions{})
	require.NoError(t, err)
	c, err := store.Consumer(t.Context(), "tasks", core.WorkerOptions{})
	require.NoError(t, err)
	got := make(chan struct{})
	waiting := make(chan error, 1)
	go func() { // a consumer that waits all the time, as services do
		for {
			messages, err := c.Dequeue(context.Background(), core.DequeueOptions{Wait: time.Hour})
			if fault.Is(err, fault.Closed) {
				waiting <- err
				return
			}
			if len(messages) > 0 {
				_, _ = messages[0].Archive(context.Background())
				select {
				case got <- struct{}{}:
				case <-time.After(patience):
				}
			}
		}
	}()
	_, err = p.Enqueue(t.Context(), 1)
	require.NoError(t, err)
	<-got

	g.forget()
	began := time.Now()
	attempts := 0
	for {
		attempts++
		_, err := p.Enqueue(t.Context(), 2)
		if err == nil {
			break
		}
		require.True(t, fault.IsTransient(err), "%v", err)
		t.Logf("after %v: %v", time.Since(began).Round(time.Millisecond), err)
	}
	enqueued := time.Since(began)
	select {
	case <-got:
	case <-time.After(2 * time.Minute):
		t.Fatal("the consumer has not come back")
	}
	t.Logf("%d connections lost: enqueue worked again after %v and %d attempts, a waiting consumer got a message after %v",
		g.lost, enqueued.Round(time.Millisecond), attempts, time.Since(began).Round(time.Millisecond))
	require.Less(t, enqueued, 70*time.Second)
	began = time.Now()
	require.NoError(t, store.Close(t.Context()))
	t.Logf("closed after %v", time.Since(began).Round(time.Millisecond))
}
