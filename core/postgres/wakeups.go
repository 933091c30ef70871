package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgqrs/pgqrs/core/fault"
)

const (
	defaultListenCheck = 15 * time.Second
	listenPatience     = 10 * time.Second // how long the server may take to say that it is there
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
	return s.write(ctx, s.step("Notify", nil, s.queries.channel, texts))
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
	woken(0)
	for {
		payload, err := s.nextNotification(ctx, conn)
		if err != nil {
			return s.fault(ctx, reading, err)
		}
		queue, err := strconv.ParseInt(payload, 10, 64)
		if err != nil {
			queue = 0 // not ours, or from a later version: any queue
		}
		woken(queue)
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
		asking, cancel := context.WithTimeout(ctx, min(s.listenCheck, listenPatience))
		err = conn.Ping(asking)
		cancel()
		if err != nil {
			return "", err
		}
	}
}

func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // it may be dead already
}
