package conformance

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cases are the rules that take more than one goroutine, or a context.
var cases = map[string]func(bundle){
	"concurrent_consumers_get_each_message_once": eachOnce,
	"a_cancelled_dequeue_leaves_no_lease":        cancelledDequeue,
	"a_deadline_is_a_timeout":                    deadline,
	"a_cancel_beside_an_arrival_loses_nothing":   cancelBesideArrival,
	"an_enqueue_wakes_a_waiting_dequeue":         wakes,
	"closing_the_store_ends_what_waits":          closing,
	"large_integers_are_exact":                   exact,
}

func eachOnce(b bundle) {
	const messages, consumers = 400, 8
	b.queue("tasks")
	producer := b.worker("Producer", "tasks")
	var mu sync.Mutex
	stored := map[int64]int{}
	var wg sync.WaitGroup
	for i := range messages {
		wg.Go(func() {
			id, err := get[int64](b.ctx, producer, "Enqueue", i)
			assert.NoError(b, err)
			mu.Lock()
			stored[id]++
			mu.Unlock()
		})
	}
	wg.Wait()
	require.Len(b, stored, messages)
	for range consumers {
		consumer := b.worker("Consumer", "tasks")
		wg.Go(func() {
			for {
				got, err := get[[]message](b.ctx, consumer, "Dequeue", dequeueOptions{Batch: 7, Lease: time.Minute})
				if !assert.NoError(b, err) || len(got) == 0 {
					return
				}
				for _, m := range got {
					done, err := get[bool](b.ctx, consumer, "Archive", m.ID)
					assert.NoError(b, err)
					assert.True(b, done)
					mu.Lock()
					stored[m.ID]++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for id, times := range stored {
		require.Equal(b, 2, times, "message %d: stored once and leased once", id)
	}
}

// waiting starts a dequeue that waits for ever, and returns what it came to.
func (b bundle) waiting(ctx context.Context, consumer any) <-chan outcome {
	answer := make(chan outcome, 1)
	go func() {
		got, err := get[[]message](ctx, consumer, "Dequeue", dequeueOptions{Wait: -1, Lease: time.Minute})
		answer <- outcome{got, err}
	}()
	return answer
}

type outcome struct {
	got []message
	err error
}

func cancelledDequeue(b bundle) {
	b.queue("tasks")
	producer, first, second := b.worker("Producer", "tasks"), b.worker("Consumer", "tasks"), b.worker("Consumer", "tasks")
	ctx, cancel := context.WithCancel(b.ctx)
	answer := b.waiting(ctx, first)
	cancel()
	require.Equal(b, "CANCELLED", b.Status((<-answer).err))

	id := b.enqueue(producer, 1)
	got, err := get[[]message](b.ctx, second, "Dequeue", dequeueOptions{Wait: Patience})
	require.NoError(b, err)
	require.Len(b, got, 1)
	require.Equal(b, message{ID: id, Payload: got[0].Payload, ReadCt: 1}, got[0])

	_, err = get[[]message](ctx, first, "Dequeue", dequeueOptions{})
	require.Equal(b, "CANCELLED", b.Status(err), "before it begins")
}

func deadline(b bundle) {
	b.queue("tasks")
	consumer := b.worker("Consumer", "tasks")
	// The call has to wait when the deadline comes: of a claim that is on its way then,
	// the outcome is unknown. So the consumer is there before, and the claim has time.
	ctx, cancel := context.WithTimeout(b.ctx, 500*time.Millisecond)
	defer cancel()
	answer := <-b.waiting(ctx, consumer)
	require.Equal(b, "TIMEOUT", b.Status(answer.err), "%v", answer.err)
	require.Empty(b, answer.got)
}

// cancelBesideArrival cancels a waiting dequeue while a message arrives. Either the
// caller has the message, or somebody else can have it at once.
func cancelBesideArrival(b bundle) {
	b.queue("tasks")
	producer, consumer := b.worker("Producer", "tasks"), b.worker("Consumer", "tasks")
	for range 20 {
		ctx, cancel := context.WithCancel(b.ctx)
		answer := b.waiting(ctx, consumer)
		id := b.enqueue(producer, 1)
		cancel()
		got := (<-answer).got
		if len(got) == 0 {
			var err error
			got, err = get[[]message](b.ctx, consumer, "Dequeue", dequeueOptions{Wait: 20 * time.Second})
			require.NoError(b, err)
		}
		require.Len(b, got, 1)
		require.Equal(b, id, got[0].ID)
		done, err := get[bool](b.ctx, consumer, "Delete", id)
		require.NoError(b, err)
		require.True(b, done)
	}
}

func wakes(b bundle) {
	b.queue("tasks")
	answer := b.waiting(b.ctx, b.worker("Consumer", "tasks"))
	id := b.enqueue(b.worker("Producer", "tasks"), json.RawMessage(`"wake"`))
	woken := <-answer
	require.NoError(b, woken.err)
	require.Len(b, woken.got, 1)
	require.Equal(b, id, woken.got[0].ID)
	require.Equal(b, `"wake"`, string(woken.got[0].Payload))
}

func closing(b bundle) {
	b.queue("tasks")
	consumer := b.worker("Consumer", "tasks")
	answer := b.waiting(b.ctx, consumer)
	require.NoError(b, call(b.ctx, b.store, "Close", nil))
	require.Equal(b, "CLOSED", b.Status((<-answer).err))
	_, err := get[[]message](b.ctx, consumer, "Dequeue", dequeueOptions{})
	require.Equal(b, "CLOSED", b.Status(err))
	require.NoError(b, call(b.ctx, b.store, "Close", nil), "a second time")
}

func exact(b bundle) {
	b.queue("tasks")
	producer, consumer := b.worker("Producer", "tasks"), b.worker("Consumer", "tasks")
	numbers := []string{"9007199254740993", "-9223372036854775808", "18446744073709551615"}
	for _, n := range numbers {
		b.enqueue(producer, json.RawMessage(n))
	}
	got, err := get[[]message](b.ctx, consumer, "Dequeue", dequeueOptions{Batch: len(numbers)})
	require.NoError(b, err)
	var have []string
	for _, m := range got {
		have = append(have, string(m.Payload))
	}
	require.True(b, slices.Equal(numbers, have), "%v", have)
}
