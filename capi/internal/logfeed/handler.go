package logfeed

import (
	"context"
	"log/slog"
)

// handler writes lines as JSON into its feed, if somebody there listens.
type handler struct {
	slog.Handler // makes the documents
	feed         *Feed
}

func newHandler(f *Feed) slog.Handler {
	options := &slog.HandlerOptions{Level: slog.Level(-1 << 30), ReplaceAttr: rename} // Enabled decides
	return handler{slog.NewJSONHandler(f, options).WithGroup("attributes"), f}
}

// Enabled implements slog.Handler.
func (h handler) Enabled(_ context.Context, level slog.Level) bool {
	return int64(level) >= h.feed.lowest.Load()
}

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	h.feed.mu.Lock()
	defer h.feed.mu.Unlock()
	h.feed.level = r.Level
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs), h.feed}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.Handler.WithGroup(name), h.feed}
}

// rename gives the parts of a line the names and units of the ABI.
func rename(groups []string, a slog.Attr) slog.Attr {
	switch {
	case len(groups) == 0 && a.Key == slog.MessageKey:
		a.Key = "message"
	case len(groups) == 0 && a.Key == slog.LevelKey:
		level, _ := a.Value.Any().(slog.Level)
		a.Value = slog.StringValue(name(level))
	case a.Value.Kind() == slog.KindTime:
		a.Value = slog.Int64Value(a.Value.Time().UnixMicro())
	case a.Value.Kind() == slog.KindDuration:
		a.Value = slog.Int64Value(a.Value.Duration().Milliseconds())
	}
	return a
}

// name is the level a line is said to have: that of slog next below its own.
func name(level slog.Level) string {
	switch {
	case level < slog.LevelInfo:
		return "debug"
	case level < slog.LevelWarn:
		return "info"
	case level < slog.LevelError:
		return "warn"
	}
	return "error"
}
