package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// job is what an actor, a process of its own, is to do until it is killed. The
// Python actor, actor.py, reads the same.
type job struct {
	Role   string `json:"role"`
	DSN    string `json:"dsn"`
	Queue  string `json:"queue"`
	Ledger string `json:"ledger"`
	Name   string `json:"name"` // nobody else's
	Seed   uint64 `json:"seed"`
	LockMS int64  `json:"lock_ms"`
	// PauseMS is about how long a producer rests between two calls.
	PauseMS int64 `json:"pause_ms"`
	// Keep: leases are kept alive in the background.
	Keep bool `json:"keep"`
	// Keys is how many dedup keys are enqueued.
	Keys int `json:"keys"`
}

// How an actor behaves, in messages a call.
const (
	longestSent  = 4
	longestTaken = 8
	abandoned    = 15 // of a hundred messages are never acknowledged
)

// label is the payload of a message: who sent it, and which it was.
type label struct {
	Who string `json:"who"`
	N   int    `json:"n"`
}

// actor is one process.
type actor struct {
	job
	ctx    context.Context
	rand   *rand.Rand
	ledger *os.File
	store  *core.Store
}

func runJob(text string) error {
	a := &actor{ctx: context.Background()}
	if err := json.Unmarshal([]byte(text), &a.job); err != nil {
		return err
	}
	switch a.Role {
	case "diskfull":
		return diskFullJob(a.job)
	case "install":
		return installJob(a.job)
	case "descriptors":
		return descriptorsJob(a.job)
	case "keyed":
		return keyedJob(a.job)
	case "dns":
		return dnsJob(a.job)
	}
	a.rand = rand.New(rand.NewPCG(a.Seed, 1))
	var err error
	if a.ledger, err = os.OpenFile(a.Ledger, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600); err != nil {
		return err
	}
	play := map[string]func() error{"produce": a.produce, "consume": a.consume}[a.Role]
	if play == nil {
		return fmt.Errorf("no role %q", a.Role)
	}
	// Whatever passes by itself is waited for, as a service would.
	for {
		err := a.open()
		if err == nil {
			err = play()
		}
		if !a.passes(err) {
			a.say(line{Kind: "bad", Text: err.Error()})
			return err
		}
	}
}

// open opens the store once; it lives through the restarts of a server.
func (a *actor) open() (err error) {
	if a.store == nil {
		a.store, err = core.Open(a.ctx, a.DSN)
	}
	return err
}

// passes reports whether an error is one that an actor may meet in this
// laboratory, and gives it time to pass.
func (a *actor) passes(err error) bool {
	if !fault.IsTransient(err) {
		return false
	}
	time.Sleep(10 * time.Millisecond)
	return true
}

// say writes one line with one call, so that a kill leaves all of it or nothing.
func (a *actor) say(l line) {
	l.By = a.Name
	text, _ := json.Marshal(l) // numbers and texts cannot fail
	if _, err := a.ledger.Write(append(text, '\n')); err != nil {
		panic(err)
	}
}

func (a *actor) produce() error {
	p, err := a.store.Producer(a.ctx, a.Queue, core.WorkerOptions{})
	if err != nil {
		return err
	}
	for n := 0; ; {
		payloads := make([]any, 1+a.rand.IntN(longestSent))
		for i := range payloads {
			payloads[i] = label{a.Name, n + i}
		}
		n += len(payloads)
		a.say(line{Kind: "try", N: n - len(payloads), Count: len(payloads)})
		ids, err := p.EnqueueBatch(a.ctx, payloads)
		switch {
		case err == nil:
			a.say(line{Kind: "sent", N: n - len(payloads), IDs: ids})
		case !a.passes(err):
			return err
		case fault.SafeToRetry(err):
			a.say(line{Kind: "refused", N: n - len(payloads), Count: len(payloads)})
		}
		if a.PauseMS > 0 {
			time.Sleep(time.Duration(a.rand.Int64N(2*a.PauseMS)) * time.Millisecond)
		}
	}
}

func (a *actor) consume() error {
	c, err := a.store.Consumer(a.ctx, a.Queue, core.WorkerOptions{})
	if err != nil {
		return err
	}
	lock := time.Duration(a.LockMS) * time.Millisecond
	for {
		messages, err := c.Dequeue(a.ctx, core.DequeueOptions{
			Batch: 1 + a.rand.IntN(longestTaken), Lease: lock, Wait: time.Second, AutoExtend: a.Keep,
		})
		if err != nil {
			if !a.passes(err) {
				return err
			}
			continue
		}
		for _, m := range messages {
			a.say(line{
				Kind: "lease", IDs: []int64{m.ID}, Worker: c.ID(), ReadCt: m.ReadCt,
				At: m.VT.Add(-lock).UnixMicro(), VT: m.VT.UnixMicro(), Payload: m.Payload, Keep: a.Keep,
			})
		}
		var tokens []model.Token
		for _, m := range messages {
			if a.Keep || a.rand.IntN(100) >= abandoned { // the others expire
				tokens = append(tokens, model.Token{ID: m.ID, ReadCt: m.ReadCt})
			}
		}
		if err := a.archive(c, tokens); err != nil {
			return err
		}
	}
}

// archive acknowledges until there is an answer: an archive may be repeated.
func (a *actor) archive(c *core.Consumer, tokens []model.Token) error {
	for {
		outcomes, err := c.ArchiveMany(a.ctx, tokens)
		if err == nil {
			for i, ok := range outcomes {
				if ok {
					a.say(line{Kind: "archived", IDs: []int64{tokens[i].ID}, Worker: c.ID(), ReadCt: tokens[i].ReadCt})
				}
			}
			return nil
		}
		if !a.passes(err) {
			return err
		}
	}
}

// openTasks opens a new store with the queue "tasks", a producer and a consumer.
func openTasks(ctx context.Context, dsn string) (*core.Store, *core.Producer, *core.Consumer, error) {
	store, err := core.Open(ctx, dsn, core.WithBootstrap())
	if err != nil {
		return nil, nil, nil, err
	}
	_, err = store.Admin().CreateQueue(ctx, "tasks", 100)
	if err != nil {
		return nil, nil, nil, err
	}
	p, err := store.Producer(ctx, "tasks", core.WorkerOptions{})
	if err != nil {
		return nil, nil, nil, err
	}
	c, err := store.Consumer(ctx, "tasks", core.WorkerOptions{})
	return store, p, c, err
}
