package enginetest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

// ledger is what the torture test was answered, to compare with what is stored.
type ledger struct {
	mu       sync.Mutex
	messages map[int64]*history
	batches  []batch
	sent     int // messages whose enqueue was answered
	finished int // true answers to archive and delete
	// uncertain counts calls cut off at their commit. After a claim of that kind
	// there may be leases that nobody knows of.
	uncertain int
	unseen    bool // there was such a claim
	problems  []string
}

// batch is one call of a producer, or one transaction of a user.
type batch struct {
	size    int
	outcome batchOutcome
}

// batchOutcome is what a producer knows of one call.
type batchOutcome uint8

const (
	batchPending batchOutcome = iota
	batchStored               // answered, or the user's commit was
	batchRefused              // cancelled or rolled back: must not be there
	batchUnknown              // cut off at the commit: all of it or nothing
)

// label is the payload of a torture message.
type label struct {
	Batch int `json:"batch"`
	Index int `json:"index"`
}

// history is the life of one message as the answers told it.
type history struct {
	answered bool  // its producer was told its id
	label    label // as its producer or its first consumer saw it
	known    bool  // label is set
	leases   []*tortureLease
	archived []int64 // workers whose archive was true
	deleted  int     // deletions that were true
	maybe    bool    // an acknowledgement was cut off at its commit
}

// tortureLease is one answer of a claim. Instants are the database's.
type tortureLease struct {
	message model.Message
	at, end time.Time
	ended   bool // released, stopped or finished before its end
	unread  bool // given back unread: the receive count went back
	maybe   bool // giving it back unread was cut off at its commit
}

func newLedger() *ledger {
	return &ledger{messages: map[int64]*history{}}
}

func (l *ledger) problem(format string, args ...any) {
	if len(l.problems) < 20 { // the first ones tell the story
		l.problems = append(l.problems, fmt.Sprintf(format, args...))
	}
}

func (l *ledger) history(id int64) *history {
	h := l.messages[id]
	if h == nil {
		h = &history{}
		l.messages[id] = h
	}
	return h
}

// open starts a batch of n messages and returns its number and their payloads.
func (l *ledger) open(n int) (number int, payloads [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	number = len(l.batches)
	l.batches = append(l.batches, batch{size: n})
	for i := range n {
		payload, _ := json.Marshal(label{number, i}) // two numbers cannot fail
		payloads = append(payloads, payload)
	}
	return number, payloads
}

// close records the outcome of a batch, and its ids when it was stored.
func (l *ledger) close(batch int, outcome batchOutcome, ids []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.batches[batch].outcome = outcome
	for i, id := range ids {
		h := l.history(id)
		if h.answered {
			l.problem("id %d was answered twice", id)
		}
		h.answered = true
		l.see(id, h, label{batch, i})
	}
	l.sent += len(ids)
}

// see records what a message says that it is.
func (l *ledger) see(id int64, h *history, lab label) {
	if h.known && h.label != lab {
		l.problem("message %d is %+v here and %+v there", id, h.label, lab)
	}
	h.label, h.known = lab, true
}

// read is see for a payload as the store returned it.
func (l *ledger) read(m model.Message) *history {
	h := l.history(m.ID)
	var lab label
	if err := json.Unmarshal(m.Payload, &lab); err != nil || lab.Batch >= len(l.batches) {
		l.problem("message %d has payload %q", m.ID, m.Payload)
	} else {
		l.see(m.ID, h, lab)
	}
	return h
}

// outstanding is how many messages were stored and not finished yet.
func (l *ledger) outstanding() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent - l.finished
}

// leased records a claim's answer.
func (l *ledger) leased(messages []model.Message, lease time.Duration) []*tortureLease {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]*tortureLease, len(messages))
	for i, m := range messages {
		list[i] = &tortureLease{message: m, at: claimedAt(m, lease), end: m.VT}
		h := l.read(m)
		h.leases = append(h.leases, list[i])
	}
	return list
}

// acknowledged records the answers to archive or delete.
func (l *ledger) acknowledged(how engine.Finish, tokens []model.Token, outcomes []bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, ok := range outcomes {
		if !ok {
			continue
		}
		l.finished++
		h := l.history(tokens[i].ID)
		if how == engine.FinishDelete {
			h.deleted++
		} else {
			h.archived = append(h.archived, tokens[i].Worker)
		}
	}
}

// refused records answers that must all be false.
func (l *ledger) refused(tokens []model.Token, outcomes []bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, ok := range outcomes {
		if ok {
			l.problem("message %d was archived with the token of a lease that was given back", tokens[i].ID)
		}
	}
}

// letGo records leases that ended before their time.
func (l *ledger) letGo(leases []*tortureLease, outcomes []bool, unread bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, ok := range outcomes {
		if ok {
			leases[i].ended = true
			leases[i].unread = unread
		}
	}
}

// cutClaim, cutFinish and cutRelease record calls whose outcome is unknown.
func (l *ledger) cutClaim() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.uncertain++
	l.unseen = true
}

