package main

import (
	"context"
	"io"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pgqrs/pgqrs/benchmarks/go/loadgen"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

const maxWorkers = 1000

// email is the payload every contender stores.
type email struct {
	Task string `json:"task"`
	To   string `json:"to"`
	N    int    `json:"n"`
}

func (email) Kind() string { return "email" }

var payload = email{Task: "send_email", To: "user@example.com", N: 123}

type worker struct {
	river.WorkerDefaults[email]
	handle *atomic.Pointer[func()]
}

func (w worker) Work(context.Context, *river.Job[email]) error {
	(*w.handle.Load())()
	return nil
}

type contender struct {
	pool   *pgxpool.Pool
	client *river.Client[pgx.Tx] // inserts only
}

func (c *contender) Open(ctx context.Context, dsn string, _ map[string]any) (map[string]string, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.MaxConns = 16
	c.pool, err = pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(c.pool), &rivermigrate.Config{Logger: silent()})
	if err != nil {
		return nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	c.client, err = river.NewClient(riverpgxv5.New(c.pool), &river.Config{Logger: silent()})
	return map[string]string{"River": version()}, err
}

func (c *contender) Close(context.Context) {
	if c.pool != nil {
		c.pool.Close()
	}
}

func (c *contender) Enqueue(ctx context.Context) error {
	_, err := c.client.Insert(ctx, payload, nil)
	return err
}

func (c *contender) EnqueueBatch(ctx context.Context, messages int) error {
	batch := make([]river.InsertManyParams, messages)
	for i := range batch {
		batch[i].Args = payload
	}
	_, err := c.client.InsertManyFast(ctx, batch)
	return err
}

func (c *contender) Work(ctx context.Context, handle func(), _ int) (func(), error) {
	workers := river.NewWorkers()
	var pointer atomic.Pointer[func()]
	pointer.Store(&handle)
	river.AddWorker(workers, worker{handle: &pointer})
	client, err := river.NewClient(riverpgxv5.New(c.pool), &river.Config{
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: maxWorkers}},
		Workers:           workers,
		FetchCooldown:     river.FetchCooldownMin,
		FetchPollInterval: 50 * time.Millisecond,
		Logger:            silent(),
	})
	if err != nil {
		return nil, err
	}
	if err := client.Start(ctx); err != nil {
		return nil, err
	}
	return func() {
		if err := client.Stop(ctx); err != nil {
			slog.Error("river did not stop", "error", err)
		}
	}, nil
}

func silent() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// version is the one of the module this program was built with.
func version() string {
	build, _ := debug.ReadBuildInfo()
	for _, dependency := range build.Deps {
		if strings.HasSuffix(dependency.Path, "riverqueue/river") {
			return dependency.Version
		}
	}
	return ""
}

func main() { loadgen.Serve(&contender{}) }
