package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pgqrs/pgqrs/benchmarks/go/loadgen"
)

// contender is the floor of whichever database the DSN names.
type contender struct {
	*postgres
	path    string // of the SQLite file
	payload []byte
}

func (c *contender) Open(ctx context.Context, dsn string, options map[string]any) (map[string]string, error) {
	c.payload = loadgen.Document(options)
	if path, ok := strings.CutPrefix(dsn, "sqlite://"); ok {
		c.path = path
		return nil, nil
	}
	var err error
	c.postgres, err = openPostgres(ctx, dsn, string(c.payload))
	return nil, err
}

func (c *contender) Close(ctx context.Context) {
	if c.postgres != nil {
		c.close(ctx)
	}
}

func (c *contender) Probe(ctx context.Context, name string, lasts time.Duration, params loadgen.Params) (loadgen.Result, error) {
	floor, ok := sqliteFloors[name]
	if !ok {
		return nil, fmt.Errorf("%w: %s", loadgen.ErrUnsupported, name)
	}
	return floor.run(ctx, c.path, string(c.payload), params.Int("rows"), lasts)
}

func main() { loadgen.Serve(&contender{}) }
