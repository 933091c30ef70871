package core

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

// together makes calls that are in flight at the same time, however the machine runs
// them: nothing reaches the database before so many rows wait in the lanes that waiting
// tells of, or are about to be sent. A busy machine may run each call to its end before
// it begins the next one, and such calls share nothing.
func (b *bundle) together(rows int, waiting func() Flushes, calls func(all *sync.WaitGroup)) {
	g := &gate{Engine: b.store.b.engine, open: make(chan struct{})}
	b.store.b.engine = g
	var all sync.WaitGroup
	calls(&all)
	require.Eventually(b.t, func() bool { return g.held.Load()+waiting().Waiting == int64(rows) }, 20*time.Second, time.Millisecond)
	close(g.open)
	all.Wait()
}

// gate keeps flushes waiting until it is opened.
type gate struct {
	engine.Engine
	open chan struct{}
	held atomic.Int64 // rows of the flushes that have come
}

func (g *gate) hold(rows int) {
	g.held.Add(int64(rows))
	<-g.open
}

func (g *gate) EnqueueInTurn(ctx context.Context, queue int64, messages []model.NewMessage, sent, placed func()) ([]int64, error) {
	g.hold(len(messages))
	return g.Engine.EnqueueInTurn(ctx, queue, messages, sent, placed)
}

func (g *gate) Claim(ctx context.Context, claims []engine.Claim) ([]engine.Claimed, error) {
	g.hold(len(claims))
	return g.Engine.Claim(ctx, claims)
}

func (g *gate) Finish(ctx context.Context, how engine.Finish, tokens []model.Token) ([]bool, error) {
	g.hold(len(tokens))
	return g.Engine.Finish(ctx, how, tokens)
}
