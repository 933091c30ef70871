package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// TestDedupKeysAcrossCuts repeats every enqueue until it is answered, while the
// connections are cut again and again, many of them in the middle of a commit, and
// while a second store enqueues the same keys. Every error must be safe to retry,
// and every key must come to one message, whose id everybody was answered.
func TestDedupKeysAcrossCuts(t *testing.T) {
	r := seeded(t)
	dsn := testdb.Postgres(t)
	wire := testdb.NewProxy(t, dsn)
	through := wire.DSN + "&pgqrs_schema=" + testdb.Schema(t, dsn)
	stores := []*core.Store{openKeyed(t, through), openKeyed(t, through+"&pgqrs_poll_interval_ms=251")}
	keys := scaled(1500, 5000)
	a := &answers{ids: map[int]map[int64]bool{}, errors: map[string]int{}, progress: make(chan struct{}, 1)}
	cuts, over := 0, make(chan struct{})
	var cutting, producing sync.WaitGroup
	cutting.Go(func() {
		for ; cuts < scaled(40, 1000); cuts++ {
			select {
			case <-over:
				return
			case <-a.progress: // so that there is some between any two cuts
			}
			time.Sleep(between(r, 0, 50*time.Millisecond))
			wire.Cut()
		}
	})
	for i := range 4 {
		producing.Go(func() {
			p, err := stores[i%2].Producer(t.Context(), "tasks", core.WorkerOptions{})
			for err != nil && fault.IsTransient(err) {
				p, err = stores[i%2].Producer(t.Context(), "tasks", core.WorkerOptions{})
			}
			if err != nil {
				a.note(err)
				return
			}
			a.enqueueAll(p, rand.New(rand.NewPCG(uint64(i), uint64(keys))), keys)
		})
	}
	producing.Wait()
	close(over)
	cutting.Wait()
	t.Logf("%d keys from 2 stores across %d cuts: %d calls, errors %v", keys, cuts, a.calls, a.errors)
	require.Empty(t, a.wrong)
	a.judge(t, stores[0], keys)
	require.NotZero(t, a.errors[fault.OutcomeUnknown.String()], "no cut has met a commit")
}

// TestDedupKeysOfProcesses kills processes that enqueue the same keys, until others
// have come to their end with them.
func TestDedupKeysOfProcesses(t *testing.T) {
	run := func(name, dsn string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := seeded(t)
			store := openKeyed(t, dsn)
			path := filepath.Join(t.TempDir(), "ledger")
			keys, kills := scaled(300, 3000), scaled(6, 60)
			work := job{Role: "keyed", DSN: dsn, Ledger: path, Keys: keys}
			for range kills {
				first, second := work.command(t.Context(), t), work.command(t.Context(), t)
				require.NoError(t, first.Start())
				require.NoError(t, second.Start())
				time.Sleep(between(r, 20*time.Millisecond, 200*time.Millisecond))
				_ = first.Process.Kill()
				_ = second.Process.Kill()
				_ = first.Wait()
				_ = second.Wait()
			}
			work.done(t, time.Minute)
			a := &answers{ids: map[int]map[int64]bool{}}
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			for answer := range strings.Lines(string(text)) {
				var key int
				var id int64
				_, err := fmt.Sscan(answer, &key, &id)
				require.NoError(t, err)
				a.take(key, id)
			}
			t.Logf("%d keys, %d processes killed: %d answers", keys, 2*kills, strings.Count(string(text), "\n"))
			a.judge(t, store, keys)
		})
	}
	dsn := testdb.Postgres(t)
	run("postgres", testdb.NewProxy(t, dsn).DSN+"&pgqrs_schema="+testdb.Schema(t, dsn))
	run("sqlite", "sqlite:///"+filepath.Join(t.TempDir(), "jobs.db"))
}

// keyedJob enqueues every key once and says what it was answered.
func keyedJob(j job) error {
	ctx := context.Background()
	out, err := os.OpenFile(j.Ledger, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	store, err := core.Open(ctx, j.DSN)
	if err != nil {
		return err
	}
	p, err := store.Producer(ctx, "tasks", core.WorkerOptions{})
	if err != nil {
		return err
	}
	for key := range j.Keys {
		id, err := p.EnqueueWith(ctx, key, core.EnqueueOptions{DedupKeys: []string{strconv.Itoa(key)}})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%d %d\n", key, id); err != nil {
			return err
		}
	}
	return store.Close(ctx)
}

