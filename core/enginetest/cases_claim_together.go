package enginetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// claimTogetherCases are claims of several workers in one transaction.
func claimTogetherCases() []testCase {
	return []testCase{
		{name: "each gets its own, the earlier claims first", run: func(b *bundle) {
			sent, other := b.fill(10), b.another()
			got := b.together(b.asks(b.consumer, 3, long), b.asks(other, 4, time.Hour), b.asks(b.consumer, 2, 2*time.Hour))
			require.Equal(b.t, sent[0:3], ids(got[0].Messages))
			require.Equal(b.t, sent[3:7], ids(got[1].Messages))
			require.Equal(b.t, sent[7:9], ids(got[2].Messages))
			for i, lease := range []time.Duration{long, time.Hour, 2 * time.Hour} {
				for _, m := range got[i].Messages {
					require.Equal(b.t, lease, m.VT.Sub(m.DequeuedAt))
					require.Equal(b.t, stored(m), b.message(m.ID), "the claim and a read must agree")
				}
				require.Negative(b.t, got[i].NextDue, "full answers know nothing of the rest")
			}
			require.Equal(b.t, other.ID, got[1].Messages[0].ConsumerWorkerID)
			require.Equal(b.t, b.consumer.ID, got[2].Messages[0].ConsumerWorkerID)
			require.Equal(b.t, trues(4), b.archive(tokens(got[1].Messages)...))
		}},
		{name: "those for whom nothing is left are told when to come again", run: func(b *bundle) {
			b.fill(3)
			b.send(model.NewMessage{Payload: []byte(`1`), Delay: time.Hour})
			other := b.another()
			got := b.together(b.asks(b.consumer, 2, long), b.asks(other, 2, long), b.asks(b.another(), 2, long))
			require.Len(b.t, got[0].Messages, 2)
			require.Len(b.t, got[1].Messages, 1)
			require.Empty(b.t, got[2].Messages)
			require.Negative(b.t, got[0].NextDue)
			b.due(got[1], long)
			b.due(got[2], long)
		}},
		{name: "behind a hint, too", run: func(b *bundle) {
			b.fill(2)
			b.take(1, long) // from now on a claim may begin behind it
			late := b.send(model.NewMessage{Payload: []byte(`1`), At: b.take(1, long)[0].PriorVT.Add(-time.Hour)})
			fresh := b.fill(2)
			got := b.together(b.asks(b.consumer, 1, long), b.asks(b.another(), 5, long))
			all := append(ids(got[0].Messages), ids(got[1].Messages)...)
			require.ElementsMatch(b.t, append(late, fresh...), all)
			require.Len(b.t, got[0].Messages, 1)
		}},
		{name: "who is content with some gets some, and nobody's are withheld", run: func(b *bundle) {
			b.fill(1)
			b.take(1, long) // from now on a claim may begin behind it
			late := b.send(model.NewMessage{Payload: []byte(`1`), At: time.Now().Add(-time.Hour)})
			fresh := b.fill(2)
			some := b.asks(b.consumer, 5, long)
			some.Some = true
			var all []int64
			for range 3 {
				got := ids(b.together(some)[0].Messages)
				all = append(all, got...)
				if len(got) == 0 {
					break
				}
			}
			require.ElementsMatch(b.t, append(late, fresh...), all, "none comes only where there is none")
			b.fill(3)
			got := b.together(some, b.asks(b.another(), 5, long))
			require.NotEmpty(b.t, got[0].Messages)
			require.Len(b.t, append(got[0].Messages, got[1].Messages...), 3)
		}},
		{name: "one that may take no messages is to blame, and nobody gets any", run: func(b *bundle) {
			b.fill(3)
			suspended := b.another()
			b.set(suspended.ID, model.WorkerSuspended)
			for worker, kind := range map[int64]fault.Kind{suspended.ID: fault.StateTransition, nowhere: fault.WorkerNotFound} {
				_, err := b.eng.Claim(b.ctx, []engine.Claim{
					b.asks(b.consumer, 1, long), {QueueID: b.queue.ID, WorkerID: worker, Limit: 1, Lease: long},
				})
				require.True(b.t, b.fails(kind, err).RowFault)
			}
			require.Len(b.t, b.take(3, long), 3)
		}},
		{name: "what is exhausted is buried for all of them", run: func(b *bundle) {
			b.limit(1)
			m, other := b.one(brief), b.another()
			b.eventually("the burial", func() bool {
				for _, answer := range b.together(b.asks(b.consumer, 1, long), b.asks(other, 1, long)) {
					require.Empty(b.t, answer.Messages)
				}
				_, err := b.eng.GetArchived(b.ctx, m.ID)
				return err == nil
			})
			require.NotEmpty(b.t, b.archived(m.ID).DeadReason)
		}},
		{name: "none asks nothing", run: func(b *bundle) {
			require.Empty(b.t, b.together())
		}},
	}
}

// asks is a claim of a worker on the bundle's queue.
func (b *bundle) asks(worker model.WorkerInfo, limit int, lease time.Duration) engine.Claim {
	return engine.Claim{QueueID: b.queue.ID, WorkerID: worker.ID, Limit: limit, Lease: lease}
}

func (b *bundle) together(claims ...engine.Claim) []engine.Claimed {
	b.t.Helper()
	answers, err := b.eng.Claim(b.ctx, claims)
	b.ok(err)
	require.Len(b.t, answers, len(claims))
	return answers
}
