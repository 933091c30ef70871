package logfeed

import (
	"bytes"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
)

// MaxUnread is how many lines a follower may have got and not let go of.
const MaxUnread = 1024

// nobody is above every level.
const nobody = slog.Level(math.MaxInt)

// Feed is the log of a process. Make it with New.
type Feed struct {
	lowest atomic.Int64 // the level from which on somebody listens
	logger *slog.Logger

	mu        sync.Mutex // guards what follows, and keeps the lines of all in one order
	level     slog.Level // of the line that is being written
	followers map[*follower]struct{}
}

// follower is one who listens. The lock of the feed guards it, except unread.
type follower struct {
	level   slog.Level
	each    Each
	dropped int64        // since the last line it got
	unread  atomic.Int64 // lines it got and has not let go of
}

// Each takes one line, a JSON document that it may keep, and must not log or wait.
// read is to be called once, from anywhere, when the line is let go of.
type Each func(document string, read func())

// New returns a feed nobody follows.
func New() *Feed {
	f := &Feed{followers: map[*follower]struct{}{}}
	f.lowest.Store(int64(nobody))
	f.logger = slog.New(newHandler(f))
	return f
}

// Logger is where lines come from.
func (f *Feed) Logger() *slog.Logger { return f.logger }

// Follow hands out every line of a level or above until end is called; once that
// has returned, no line is handed out any more.
func (f *Feed) Follow(level slog.Level, each Each) (end func()) {
	who := &follower{level: level, each: each}
	f.change(func() { f.followers[who] = struct{}{} })
	return func() { f.change(func() { delete(f.followers, who) }) }
}

// change changes the followers, and what is worth logging with them.
func (f *Feed) change(how func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	how()
	lowest := nobody
	for who := range f.followers {
		lowest = min(lowest, who.level)
	}
	f.lowest.Store(int64(lowest))
}

// Write hands a line out. The handler calls it, with the lock held and the level of
// the line set.
func (f *Feed) Write(line []byte) (int, error) {
	for who := range f.followers {
		if f.level >= who.level {
			who.tell(line)
		}
	}
	return len(line), nil
}

func (w *follower) tell(line []byte) {
	if w.unread.Load() >= MaxUnread {
		w.dropped++
		return
	}
	w.unread.Add(1)
	// The line is an object and its newline, in a buffer of the handler.
	document := append(slices.Clip(bytes.TrimSuffix(line, []byte("}\n"))), `,"dropped":`...)
	document = append(strconv.AppendInt(document, w.dropped, 10), '}')
	w.dropped = 0
	w.each(string(document), func() { w.unread.Add(-1) })
}