func (l *ledger) cutFinish(tokens []model.Token) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.uncertain++
	for _, t := range tokens {
		l.history(t.ID).maybe = true
	}
	l.finished += len(tokens) // only to keep producers going
}

func (l *ledger) cutRelease(leases []*tortureLease, unread bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.uncertain++
	for _, lease := range leases {
		lease.ended = true
		lease.maybe = unread
	}
}

// extended records the new end of a lease.
func (l *ledger) extended(lease *tortureLease, end time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if end.Before(lease.end) {
		l.problem("message %d: an extension moved the end from %v to %v", lease.message.ID, lease.end, end)
	}
	lease.end = end
}

// compare holds the ledger against the archive, once the queue is empty.
func (l *ledger) compare(archive map[int64]model.Message, maxReadCt int32) (dead int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, m := range archive {
		if l.messages[id] == nil && !l.unseen {
			l.problem("message %d is archived and nobody was told of it", id)
		}
		l.read(m)
	}
	stored := make([]int, len(l.batches))
	for id, h := range l.messages {
		row, kept := archive[id]
		l.compareOne(id, h, row, kept, maxReadCt)
		if kept && row.DeadReason != "" {
			dead++
		}
		stored[h.label.Batch]++
	}
	for n, batch := range l.batches {
		whole := stored[n] == batch.size
		switch batch.outcome {
		case batchStored:
			if !whole {
				l.problem("batch %d has %d messages, stored are %d", n, batch.size, stored[n])
			}
		case batchUnknown:
			if !whole && stored[n] != 0 {
				l.problem("of batch %d only %d of %d messages are stored", n, stored[n], batch.size)
			}
		default:
			if stored[n] != 0 {
				l.problem("batch %d was refused, and %d messages of it are stored", n, stored[n])
			}
		}
	}
	return dead
}

func (l *ledger) compareOne(id int64, h *history, row model.Message, kept bool, maxReadCt int32) {
	if !h.answered && l.batches[h.label.Batch].outcome == batchStored {
		l.problem("message %d is one that its producer was not told of", id)
	}
	switch acks := len(h.archived) + h.deleted; {
	case acks > 1:
		l.problem("message %d was acknowledged %d times", id, acks)
	case h.deleted == 1 && kept:
		l.problem("message %d was deleted and is archived", id)
	case h.deleted == 1:
	case acks == 0 && h.maybe && (!kept || row.DeadReason == ""): // the call that was cut off
	case !kept:
		l.problem("message %d is lost: %d leases, %d acknowledgements", id, len(h.leases), acks)
	case acks == 1 && row.DeadReason != "":
		l.problem("message %d was acknowledged and is a dead letter", id)
	case acks == 1 && row.ConsumerWorkerID != h.archived[0]:
		l.problem("message %d was archived by worker %d, the archive says %d", id, h.archived[0], row.ConsumerWorkerID)
	case acks == 0 && row.DeadReason == "":
		l.problem("message %d is archived and nobody was told so", id)
	case acks == 0 && row.ReadCt != maxReadCt:
		l.problem("message %d died after %d leases, the limit is %d", id, row.ReadCt, maxReadCt)
	}
	counted, slack := l.compareLeases(id, h, maxReadCt)
	if n := len(h.leases); kept && row.DeadReason != "" && n > 0 && !l.unseen {
		if last := h.leases[n-1]; !last.ended && row.ArchivedAt.Before(last.end) {
			l.problem("message %d died at %v while a lease lasted until %v", id, row.ArchivedAt, last.end)
		}
	}
	if kept && (row.ReadCt < counted-slack || row.ReadCt > counted && !l.unseen) {
		l.problem("message %d was leased %d times, its receive count is %d", id, counted, row.ReadCt)
	}
}

// compareLeases checks that leases follow each other: none begins before the
// one before it ended, and each counts one more. It returns the final count,
// and by how much it may be less.
func (l *ledger) compareLeases(id int64, h *history, maxReadCt int32) (counted, slack int32) {
	slices.SortStableFunc(h.leases, func(a, b *tortureLease) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.message.ReadCt, b.message.ReadCt))
	})
	var before *tortureLease
	for _, lease := range h.leases {
		readCt := lease.message.ReadCt
		if before != nil && !before.ended && lease.at.Before(before.end) {
			l.problem("message %d was leased at %v while a lease lasted until %v", id, lease.at, before.end)
		}
		if lease.at.Before(lease.message.PriorVT) {
			l.problem("message %d was leased at %v and not visible before %v", id, lease.at, lease.message.PriorVT)
		}
		if readCt < counted+1-slack || readCt > counted+1 && !l.unseen {
			l.problem("message %d: lease number %d has receive count %d", id, counted+1, readCt)
		}
		if readCt > maxReadCt {
			l.problem("message %d was leased for the %dth time, the limit is %d", id, readCt, maxReadCt)
		}
		counted, slack = readCt, 0
		if lease.unread {
			counted--
		}
		if lease.maybe {
			slack = 1
		}
		before = lease
	}
	return counted, slack
}
