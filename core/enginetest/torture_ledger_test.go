package enginetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

// story is a ledger of one batch of one message, with the id 1, on a queue that
// allows two leases.
type story struct {
	*ledger
	archive map[int64]model.Message
	start   time.Time
}

func newStory() *story {
	s := &story{ledger: newLedger(), archive: map[int64]model.Message{}, start: time.Unix(1_000_000, 0).UTC()}
	s.open(1)
	s.close(0, batchStored, []int64{1})
	return s
}

func (s *story) message(id int64, readCt int32) model.Message {
	return model.Message{ID: id, Payload: []byte(`{"batch": 0, "index": 0}`), ReadCt: readCt, ConsumerWorkerID: 9}
}

// lease leases message 1 from a second after the start until another.
func (s *story) lease(readCt int32, from, to int) *tortureLease {
	m := s.message(1, readCt)
	m.VT = s.start.Add(time.Duration(to) * time.Second)
	return s.leased([]model.Message{m}, time.Duration(to-from)*time.Second)[0]
}

func (s *story) acknowledge(how engine.Finish) {
	s.acknowledged(how, []model.Token{{ID: 1, Worker: 9}}, []bool{true})
}

// keep puts message 1 into the archive, at a second after the start.
func (s *story) keep(readCt int32, reason string, at int) {
	m := s.message(1, readCt)
	m.DeadReason, m.ArchivedAt = reason, s.start.Add(time.Duration(at)*time.Second)
	s.archive[1] = m
}

func TestLedger(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tell    func(s *story)
		problem string // empty: the story is sound
	}{
		"archived": {func(s *story) {
			s.lease(1, 0, 5)
			s.acknowledge(engine.FinishArchive)
			s.keep(1, "", 1)
		}, ""},
		"deleted after a redelivery": {func(s *story) {
			s.lease(1, 0, 5)
			s.lease(2, 5, 9)
			s.acknowledge(engine.FinishDelete)
		}, ""},
		"dead at the limit": {func(s *story) {
			s.lease(1, 0, 5)
			s.lease(2, 6, 9)
			s.keep(2, "exhausted", 9)
		}, ""},
		"unread and leased again": {func(s *story) {
			s.letGo([]*tortureLease{s.lease(1, 0, 5)}, []bool{true}, true)
			s.lease(1, 1, 5)
			s.acknowledge(engine.FinishArchive)
			s.keep(1, "", 1)
		}, ""},
		"lost": {func(s *story) { s.lease(1, 0, 5) }, "lost"},
		"acknowledged twice": {func(s *story) {
			s.lease(1, 0, 5)
			s.acknowledge(engine.FinishArchive)
			s.acknowledge(engine.FinishDelete)
			s.keep(1, "", 1)
		}, "acknowledged 2 times"},
		"deleted and kept": {func(s *story) {
			s.lease(1, 0, 5)
			s.acknowledge(engine.FinishDelete)
			s.keep(1, "", 1)
		}, "deleted and is archived"},
		"archived for nobody": {func(s *story) {
			s.lease(1, 0, 5)
			s.keep(1, "", 1)
		}, "nobody was told so"},
		"acknowledged and dead": {func(s *story) {
			s.lease(1, 0, 5)
			s.lease(2, 5, 9)
			s.acknowledge(engine.FinishArchive)
			s.keep(2, "exhausted", 9)
		}, "is a dead letter"},
		"dead before the limit": {func(s *story) {
			s.lease(1, 0, 5)
			s.keep(1, "exhausted", 5)
		}, "died after 1 leases"},
		"dead during a lease": {func(s *story) {
			s.lease(1, 0, 5)
			s.lease(2, 5, 9)
			s.keep(2, "exhausted", 8)
		}, "while a lease lasted"},
		"leased twice at once": {func(s *story) {
			s.lease(1, 0, 5)
			s.lease(2, 4, 9)
			s.acknowledge(engine.FinishDelete)
		}, "while a lease lasted"},
		"leased before it was visible": {func(s *story) {
			s.lease(1, 0, 5).message.PriorVT = s.start.Add(time.Second)
			s.acknowledge(engine.FinishDelete)
		}, "not visible before"},
		"leased without being counted": {func(s *story) {
			s.lease(1, 0, 5)
			s.lease(1, 5, 9)
			s.acknowledge(engine.FinishDelete)
		}, "has receive count 1"},
		"leased too often": {func(s *story) {
			for n := range 3 {
				s.lease(int32(n+1), 5*n, 5*n+5)
			}
			s.acknowledge(engine.FinishDelete)
		}, "the limit is 2"},
		"a receive count that nobody saw": {func(s *story) {
			s.lease(1, 0, 5)
			s.acknowledge(engine.FinishArchive)
			s.keep(2, "", 1)
		}, "its receive count is 2"},
		"an extension that shortened": {func(s *story) {
			lease := s.lease(1, 0, 5)
			s.extended(lease, s.start)
			s.acknowledge(engine.FinishDelete)
		}, "moved the end"},
		"a refused batch that is stored": {func(s *story) {
			s.batches[0].outcome = batchRefused
			s.lease(1, 0, 5)
			s.acknowledge(engine.FinishDelete)
		}, "was refused"},
		"half a batch of unknown outcome": {func(s *story) {
			s.batches[0] = batch{size: 2, outcome: batchUnknown}
			s.lease(1, 0, 5)
			s.acknowledge(engine.FinishDelete)
		}, "only 1 of 2"},
		"a message stored twice": {func(s *story) {
			s.lease(1, 0, 5)
			s.acknowledge(engine.FinishDelete)
			s.archive[2] = s.message(2, 2)
		}, "message 2 is archived and nobody was told of it"},
		"an acknowledgement of unknown outcome": {func(s *story) {
			s.lease(1, 0, 5)
			s.cutFinish([]model.Token{{ID: 1}})
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory()
			c.tell(s)
			s.compare(s.archive, 2)
			if c.problem == "" {
				require.Empty(t, s.problems)
			} else {
				require.Contains(t, fmt.Sprint(s.problems), c.problem)
			}
		})
	}
}
