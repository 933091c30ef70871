package sqlite

import (
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
)

// connections returns every connection of an idle engine.
func (b *bundle) connections() []*conn {
	all := []*conn{b.store.writer.conn}
	for range b.store.readerCount {
		c := <-b.store.readers
		all = append(all, c)
		b.store.readers <- c
	}
	return all
}

func (c *conn) text(t *testing.T, sql string) string {
	t.Helper()
	s, _, err := c.raw.Prepare(sql)
	require.NoError(t, err)
	defer s.Close()
	var rows []string
	for s.Step() {
		rows = append(rows, s.ColumnText(s.ColumnCount()-1))
	}
	require.NoError(t, s.Err())
	return strings.Join(rows, "\n")
}

func TestSettings(t *testing.T) {
	b := setup(t, Config{Readers: 2})
	all := b.connections()
	require.Len(t, all, 3)
	for _, c := range all {
		require.Equal(t, "wal", c.text(t, "PRAGMA journal_mode"))
		require.Equal(t, "2", c.text(t, "PRAGMA synchronous"), "FULL")
		require.Equal(t, "10000", c.text(t, "PRAGMA busy_timeout"))
	}
}

func TestEveryStatementPrepares(t *testing.T) {
	b := setup(t, Config{})
	for name := range catalog() {
		if _, err := b.store.writer.conn.prepared(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPlans names the index behind every statement that runs often or may meet
// a large table.
func TestPlans(t *testing.T) {
	b := setup(t, Config{})
	const byClaim, byConsumer = "USING INDEX pgqrs_messages_claim", "USING INDEX pgqrs_messages_consumer"
	for name, index := range map[string]string{
		"claim_due":            byClaim + " (queue_id=? AND vt<?)",
		"claim_next_due":       "USING COVERING INDEX pgqrs_messages_claim (queue_id=? AND vt>?)",
		"exhausted_of_queue":   byClaim + " (queue_id=? AND vt<?)",
		"exhausted_everywhere": byClaim + " (queue_id=? AND vt>? AND vt<?)",
		"queue_purge":          byClaim[len("USING "):] + " (queue_id=?)",
		"message_count_queue":  "COVERING INDEX pgqrs_messages_claim (queue_id=?)",
		"message_count_all":    "COVERING INDEX",
		"archived_count_all":   "COVERING INDEX",
		"worker_holds":         byConsumer, "worker_holds.one": byConsumer,
		"worker_leases": byConsumer, "worker_purge": byConsumer,
		"archived_page": "USING INTEGER PRIMARY KEY (rowid>?)", "archived_page_dead": "pgqrs_archive_dead (id>?)",
		"archived_prune": "USING INTEGER PRIMARY KEY (rowid=?)", "archived_count_dead": "pgqrs_archive_dead",
		"leases": "USING INTEGER PRIMARY KEY (rowid=?)", "leases.one": "USING INTEGER PRIMARY KEY (rowid=?)",
		"claim_lease": "USING INTEGER PRIMARY KEY (rowid=?)", "extend": "USING INTEGER PRIMARY KEY (rowid=?)",
		"archive": "USING INTEGER PRIMARY KEY (rowid=?)", "remove": "USING INTEGER PRIMARY KEY (rowid=?)",
		"release": "USING INTEGER PRIMARY KEY (rowid=?)",
	} {
		plan := b.store.writer.conn.text(t, "EXPLAIN QUERY PLAN "+catalog()[name])
		require.Contains(t, plan, index, name)
		require.NotContains(t, plan, "TEMP B-TREE FOR ORDER BY", name)
	}
}

// TestAClaimLooksAtWhatItTakes counts the driver's steps: they must not grow
// with what lies in front or behind, nor may the statement be planned anew.
func TestAClaimLooksAtWhatItTakes(t *testing.T) {
	b := setup(t, Config{})
	steps := func() int {
		s, err := b.store.writer.conn.prepared("claim_due")
		require.NoError(t, err)
		s.Status(sqlite3.STMTSTATUS_VM_STEP, true)
		require.Len(t, b.claim(10), 10)
		return s.Status(sqlite3.STMTSTATUS_VM_STEP, false)
	}
	b.enqueue(100, 0)
	few := steps()
	for range 100 { // delayed messages, older and so in front of the others
		b.enqueue(1000, time.Hour)
	}
	b.enqueue(20_000, 0)
	require.InDelta(t, few, steps(), float64(few)/4)

	for _, s := range b.store.writer.conn.statements {
		s.Status(sqlite3.STMTSTATUS_REPREPARE, true)
	}
	for n := range 50 {
		_, err := engine.ClaimOne(b.ctx, b.store, engine.Claim{QueueID: b.queue.ID, WorkerID: b.worker, Limit: n + 1, Lease: time.Minute})
		require.NoError(t, err)
	}
	for name, s := range b.store.writer.conn.statements {
		require.Zero(t, s.Status(sqlite3.STMTSTATUS_REPREPARE, false), name)
	}
}
