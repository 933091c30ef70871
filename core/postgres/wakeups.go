package postgres

import (
	"context"
	"crypto/rand"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgqrs/pgqrs/core/fault"
)

const (
	defaultListenCheck = 15 * time.Second
	listenPatience     = 10 * time.Second // how long the server may take to say that it is there
	// defaultProbePatience is how long a notification of our own may be on its way.
	defaultProbePatience = 5 * time.Second
	// probePrefix begins the payload by which a listener finds out whether it
	// hears; the others leave it alone.
	probePrefix = "probe-"
)

// Notify implements engine.Wakeups. It is a transaction of its own that does not
// wait for the disk: inside the transaction of an enqueue, NOTIFY would
// serialise the commits of the whole cluster.
func (s *store) Notify(ctx context.Context, queueIDs []int64) error {
	if len(queueIDs) == 0 {
		return nil
	}
	texts := make([]string, len(queueIDs))
	for i, id := range queueIDs {
		texts[i] = strconv.FormatInt(id, 10)
	}
	return s.notify(ctx, texts)
}

func (s *store) notify(ctx context.Context, payloads []string) error {
	return s.writeWith(ctx, either, s.step("Notify", nil, s.queries.channel, payloads))
}

// Listen implements engine.Wakeups. It holds a connection of its own beside the
// pool.
func (s *store) Listen(ctx context.Context, woken func(queueID int64)) error {
	if s.pooled {
		return &fault.Error{Kind: fault.Unsupported, Text: "LISTEN does not work through a pooler in transaction mode", Safe: true}
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()

	err := s.listen(ctx, woken)
	if s.life.Err() != nil {
		return closedFault()
	}
	return err
}

// listen connects and hears until something ends it.
func (s *store) listen(ctx context.Context, woken func(queueID int64)) error {
	conn, err := s.listenConn(ctx)
	if err != nil {
		return connectFault(ctx, err)
	}
	defer closeConn(conn)
	if _, err := conn.Exec(ctx, s.queries.get("Listen")); err != nil {
		return s.fault(ctx, reading, err)
	}
	if err := s.probe(ctx, conn, woken); err != nil {
		return err
	}
	woken(0)
	for {
		payload, err := s.nextNotification(ctx, conn)
		if err != nil {
			return s.fault(ctx, reading, err)
		}
		announced(payload, woken)
	}
}

// announced tells which queue a notification is about: any, if it is from a later
// version.
func announced(payload string, woken func(queueID int64)) {
	if strings.HasPrefix(payload, probePrefix) {
		return
	}
	queue, err := strconv.ParseInt(payload, 10, 64)
	if err != nil {
		queue = 0
	}
	woken(queue)
}

// probe finds out whether notifications arrive, by one of its own that goes the
// way of all: through the pool. A pooler or a service may take LISTEN, answer
// that it succeeded, and deliver nothing; its consumers would wait for ever.
func (s *store) probe(ctx context.Context, conn *pgx.Conn, woken func(queueID int64)) error {
	token := probePrefix + rand.Text()
	if err := s.notify(ctx, []string{token}); err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, s.probePatience)
	defer cancel()
	for {
		n, err := conn.WaitForNotification(waiting)
		switch {
		case err == nil && n.Payload == token:
			return nil
		case err == nil:
			announced(n.Payload, woken)
		case waiting.Err() != nil && ctx.Err() == nil:
			return s.silent(ctx, conn)
		default:
			return s.fault(ctx, reading, err)
		}
	}
}

// silent tells why no notification came: the connection is dead, or it carries none.
func (s *store) silent(ctx context.Context, conn *pgx.Conn) error {
	if err := s.askServer(ctx, conn); err != nil {
		return s.fault(ctx, reading, err)
	}
	return &fault.Error{
		Kind: fault.Unsupported, Safe: true,
		Text: "the server accepted LISTEN, but a notification sent to it did not arrive: " +
			"is a pooler in transaction mode in between? (pgqrs_pooler=transaction says so)",
	}
}

func (s *store) listenConn(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.connectTimeout)
	defer cancel()
	return pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
}

// nextNotification waits for one, and finds out when the connection is dead:
// nothing else would, because a listener never sends.
func (s *store) nextNotification(ctx context.Context, conn *pgx.Conn) (string, error) {
	for {
		waiting, cancel := context.WithTimeout(ctx, s.listenCheck)
		n, err := conn.WaitForNotification(waiting)
		silent := waiting.Err() != nil
		cancel()
		switch {
		case err == nil:
			return n.Payload, nil
		case ctx.Err() != nil:
			return "", ctx.Err()
		case !silent:
			return "", err
		}
		if err := s.askServer(ctx, conn); err != nil {
			return "", err
		}
	}
}

// askServer reports whether the server answers on a connection.
func (s *store) askServer(ctx context.Context, conn *pgx.Conn) error {
	asking, cancel := context.WithTimeout(ctx, min(s.listenCheck, listenPatience))
	defer cancel()
	return conn.Ping(asking)
}

func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // it may be dead already
}
