package testdb

import (
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgqrs/pgqrs/core/spawn"
)

// Proxy is a wire between a test and the server: it leads there through a local
// port until the test ends.
type Proxy struct {
	// DSN leads to the server through the wire.
	DSN string

	network, address string
	group            spawn.Group
	edit             edit
	frozen           sync.RWMutex // held for writing: answers stay on the way

	mu   sync.Mutex // guards open
	open map[net.Conn]struct{}
}

// edit sees each message of the server, may change its body, and tells whether it
// goes on to the client.
type edit func(kind byte, body []byte) bool

// NewProxy puts a wire in front of the server of a DSN.
func NewProxy(tb testing.TB, dsn string) *Proxy { return newProxy(tb, dsn, nil) }

// NewDisguisedProxy is a wire that announces another process id than the server's
// to each connection, as poolers do.
func NewDisguisedProxy(tb testing.TB, dsn string) *Proxy {
	return newProxy(tb, dsn, func(kind byte, body []byte) bool {
		if kind == 'K' {
			body[0] ^= 0x55
		}
		return true
	})
}

// NewDeafProxy is a wire on which LISTEN succeeds and no notification arrives, as
// behind a pooler that looks like a server.
func NewDeafProxy(tb testing.TB, dsn string) *Proxy {
	return newProxy(tb, dsn, func(kind byte, _ []byte) bool { return kind != 'A' })
}

func newProxy(tb testing.TB, dsn string, edit edit) *Proxy {
	tb.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		tb.Fatalf("%s: %v", Variable, err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	network, address := "tcp", net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
	if config.Host != "" && config.Host[0] == '/' {
		network, address = "unix", config.Host+"/.s.PGSQL."+strconv.Itoa(int(config.Port))
	}
	through := url.URL{
		Scheme: "postgresql", User: url.UserPassword(config.User, config.Password),
		Host: listener.Addr().String(), Path: "/" + config.Database, RawQuery: "sslmode=disable",
	}
	p := &Proxy{DSN: through.String(), edit: edit, network: network, address: address, open: map[net.Conn]struct{}{}}
	p.group.Go(func() { p.accept(listener) })
	tb.Cleanup(func() {
		listener.Close() //nolint:errcheck // nothing depends on it any more
		p.Cut()
		p.group.Wait()
	})
	return p
}

// Cut tears every connection that is open at this moment, in the middle of
// whatever it carries. New connections go through again.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.open {
		conn.Close() //nolint:errcheck // torn is what it should be
	}
}

// Freeze keeps the server's answers on the way, on connections that stay open,
// until the returned function is called.
func (p *Proxy) Freeze() (thaw func()) {
	p.frozen.Lock()
	return p.frozen.Unlock
}

func (p *Proxy) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil { // closed
			return
		}
		p.group.Go(func() { p.carry(client) })
	}
}

func (p *Proxy) carry(client net.Conn) {
	defer p.forget(client)
	p.remember(client)
	server, err := net.Dial(p.network, p.address)
	if err != nil {
		return
	}
	defer p.forget(server)
	p.remember(server)
	// The first side that ends takes the other with it.
	var back spawn.Group
	back.Go(func() {
		p.answer(client, server)
		client.Close() //nolint:errcheck // the end is what counts
	})
	io.Copy(server, client) //nolint:errcheck // as above
	server.Close()          //nolint:errcheck // as above
	back.Wait()
}

func (p *Proxy) remember(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[conn] = struct{}{}
}

func (p *Proxy) forget(conn net.Conn) {
	conn.Close() //nolint:errcheck // it may be closed already
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, conn)
}

// answer forwards what the server says, message by message where they are edited.
func (p *Proxy) answer(client, server net.Conn) {
	back := answers{p, client}
	if p.edit == nil {
		io.Copy(back, server) //nolint:errcheck // the end is what counts
		return
	}
	head := make([]byte, 5)
	for {
		if _, err := io.ReadFull(server, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(server, body); err != nil {
			return
		}
		if !p.edit(head[0], body) {
			continue
		}
		if _, err := back.Write(slices.Concat(head, body)); err != nil {
			return
		}
	}
}

// answers is the way back to the client.
type answers struct {
	p *Proxy
	io.Writer
}

func (a answers) Write(b []byte) (int, error) {
	a.p.frozen.RLock()
	defer a.p.frozen.RUnlock()
	return a.Writer.Write(b)
}
