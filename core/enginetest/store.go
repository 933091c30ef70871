package enginetest

import (
	"context"
	"testing"

	"github.com/pgqrs/pgqrs/core/engine"
)

// Store is one empty place to keep messages, not installed yet. Name and Open
// are required; cases that need another field that is zero are skipped.
type Store struct {
	// Name says what it is, for messages.
	Name string
	// Open returns a new engine on this store and closes it in the clean-up.
	Open func(tb testing.TB) engine.Engine
	// Spec is what Main's reopen needs to open this store in another process;
	// empty: no other process can.
	Spec string
	// Single says that only one engine can be open on this store, which ends with
	// it, as in ":memory:".
	Single bool
	// Exec runs SQL text against the store beside any engine, with unqualified
	// names meaning the store's tables.
	Exec func(ctx context.Context, sql string) error
	// Cut tears every connection that engines on this store have open, whatever
	// they are doing. New connections succeed.
	Cut func()
	// EnqueueTx writes messages in a transaction of its own that end commits or
	// rolls back. It must not keep other writers waiting.
	EnqueueTx func(ctx context.Context, queueID int64, payloads [][]byte) (ids []int64, end func(ctx context.Context, commit bool) error, err error)
}

// NewStore makes an empty store and removes it in the clean-up.
type NewStore func(tb testing.TB) Store

// Reopen opens the store with the given Spec in another process.
type Reopen func(ctx context.Context, spec string) (engine.Engine, error)
