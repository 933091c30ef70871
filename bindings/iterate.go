package bindings

import (
	"context"
	"iter"
)

// Messages takes messages one after the other, waiting for each as long as it
// takes unless options say otherwise: with a Wait > 0 the loop ends when none came
// for so long. Meanwhile the consumer's status is polling.
//
// The loop ends when ctx does, after one last pair with the context's error, when
// the consumer is interrupted or suspended, with StateTransition, and by break.
// Messages of a batch that its body never saw are given back as they were.
func (c *Consumer) Messages(ctx context.Context, o DequeueOptions) iter.Seq2[*Message, error] {
	if o.Wait == 0 {
		o.Wait = -1
	}
	return func(yield func(*Message, error) bool) {
		if err := c.Poll(ctx, true); err != nil {
			yield(nil, err)
			return
		}
		defer c.Poll(context.WithoutCancel(ctx), false) //nolint:errcheck // the loop is over in any case
		for {
			batch, err := c.Dequeue(ctx, o)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(batch) == 0 && o.Wait > 0 {
				return
			}
			if !c.each(ctx, batch, yield) {
				return
			}
		}
	}
}

// each hands a batch out; what the body does not want goes back.
func (c *Consumer) each(ctx context.Context, batch []*Message, yield func(*Message, error) bool) bool {
	unseen := batch
	defer func() {
		var tokens []Token
		for _, m := range unseen {
			tokens = append(tokens, m.Token())
		}
		// Best effort: what cannot be given back comes back when its lease is over.
		_, _ = c.ReleaseMany(context.WithoutCancel(ctx), tokens, ReleaseOptions{Unread: true})
	}()
	for i, m := range batch {
		unseen = batch[i+1:]
		if !yield(m, nil) {
			return false
		}
	}
	return true
}

// Losses tells of leases that were kept alive (DequeueOptions.AutoExtend) and lost
// all the same: somebody else may have the message by now. It goes on until ctx or
// the consumer ends, and then says why.
func (c *Consumer) Losses(ctx context.Context) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		told := newStream()
		op, err := c.start(told.put, c.target(c.lib.consumerLosses))
		if err != nil {
			yield(Token{}, err)
			return
		}
		defer told.close(c.pump, op)
		for {
			done, ok := told.take(ctx)
			if !ok {
				yield(Token{}, ended(ctx))
				return
			}
			done, err := c.judge(done)
			tokens, err := take(c.object, done, err, readTokens)
			if err != nil {
				yield(Token{}, err)
				return
			}
			for _, t := range tokens {
				if !yield(t, nil) {
					return
				}
			}
		}
	}
}

// All goes through a listing page by page, for example
//
//	All(ctx, func(ctx context.Context, page Page) ([]Message, error) {
//		return admin.ListArchived(ctx, Filter{Queue: "tasks"}, page)
//	})
//
// Rows that come or go meanwhile may be seen twice or not at all.
func All[T any](ctx context.Context, list func(context.Context, Page) ([]T, error)) iter.Seq2[T, error] {
	const limit = 100
	return func(yield func(T, error) bool) {
		for page := (Page{Limit: limit}); ; page.Offset += limit {
			part, err := list(ctx, page)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, row := range part {
				if !yield(row, nil) {
					return
				}
			}
			if len(part) < limit {
				return
			}
		}
	}
}
