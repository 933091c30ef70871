package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pgqrs/pgqrs/benchmarks/go/loadgen"
)

const (
	create = `
create sequence f_id;
create table f (id bigint primary key default nextval('f_id'), payload jsonb)`
	insert = `insert into f (payload) select x::jsonb from unnest($1::text[]) x returning id`
	remove = `delete from f where id > $1 and id <= $2 returning payload`
)

// postgres inserts and deletes on one connection. What it deletes next it knows,
// because nobody else writes.
type postgres struct {
	connection *pgx.Conn
	payload    string
	batch      []string
	deleted    int64
}

func openPostgres(ctx context.Context, dsn, payload string) (*postgres, error) {
	connection, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	_, err = connection.Exec(ctx, create)
	return &postgres{connection: connection, payload: payload}, err
}

func (p *postgres) close(ctx context.Context) { _ = p.connection.Close(ctx) }

func (p *postgres) EnqueueBatch(ctx context.Context, messages int) error {
	for len(p.batch) < messages {
		p.batch = append(p.batch, p.payload)
	}
	rows, err := p.connection.Query(ctx, insert, p.batch[:messages])
	if err != nil {
		return err
	}
	_, err = pgx.CollectRows(rows, pgx.RowTo[int64])
	return err
}

func (p *postgres) Taker(context.Context) (loadgen.Take, error) {
	return func(ctx context.Context, batch int) (int, error) {
		rows, err := p.connection.Query(ctx, remove, p.deleted, p.deleted+int64(batch))
		if err != nil {
			return 0, err
		}
		payloads, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		if err != nil {
			return 0, err
		}
		if len(payloads) == 0 {
			return 0, fmt.Errorf("nothing after id %d", p.deleted)
		}
		p.deleted += int64(len(payloads))
		return len(payloads), nil
	}, nil
}
