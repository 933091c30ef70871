package faults

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/model"
)

// line is one line of a ledger, the file outside the database into which every
// actor writes what it was answered. The instants are the database's, in
// microseconds.
type line struct {
	// Kind is "try" and then "sent" or "refused" (nothing may be stored), or
	// nothing (unknown); "lease"; "archived", an answer that was true; "bad", an
	// error that has no place here.
	Kind    string          `json:"kind"`
	By      string          `json:"by"`
	N       int             `json:"n,omitempty"`
	Count   int             `json:"count,omitempty"`
	IDs     []int64         `json:"ids,omitempty"`
	Worker  int64           `json:"worker,omitempty"`
	ReadCt  int32           `json:"read_ct,omitempty"`
	At      int64           `json:"at,omitempty"`
	VT      int64           `json:"vt,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
	Keep    bool            `json:"keep,omitempty"` // VT is not the lease's end
	Text    string          `json:"text,omitempty"`
}

// history is what the ledger says of one message.
type history struct {
	label    label
	leases   []line
	archived []line
	answered bool
}

// ledger is a ledger as it was read, and what the store holds in the end.
type ledger struct {
	t        *testing.T
	messages map[int64]*history
	fate     map[label]string // "try", "sent" or "refused"
	lines    int
	reused   int // ids of messages that vanished, given again
	problems []string
}

func (l *ledger) problem(format string, args ...any) {
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

func (l *ledger) history(id int64) *history {
	if l.messages[id] == nil {
		l.messages[id] = &history{}
	}
	return l.messages[id]
}

// readLedger reads the file. A kill may cut nothing, because a line is one write.
func readLedger(t *testing.T, path string) *ledger {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	l := &ledger{t: t, messages: map[int64]*history{}, fate: map[label]string{}}
	for _, raw := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		var n line
		require.NoError(t, json.Unmarshal(raw, &n), "%s", raw)
		l.lines++
		l.take(n)
	}
	return l
}

func (l *ledger) take(n line) {
	switch n.Kind {
	case "try", "refused":
		for i := range n.Count {
			l.fate[label{n.By, n.N + i}] = n.Kind
		}
	case "sent":
		for i, id := range n.IDs {
			is := label{n.By, n.N + i}
			h := l.successor(id, is)
			if h.answered {
				l.problem("id %d was answered to %v and to %v", id, h.label, is)
			}
			h.answered, h.label = true, is
			l.fate[is] = n.Kind
		}
	case "lease":
		var is label
		h := l.history(n.IDs[0])
		if json.Unmarshal(n.Payload, &is) == nil {
			h = l.successor(n.IDs[0], is)
		}
		h.leases = append(h.leases, n)
		l.see(n.IDs[0], h, n.Payload)
		for _, a := range h.archived {
			if n.ReadCt > a.ReadCt {
				l.problem("message %d was leased again, as number %d, after its archive was answered", n.IDs[0], n.ReadCt)
			}
		}
	case "archived":
		h := l.history(n.IDs[0])
		h.archived = append(h.archived, n)
	default:
		l.problem("%s ended: %s", n.By, n.Text)
	}
}

// successor is the history of an id for a message. One that was leased, never
// answered and is another message now has vanished with its server, and its id
// was given again.
func (l *ledger) successor(id int64, is label) *history {
	h := l.history(id)
	if h.label != (label{}) && h.label != is && !h.answered && len(h.archived) == 0 {
		l.reused++
		*h = history{}
	}
	return h
}

// see compares a payload with what the message is known to be.
func (l *ledger) see(id int64, h *history, payload []byte) {
	var is label
	if err := json.Unmarshal(payload, &is); err != nil {
		l.problem("message %d has payload %q", id, payload)
		return
	}
	if h.label != (label{}) && h.label != is {
		l.problem("message %d is %v here and %v there", id, h.label, is)
	}
	h.label = is
}

// counts is what a run was made of.
type counts struct {
	tried, answered, leases, redelivered, archived, dead int
	unanswered                                           int           // stored, without an answer
	vanished                                             int           // leased, never answered, and not on the standby
	reused                                               int           // their ids, if they were given again
	latest                                               time.Duration // redelivery after the lease's end
}

// compare holds the ledger against the archive, once the queue is empty. Lost is
// how many claims may have been forgotten: those of a killed server, whose claims
// commit asynchronously.
//
// After a failover a message may have been leased and be nowhere, and its id be
// given again: one whose producer died or was cut off at its commit, before the
// standby had it. Nobody was told that it is stored, and claims do not wait for a
// standby.
func (l *ledger) compare(archive map[int64]model.Message, limit int32, lost int, downs []outage, failedOver bool) counts {
	l.t.Helper()
	c := counts{tried: len(l.fate), reused: l.reused}
	if l.reused > 0 && !failedOver {
		l.problem("%d ids were given twice", l.reused)
	}
	stored := map[label]int64{}
	for id, row := range archive {
		h := l.history(id)
		l.see(id, h, row.Payload)
		if other, twice := stored[h.label]; twice {
			l.problem("%v is stored twice, as %d and %d", h.label, other, id)
		}
		stored[h.label] = id
		switch l.fate[h.label] {
		case "":
			l.problem("message %d is %v, which nobody sent", id, h.label)
		case "refused":
			l.problem("message %d is %v, whose enqueue failed and was said to be safe to repeat", id, h.label)
		case "try":
			c.unanswered++
		}
	}
	for _, id := range slices.Sorted(maps.Keys(l.messages)) {
		h := l.messages[id]
		row, kept := archive[id]
		c.leases += len(h.leases)
		c.redelivered += max(len(h.leases)-1, 0)
		if h.answered {
			c.answered++
		}
		switch {
		case !kept && h.answered:
			l.problem("message %d is lost: it was answered to %v", id, h.label)
			continue
		case !kept && failedOver && len(h.archived) == 0:
			c.vanished++
			continue
		case !kept:
			l.problem("message %d was leased and is nowhere", id)
			continue
		case len(h.archived) > 1:
			l.problem("message %d was archived %d times", id, len(h.archived))
		case len(h.archived) == 1 && row.DeadReason != "":
			l.problem("message %d was archived and is a dead letter", id)
		case len(h.archived) == 1 && row.ConsumerWorkerID != h.archived[0].Worker:
			l.problem("message %d was archived by worker %d, the archive says %d", id, h.archived[0].Worker, row.ConsumerWorkerID)
		case row.DeadReason != "" && row.ReadCt != limit:
			l.problem("message %d died after %d leases, the limit is %d", id, row.ReadCt, limit)
		}
		if len(h.leases) > int(limit)+lost {
			l.problem("message %d was leased %d times, the limit is %d", id, len(h.leases), limit)
		}
		if row.DeadReason != "" {
			c.dead++
		} else {
			c.archived++
		}
		c.latest = max(c.latest, l.late(id, h, downs))
	}
	return c
}

// late is the longest time between the end of a lease and the next one, apart
// from those in which the server was not there.
func (l *ledger) late(id int64, h *history, downs []outage) (latest time.Duration) {
	slices.SortStableFunc(h.leases, func(a, b line) int { return cmp.Compare(a.At, b.At) })
	for i := 1; i < len(h.leases); i++ {
		from, to := h.leases[i-1].VT, h.leases[i].At
		if h.leases[i-1].Keep {
			continue // it was extended, who knows until when
		}
		// A claim that a killed server forgot was never a lease.
		if forgot := within(downs, time.UnixMicro(h.leases[i-1].At), time.UnixMicro(to)); to < from && !forgot {
			l.problem("message %d was leased to worker %d %v before the lease of worker %d ended", id,
				h.leases[i].Worker, time.Duration(from-to)*time.Microsecond, h.leases[i-1].Worker)
		}
		// A gap in the count is a lease whose consumer was killed before it could say so.
		seen := h.leases[i].ReadCt == h.leases[i-1].ReadCt+1
		if seen && !within(downs, time.UnixMicro(from), time.UnixMicro(to)) {
			latest = max(latest, time.Duration(to-from)*time.Microsecond)
		}
	}
	return latest
}

// within reports whether the server was away at some time between two instants,
// or only just back.
func within(downs []outage, from, to time.Time) bool {
	return slices.ContainsFunc(downs, func(o outage) bool {
		return o.from.Before(to) && o.to.Add(2*time.Second).After(from)
	})
}

// report prints the first problems and fails for them.
func (l *ledger) report() {
	l.t.Helper()
	for i, p := range l.problems {
		if i == 20 {
			l.t.Errorf("and %d more problems", len(l.problems)-i)
			return
		}
		l.t.Error(p)
	}
}