func openKeyed(t *testing.T, dsn string) *core.Store {
	t.Helper()
	store, err := core.Open(t.Context(), dsn, core.WithBootstrap())
	require.NoError(t, err)
	t.Cleanup(func() { closeStore(store) })
	if _, err := store.Admin().CreateQueue(t.Context(), "tasks", 5); !fault.Is(err, fault.QueueExists) {
		require.NoError(t, err)
	}
	return store
}

// answers is the ledger of keyed enqueues.
type answers struct {
	progress chan struct{} // holds a token after a call that succeeded

	mu     sync.Mutex // guards everything below
	ids    map[int]map[int64]bool
	errors map[string]int
	calls  int
	wrong  []string
}

func (a *answers) take(key int, id int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ids[key] == nil {
		a.ids[key] = map[int64]bool{}
	}
	a.ids[key][id] = true
}

// note counts a call, and complains about an error that forbids its repetition.
func (a *answers) note(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls++
	switch {
	case err == nil:
		select {
		case a.progress <- struct{}{}:
		default:
		}
	case fault.IsTransient(err) && fault.SafeToRetry(err):
		a.errors[fault.KindOf(err).String()]++
	default:
		a.wrong = append(a.wrong, err.Error())
	}
}

// enqueueAll enqueues every key in some order, one or a few a call, each call until
// it is answered or something is wrong.
func (a *answers) enqueueAll(p *core.Producer, r *rand.Rand, keys int) {
	for order := r.Perm(keys); len(order) > 0; {
		now := order[:min(len(order), 1+r.IntN(4))]
		order = order[len(now):]
		for {
			ids, err := enqueueKeys(p, now)
			a.note(err)
			if err == nil {
				for i, id := range ids {
					a.take(now[i], id)
				}
				break
			}
			if !fault.SafeToRetry(err) {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
}

func enqueueKeys(p *core.Producer, keys []int) ([]int64, error) {
	documents, texts := make([][]byte, len(keys)), make([]string, len(keys))
	for i, key := range keys {
		texts[i] = strconv.Itoa(key)
		documents[i] = []byte(texts[i])
	}
	return p.EnqueueJSON(context.Background(), documents, core.EnqueueOptions{DedupKeys: texts})
}

// judge compares the answers with the messages, which it archives, and then with the
// answers to the same keys afterwards.
func (a *answers) judge(t *testing.T, store *core.Store, keys int) {
	t.Helper()
	stored, err := store.Admin().ListMessages(t.Context(), core.Filter{}, model.Page{Limit: 100_000})
	require.NoError(t, err)
	byKey := map[int]int64{}
	for _, m := range stored {
		var key int
		require.NoError(t, json.Unmarshal(m.Payload, &key))
		require.Zero(t, byKey[key], "key %d is stored twice", key)
		byKey[key] = m.ID
	}
	require.Len(t, byKey, keys)
	for key := range keys {
		require.Equal(t, map[int64]bool{byKey[key]: true}, a.ids[key], "key %d", key)
	}

	c, err := store.Consumer(t.Context(), "tasks", core.WorkerOptions{})
	require.NoError(t, err)
	messages, err := c.Dequeue(t.Context(), core.DequeueOptions{Batch: keys, Lease: time.Minute})
	require.NoError(t, err)
	require.Len(t, messages, keys)
	_, err = c.ArchiveMany(t.Context(), tokensOf(messages))
	require.NoError(t, err)
	p, err := store.Producer(t.Context(), "tasks", core.WorkerOptions{})
	require.NoError(t, err)
	all := make([]int, keys)
	for key := range all {
		all[key] = key
	}
	ids, err := enqueueKeys(p, all)
	require.NoError(t, err)
	for key, id := range ids {
		require.Equal(t, byKey[key], id, "key %d after its message was archived", key)
	}
}
