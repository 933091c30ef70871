package bindings

import (
	"context"
	"encoding/json"
)

// Options say how a store is opened. The zero value is the default.
type Options struct {
	// Bootstrap installs the schema while opening.
	Bootstrap bool
	// Config are properties by name, as in a configuration file; they prevail over
	// the environment and over files.
	Config map[string]any
}

// Store is an open store. Close it.
type Store struct{ object }

// Open opens a store by DSN, for example "sqlite:///jobs.db" or
// "postgresql://user@host/database"; an empty DSN leaves it to PGQRS_DSN or a
// configuration file. Errors: Config, also when the library cannot be loaded,
// Connect, Schema.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	l, err := loaded()
	if err != nil {
		return nil, err
	}
	options := cStoreOptions{dsn: borrow(dsn)}
	options.structSize = sizeOf(options)
	if o.Bootstrap {
		options.flags = cStoreBootstrap
	}
	if o.Config != nil {
		document, err := json.Marshal(o.Config)
		if err != nil {
			return nil, &Error{Status: Config, Op: "open", Field: "Config", Text: "Config: " + err.Error(), safe: true}
		}
		options.config = borrow(document)
	}
	p, err := newPump(l)
	if err != nil {
		return nil, err
	}
	opened, err := p.open(ctx, func(queue cHandle, userData uint64, op, failure *cHandle) int32 {
		return l.storeOpen(&options, queue, userData, op, failure)
	})
	if err != nil {
		p.close()
		return nil, err
	}
	return &Store{opened}, nil
}

// Close ends the store and every producer and consumer opened through it: pending
// calls are flushed or answer Closed, leases held are released. ctx bounds the
// wait; the store is closed in any case. A second Close does nothing.
func (s *Store) Close(ctx context.Context) error {
	_, err := s.perform(ctx, false, s.target(s.lib.storeStop))
	if StatusOf(err) == Closed {
		err = nil
	}
	s.pump.close()
	s.lib.close(s.handle) // answers HANDLE the second time
	return err
}

// Install creates or upgrades the tables. It may be repeated, and run by several
// processes at once. Errors: Database (no right to), Schema (newer than this
// library).
func (s *Store) Install(ctx context.Context) error {
	return run(ctx, s.object, s.target(s.lib.storeInstall))
}

// Verify checks the tables; Schema names what is missing or altered.
func (s *Store) Verify(ctx context.Context) error {
	return run(ctx, s.object, s.target(s.lib.storeVerify))
}

// Uninstall drops the tables and every message in them.
func (s *Store) Uninstall(ctx context.Context) error {
	return run(ctx, s.object, s.target(s.lib.storeUninstall))
}

// Activity says how calls that were in flight together have shared transactions.
// It asks no database.
func (s *Store) Activity(ctx context.Context) (Activity, error) {
	return ask(ctx, s.object, readRecord[Activity], s.target(s.lib.storeActivity))
}

// Admin returns the administration of the store. It needs no closing.
func (s *Store) Admin() *Admin { return &Admin{s.object} }
