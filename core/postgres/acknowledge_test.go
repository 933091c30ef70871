package postgres

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/spawn"
)

func TestRounds(t *testing.T) {
	t.Parallel()
	tokens := []model.Token{
		{ID: 7, Worker: 1, ReadCt: 1},
		{ID: 3, Worker: 1, ReadCt: 1},
		{ID: 7, Worker: 2, ReadCt: 2},
		{ID: 3, Worker: 1, ReadCt: 1},
		{ID: 7, Worker: 1},
		{ID: 5, Worker: 1},
	}
	token := func(i int) model.Token { return tokens[i] }
	require.Equal(t, [][]int{{1, 5, 0}, {2}, {4}}, rounds(len(tokens), token))
	require.Empty(t, rounds(0, token))
}

// TestArchiveRace: two connections archive the same messages; each gets exactly
// one true, and none is archived twice or lost.
func TestArchiveRace(t *testing.T) {
	b := setup(t)
	const n = 200
	tokens := b.fill(n)
	var wins [n]int
	var mu sync.Mutex // guards wins
	race(b, 4, func(s *store, order []int) error {
		shuffled := make([]model.Token, n)
		for at, i := range order {
			shuffled[at] = tokens[i]
		}
		results, err := s.Finish(b.ctx, engine.FinishArchive, shuffled)
		mu.Lock()
		defer mu.Unlock()
		for at, ok := range results {
			if ok {
				wins[order[at]]++
			}
		}
		return err
	}, n, nil)
	for i, won := range wins {
		require.Equal(t, 1, won, "message %d", tokens[i].ID)
	}
	archived, err := b.store.CountArchived(b.ctx, engine.Filter{QueueID: b.queue.ID})
	require.NoError(t, err)
	require.EqualValues(t, n, archived)
}

// TestFlushesDoNotDeadlock: every acknowledgement takes its row locks in id
// order, whatever order its input has.
func TestFlushesDoNotDeadlock(t *testing.T) {
	b := setup(t)
	const n = 100
	tokens := b.fill(n)
	var repeated lockedBuffer // what the engines log when they lose a race
	logger := slog.New(slog.NewTextHandler(&repeated, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for range 10 {
		race(b, 4, func(s *store, order []int) error {
			extensions := make([]engine.Extension, n)
			for at, i := range order {
				extensions[at] = engine.Extension{Token: tokens[i], For: time.Hour}
			}
			results, err := s.Extend(b.ctx, extensions)
			require.NotContains(t, results, false)
			return err
		}, n, logger)
	}
	require.Empty(t, repeated.String())
}

// race runs f on several engines at once, each with the inputs in another order.
func race(b *bundle, racers int, f func(s *store, order []int) error, n int, logger *slog.Logger) {
	b.t.Helper()
	errs := make(chan error, racers)
	start := make(chan struct{})
	for range racers {
		s := b.open(Config{MaxConnections: 1, Logger: logger})
		order := rand.Perm(n)
		spawn.Go(nil, func() {
			<-start
			errs <- f(s, order)
		})
	}
	close(start)
	for range racers {
		require.NoError(b.t, <-errs)
	}
}

// lockedBuffer collects what several engines log.
type lockedBuffer struct {
	mu sync.Mutex // guards bytes.Buffer
	bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

// TestMixedTokensForOneMessage: stale, valid and loose tokens of one message in
// one call are judged one by one.
func TestMixedTokensForOneMessage(t *testing.T) {
	b := setup(t)
	valid := b.fill(1)[0]
	stale, foreign, loose := valid, valid, valid
	stale.ReadCt, foreign.Worker, loose.ReadCt = 9, b.consumer.ID+1, 0

	took, err := b.store.Extend(b.ctx, []engine.Extension{
		{Token: stale, For: 3 * time.Hour}, {Token: valid, For: time.Minute}, {Token: loose, For: 2 * time.Hour}, {Token: valid, For: time.Hour},
	})
	require.NoError(t, err)
	require.Equal(t, []bool{false, true, true, true}, took)
	m, err := b.store.GetMessage(b.ctx, valid.ID)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(2*time.Hour), m.VT, 5*time.Minute, "the longest of the valid extensions")

	took, err = b.store.Finish(b.ctx, engine.FinishArchive, []model.Token{stale, foreign, loose, valid, valid})
	require.NoError(t, err)
	require.Equal(t, []bool{false, false, true, false, false}, took)
}
