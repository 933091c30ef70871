package postgres

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/spawn"
)

func TestPoolerIsDetected(t *testing.T) {
	b := setup(t)
	plain, disguised := testdb.NewProxy(t, b.dsn), testdb.NewDisguisedProxy(t, b.dsn)
	for _, c := range []struct {
		config Config
		push   bool
	}{
		{Config{}, true},
		{Config{ConnString: plain.DSN}, true},
		{Config{ConnString: disguised.DSN}, false},
		{Config{ConnString: disguised.DSN, Pooler: PoolerNone}, true},
		{Config{Pooler: PoolerTransaction}, false},
	} {
		s := b.open(c.config)
		require.Equal(t, c.push, s.Capabilities().Push, "%+v", c.config)
		if !c.push {
			requireKind(t, fault.Unsupported, s.Listen(b.ctx, func(int64) {}))
			_, err := s.Enqueue(b.ctx, b.queue.ID, payloads(1))
			require.NoError(t, err)
		}
	}
}

// TestListenEnds: with the context, with the connection, and with Close.
func TestListenEnds(t *testing.T) {
	b := setup(t)
	p := testdb.NewProxy(t, b.dsn)
	for _, c := range []struct {
		name string
		end  func(s *store, cancel context.CancelFunc)
		kind fault.Kind
	}{
		{"context", func(_ *store, cancel context.CancelFunc) { cancel() }, fault.Cancelled},
		{"connection", func(*store, context.CancelFunc) { p.Cut() }, fault.Connect},
		{"close", func(s *store, _ context.CancelFunc) { s.Close() }, fault.Closed},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := b.open(Config{ConnString: p.DSN})
			ctx, cancel := context.WithCancel(b.ctx)
			defer cancel()
			heard := make(chan int64, 10)
			ended := make(chan error, 1)
			spawn.Go(nil, func() { ended <- s.Listen(ctx, func(queue int64) { heard <- queue }) })
			require.Zero(t, <-heard, "it must say when it starts to hear")
			require.NoError(t, b.store.Notify(ctx, []int64{7, 8}))
			require.EqualValues(t, 7, <-heard)
			require.EqualValues(t, 8, <-heard)
			c.end(s, cancel)
			requireKind(t, c.kind, <-ended)
		})
	}
}

func TestChannelFitsAnyName(t *testing.T) {
	t.Parallel()
	require.Equal(t, "pgqrs_public", channelOf("public"))
	long := channelOf(strings.Repeat("x", 63))
	require.LessOrEqual(t, len(long), maxIdentifierBytes)
	require.NotEqual(t, long, channelOf(strings.Repeat("x", 62)+"y"))
}

// TestListenNoticesSilence: a connection that died without a word is found out.
func TestListenNoticesSilence(t *testing.T) {
	b := setup(t)
	p := testdb.NewProxy(t, b.dsn)
	s := b.open(Config{ConnString: p.DSN})
	s.listenCheck = 50 * time.Millisecond
	heard := make(chan int64, 10)
	ended := make(chan error, 1)
	spawn.Go(nil, func() { ended <- s.Listen(b.ctx, func(queue int64) { heard <- queue }) })
	require.Zero(t, <-heard)
	require.NoError(t, b.store.Notify(b.ctx, []int64{7}))
	require.EqualValues(t, 7, <-heard)
	thaw := p.Freeze()
	requireKind(t, fault.Connect, <-ended)
	thaw()
}

// TestListenFindsOutThatItIsDeaf: LISTEN that succeeds and delivers nothing is as
// good as none. The probe of one listener does not wake another.
func TestListenFindsOutThatItIsDeaf(t *testing.T) {
	b := setup(t)
	heard := make(chan int64, 10)
	listening, stop := context.WithCancel(b.ctx)
	defer stop()
	ended := make(chan error, 1)
	spawn.Go(nil, func() { ended <- b.store.Listen(listening, func(queue int64) { heard <- queue }) })
	require.Zero(t, <-heard)

	deaf := b.open(Config{ConnString: testdb.NewDeafProxy(t, b.dsn).DSN})
	deaf.probePatience = 50 * time.Millisecond
	requireKind(t, fault.Unsupported, deaf.Listen(b.ctx, func(queue int64) { t.Errorf("heard %d", queue) }))

	require.NoError(t, b.store.Notify(b.ctx, []int64{7}))
	require.EqualValues(t, 7, <-heard, "the first thing it hears is no probe")
	stop()
	<-ended
}
