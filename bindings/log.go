package bindings

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// A line is one the library logged.
type line struct {
	Time       time.Time      `json:"time"`
	Level      string         `json:"level"`
	Message    string         `json:"message"`
	Attributes map[string]any `json:"attributes"`
	Dropped    int64          `json:"dropped"`
}

// levels are those of the library, from the lowest.
var levels = []struct {
	name   string
	number int32
	level  slog.Level
}{
	{"debug", cLogDebug, slog.LevelDebug},
	{"info", cLogInfo, slog.LevelInfo},
	{"warn", cLogWarn, slog.LevelWarn},
	{"error", cLogError, slog.LevelError},
}

// ForwardLog hands what the library logs to a handler, for example
// slog.Default().Handler(), until stop is called: what goes wrong where no call
// fails, in every store of the process, whichever language opened it. The attribute
// "store" says which. Without it nothing is logged.
//
// The level is the lowest that the handler is enabled for now. A handler that does
// not keep up loses lines, never holds the library up, and the next line has the
// attribute "dropped". stop returns when the handler has been called for the last
// time, so the handler must not call it. Errors: Config, when the library cannot be loaded, and Closed.
func ForwardLog(to slog.Handler) (stop func(), err error) {
	l, err := loaded()
	if err != nil {
		return nil, err
	}
	p, err := newPump(l)
	if err != nil {
		return nil, err
	}
	ctx, over := context.Background(), make(chan struct{})
	from := lowest(ctx, to)
	// On the goroutine of the pump, which has nothing else to do.
	told := func(c cCompletion) {
		last := c.flags&cCqeMore == 0
		c, err := p.judge(c)
		if line, err := take(object{pump: p}, c, err, readRecord[line]); err == nil {
			line.tell(ctx, to)
		}
		if last {
			close(over)
		}
	}
	op, err := p.start(told, func(queue cHandle, userData uint64, op, failure *cHandle) int32 {
		return l.logSubscribe(from, queue, userData, op, failure)
	})
	if err != nil {
		p.close()
		return nil, err
	}
	return sync.OnceFunc(func() {
		l.opCancel(op)
		<-over
		p.close()
	}), nil
}

// lowest is the lowest level a handler wants.
func lowest(ctx context.Context, h slog.Handler) int32 {
	for _, l := range levels {
		if h.Enabled(ctx, l.level) {
			return l.number
		}
	}
	return cLogError
}

func (l line) tell(ctx context.Context, to slog.Handler) {
	level := slog.LevelError
	for _, known := range levels {
		if known.name == l.Level {
			level = known.level
		}
	}
	if !to.Enabled(ctx, level) {
		return
	}
	record := slog.NewRecord(l.Time, level, l.Message, 0)
	for _, name := range slices.Sorted(maps.Keys(l.Attributes)) {
		record.AddAttrs(slog.Any(name, l.Attributes[name]))
	}
	if l.Dropped > 0 {
		record.AddAttrs(slog.Int64("dropped", l.Dropped))
	}
	_ = to.Handle(ctx, record) // there is no log to tell it to
}
