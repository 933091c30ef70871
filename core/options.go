package core

import (
	"log/slog"

	"github.com/pgqrs/pgqrs/core/spawn"
)

// Option changes how a store is opened.
type Option func(*options)

type options struct {
	log       *slog.Logger
	report    spawn.Report
	bootstrap bool
}

// WithLogger sends the store's log to log; by default it is discarded. Its lines name
// the store. The first open of a shared store decides.
func WithLogger(log *slog.Logger) Option { return func(o *options) { o.log = log } }

// WithReport receives panics of the store's goroutines instead of crashing the
// program. The first open of a shared store decides.
func WithReport(report spawn.Report) Option { return func(o *options) { o.report = report } }

// WithBootstrap installs the schema while opening.
func WithBootstrap() Option { return func(o *options) { o.bootstrap = true } }
