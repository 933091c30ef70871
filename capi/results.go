package main

import (
	"context"

	"github.com/pgqrs/pgqrs/capi/internal/call"
	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/cmem"
	"github.com/pgqrs/pgqrs/capi/internal/guard"
	"github.com/pgqrs/pgqrs/capi/internal/handle"
	"github.com/pgqrs/pgqrs/core"
	"github.com/pgqrs/pgqrs/core/model"
)

// form says how a result is read.
type form uint8

const (
	ids form = iota
	messages
	outcomes
	document
	lost
)

// result is the data a call came to, in C memory.
type result struct {
	form   form
	memory *cmem.Block
	list   cmem.List // of ids, messages, outcomes and tokens
	text   cmem.Text // the document

	refused  []error       // of ids: why an item was not stored; nil when all were
	leased   []model.Token // what nobody handles if the result is discarded
	consumer *core.Consumer

	freed func() // of a line of the log: the reader has let go of it; nil otherwise
}

// Freed implements handle.Freer.
func (r *result) Freed() {
	r.memory.Free()
	if r.freed != nil {
		r.freed()
	}
}

// Discard implements call.Discarder: the leases are given back as if they had
// never been taken.
func (r *result) Discard() {
	if len(r.leased) == 0 || guard.IsPoisoned() {
		return
	}
	lib.Background(func(ctx context.Context) {
		_, _ = r.consumer.ReleaseMany(ctx, r.leased, core.ReleaseOptions{Unread: true}) // or they expire
	})
}

func reply(r *result) call.Reply { return call.Reply{Kind: handle.Result, Value: r} }

func idsReply(list []int64, err error) (call.Reply, error) { return eachReply(list, nil, err) }

// eachReply is an idsReply that may hold an error in the place of an id.
func eachReply(list []int64, errs []error, err error) (call.Reply, error) {
	if err != nil {
		return call.Nothing, err
	}
	if firstError(errs...) == nil {
		return numbersReply(ids, list)
	}
	if len(list) == 1 {
		return call.Nothing, errs[0]
	}
	memory, view, err := cmem.Numbers(list)
	return reply(&result{form: ids, memory: memory, list: view, refused: errs}), err
}

func outcomesReply(took []bool, err error) (call.Reply, error) {
	if err != nil {
		return call.Nothing, err
	}
	list := make([]cerr.Status, len(took))
	for i, effective := range took {
		if !effective {
			list[i] = cerr.LeaseLost
		}
	}
	return numbersReply(outcomes, list)
}

// numbersReply is a result that is a list of numbers, and short when it has one.
func numbersReply[N ~int64 | ~int32](as form, list []N) (call.Reply, error) {
	r := reply(nil)
	made := func() (any, error) {
		memory, view, err := cmem.Numbers(list)
		return &result{form: as, memory: memory, list: view}, err
	}
	if len(list) == 1 {
		r.Short = &call.Short{Number: int64(list[0]), Make: made}
		return r, nil
	}
	var err error
	r.Value, err = made()
	return r, err
}

func messagesReply(list []*model.Message, err error) (call.Reply, error) {
	if err != nil {
		return call.Nothing, err
	}
	memory, view, err := cmem.Messages(list)
	return reply(&result{form: messages, memory: memory, list: view}), err
}

// pageReply is a messagesReply of what a table call has read.
func pageReply(list []model.Message, err error) (call.Reply, error) {
	pointers := make([]*model.Message, len(list))
	for i := range list {
		pointers[i] = &list[i]
	}
	return messagesReply(pointers, err)
}

func messageReply(m model.Message, err error) (call.Reply, error) {
	return messagesReply([]*model.Message{&m}, err)
}

// leasedReply is a messagesReply whose messages are given back when it is
// discarded.
func leasedReply(c *core.Consumer, list []*core.Message, err error) (call.Reply, error) {
	plain := make([]*model.Message, len(list))
	tokens := make([]model.Token, len(list))
	for i, m := range list {
		plain[i] = m.Message
		tokens[i] = model.Token{ID: m.ID, ReadCt: m.ReadCt}
	}
	r, err := messagesReply(plain, err)
	if found, is := r.Value.(*result); is {
		found.leased, found.consumer = tokens, c
		if err != nil { // there is no room to tell of what was leased
			found.Discard()
		}
	}
	return r, err
}

func tokensReply(list []model.Token) (call.Reply, error) {
	memory, view, err := cmem.Tokens(list)
	return reply(&result{form: lost, memory: memory, list: view}), err
}

func jsonReply(text string) (call.Reply, error) { return lineReply(text, nil) }

// lineReply is a jsonReply that tells when its reader has let go of it.
func lineReply(text string, freed func()) (call.Reply, error) {
	memory, texts, err := cmem.Texts(text)
	if err != nil {
		return call.Nothing, err
	}
	return reply(&result{form: document, memory: memory, text: texts[0], freed: freed}), nil
}

// removed answers the removal of one thing.
func removed(err error) (call.Reply, error) {
	if err != nil {
		return call.Nothing, err
	}
	return jsonReply(`{"count":1}`)
}

// done answers a call without a result.
func done(err error) (call.Reply, error) { return call.Nothing, err }
