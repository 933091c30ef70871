package enginetest

import (
	"context"
	"time"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// produce enqueues batches, plain, delayed and back-dated, some of them with a
// context that ends half-way.
func (a *actor) produce(stop context.Context) error {
	for stop.Err() == nil {
		if a.ledger.outstanding() > tortureBacklog {
			a.pause(pollEvery)
			continue
		}
		batch, payloads := a.ledger.open(1 + a.rand.IntN(30))
		messages := make([]model.NewMessage, len(payloads))
		for i := range messages {
			messages[i] = model.NewMessage{Payload: payloads[i], Producer: a.b.producer.ID}
			switch {
			case a.chance(20):
				messages[i].Delay = a.between(0, 400*time.Millisecond)
			case a.chance(10):
				messages[i].At = time.Now().Add(-a.between(0, time.Minute))
			}
		}
		ctx, cancel := a.hasty(10)
		ids, err := a.eng.Enqueue(ctx, a.b.queue.ID, messages)
		cancel()
		switch a.verdict(err) {
		case done:
			a.ledger.close(batch, batchStored, ids)
		case undone:
			a.ledger.close(batch, batchRefused, nil)
		case unknown:
			a.ledger.close(batch, batchUnknown, nil)
		default:
			return err
		}
	}
	return nil
}

// use writes messages in transactions of its own, which it commits up to a
// second later, or rolls back.
func (a *actor) use(stop context.Context) error {
	for stop.Err() == nil {
		batch, payloads := a.ledger.open(1 + a.rand.IntN(20))
		ids, end, err := a.b.store.EnqueueTx(a.ctx, a.b.queue.ID, payloads)
		if err != nil {
			return err
		}
		a.pause(a.between(0, time.Second))
		commit := a.chance(60)
		if err := end(a.ctx, commit); err != nil {
			return err
		}
		if commit {
			a.ledger.close(batch, batchStored, ids)
		} else {
			a.ledger.close(batch, batchRefused, nil)
		}
	}
	return nil
}

// consume claims and then does with its leases whatever chance tells it.
func (a *actor) consume() error {
	worker, err := a.register()
	if err != nil {
		return err
	}
	for !a.over() {
		// Whole microseconds, as databases keep them: the ledger computes with it.
		lease := a.between(100*time.Millisecond, 500*time.Millisecond).Round(time.Microsecond)
		ctx, cancel := a.hasty(5)
		c, err := engine.ClaimOne(ctx, a.eng, engine.Claim{QueueID: a.b.queue.ID, WorkerID: worker, Limit: 1 + a.rand.IntN(40), Lease: lease})
		cancel()
		switch a.verdict(err) {
		case done:
		case undone:
			continue
		case unknown:
			a.ledger.cutClaim()
			continue
		default:
			return err
		}
		if len(c.Messages) == 0 {
			a.pause(min(max(c.NextDue, time.Millisecond), 20*time.Millisecond))
			continue
		}
		leases := a.ledger.leased(c.Messages, lease)
		if a.chance(2) { // this worker ends, with what it holds
			if err := a.retire(worker); err != nil {
				return err
			}
			worker, err = a.register()
		} else {
			err = a.treat(leases)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// register adds a worker, again and again while connections are cut.
func (a *actor) register() (int64, error) {
	for {
		w, err := a.eng.RegisterWorker(a.ctx, model.NewWorker{QueueID: a.b.queue.ID, Name: "consumer", Hostname: "torture"})
		if v := a.verdict(err); v == done || v == failed {
			return w.ID, err
		}
	}
}

// retire stops a worker. What it holds is let go, including leases of earlier
// claims that it forgot; those have no end that could be held against it.
func (a *actor) retire(worker int64) error {
	a.ledger.mu.Lock()
	for _, h := range a.ledger.messages {
		for _, lease := range h.leases {
			if lease.message.ConsumerWorkerID == worker {
				lease.ended = true
			}
		}
	}
	a.ledger.mu.Unlock()
	_, err := a.eng.StopWorkers(a.ctx, []int64{worker}, engine.AnyLease, a.chance(50))
	return a.unless(err)
}

// treat does one thing to the leases of a claim.
func (a *actor) treat(leases []*tortureLease) error {
	switch n := a.rand.IntN(100); {
	case n < 30:
		return a.finish(engine.FinishArchive, leases)
	case n < 40: // a part, and forget the rest
		return a.finish(engine.FinishArchive, leases[:a.rand.IntN(len(leases)+1)])
	case n < 50:
		return a.twice(leases)
	case n < 60:
		return a.finish(engine.FinishDelete, leases)
	case n < 68:
		return a.giveBack(leases, false)
	case n < 73:
		return a.giveBack(leases, true)
	case n < 83:
		if err := a.prolong(leases); err != nil {
			return err
		}
		return a.finish(engine.FinishArchive, leases)
	case n < 90: // forget
		return nil
	default: // act around the deadline; the local clock is only a guess at it
		a.pause(time.Until(leases[0].end) + a.between(-8*time.Millisecond, 8*time.Millisecond))
		switch a.rand.IntN(4) {
		case 0:
			return a.prolong(leases)
		case 1:
			return a.giveBack(leases, a.chance(30))
		default:
			return a.finish(engine.FinishArchive, leases)
		}
	}
}

func leaseTokens(leases []*tortureLease) []model.Token {
	list := make([]model.Token, len(leases))
	for i, lease := range leases {
		list[i] = token(lease.message)
	}
	return list
}

func (a *actor) finish(how engine.Finish, leases []*tortureLease) error {
	list := leaseTokens(leases)
	if a.chance(10) { // a repeated token must not count twice
		list = append(list, list...)
	}
	return a.send(a.eng, how, list)
}

// send acknowledges and records what is known of it.
func (a *actor) send(eng engine.Engine, how engine.Finish, list []model.Token) error {
	outcomes, err := eng.Finish(a.ctx, how, list)
	switch a.verdict(err) {
	case done:
		a.ledger.acknowledged(how, list, outcomes)
	case undone:
	case unknown:
		a.ledger.cutFinish(list)
	default:
		return err
	}
	return nil
}

// twice archives the same leases on two engines at once.
func (a *actor) twice(leases []*tortureLease) error {
	other := a.engines[a.rand.IntN(len(a.engines))]
	for _, err := range together(2, func(i int) error {
		return a.send([]engine.Engine{a.eng, other}[i], engine.FinishArchive, leaseTokens(leases))
	}) {
		if err != nil {
			return err
		}
	}
	return nil
}

// giveBack releases leases, now or later, or unread at their old place.
func (a *actor) giveBack(leases []*tortureLease, unread bool) error {
	releases := make([]engine.Release, len(leases))
	for i, lease := range leases {
		releases[i] = engine.Release{Token: token(lease.message), Unread: unread}
		switch {
		case unread:
			releases[i].At = lease.message.PriorVT
		case a.chance(50):
			releases[i].At = lease.at.Add(a.between(0, 300*time.Millisecond))
		}
	}
	outcomes, err := a.eng.Release(a.ctx, releases)
	switch a.verdict(err) {
	case done:
		a.ledger.letGo(leases, outcomes, unread)
		if a.chance(30) {
			return a.insist(leases, outcomes)
		}
	case undone:
	case unknown:
		a.ledger.cutRelease(leases, unread)
	default:
		return err
	}
	return nil
}

// insist archives with the tokens of leases that were given back, in vain.
func (a *actor) insist(leases []*tortureLease, released []bool) error {
	var list []model.Token
	for i, t := range leaseTokens(leases) {
		if released[i] {
			list = append(list, t)
		}
	}
	outcomes, err := a.eng.Finish(a.ctx, engine.FinishArchive, list)
	if err != nil {
		return a.unless(err)
	}
	a.ledger.refused(list, outcomes)
	return nil
}

// prolong extends leases and notes their new ends.
func (a *actor) prolong(leases []*tortureLease) error {
	extensions := make([]engine.Extension, len(leases))
	for i, lease := range leases {
		extensions[i] = engine.Extension{Token: token(lease.message), For: a.between(0, 400*time.Millisecond)}
	}
	outcomes, err := a.eng.Extend(a.ctx, extensions)
	if err != nil {
		return a.unless(err) // a longer lease that nobody knows of does no harm
	}
	for i, ok := range outcomes {
		if !ok {
			continue
		}
		m, err := a.eng.GetMessage(a.ctx, leases[i].message.ID)
		if fault.Is(err, fault.MessageNotFound) {
			continue
		}
		if err != nil {
			return a.unless(err)
		}
		if token(m) == token(leases[i].message) { // nobody took it over meanwhile
			a.ledger.extended(leases[i], m.VT)
		}
	}
	return nil
}
