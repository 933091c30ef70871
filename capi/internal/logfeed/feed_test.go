package logfeed

import (
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reader is a follower that remembers what it got.
type reader struct {
	mu    sync.Mutex // guards the rest
	lines []string
	read  []func()
	stop  func()
}

func (r *reader) each(document string, read func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, document)
	r.read = append(r.read, read)
}

// follow starts a reader.
func follow(t *testing.T, f *Feed, level slog.Level) *reader {
	t.Helper()
	r := &reader{}
	r.stop = f.Follow(level, r.each)
	t.Cleanup(r.stop)
	return r
}

func TestALineIsOneDocument(t *testing.T) {
	t.Parallel()
	f := New()
	r := follow(t, f, slog.LevelDebug)
	log := f.Logger().With("store", "sqlite:///jobs.db")
	log.Warn("it \"failed\"", "error", errors.New("no\nluck"), "queue", "a\xffb", "waited", 1500*time.Millisecond,
		"at", time.UnixMicro(42), slog.Group("more", "n", 7))
	log.Error("worse", "error", nil)
	f.Logger().LogAttrs(t.Context(), slog.LevelInfo+1, "between")
	require.Len(t, r.lines, 3)
	const time = `"time":[0-9]{16}`
	require.Regexp(t, `^\{`+time+`,"level":"warn","message":"it \\"failed\\"","attributes":\{"store":"sqlite:///jobs.db",`+
		`"error":"no\\nluck","queue":"a\\ufffdb","waited":1500,"at":42,"more":\{"n":7\}\},"dropped":0\}$`, r.lines[0])
	require.Regexp(t, `"level":"error".*"error":null\},"dropped":0\}$`, r.lines[1])
	require.Regexp(t, `^\{`+time+`,"level":"info","message":"between","dropped":0\}$`, r.lines[2])
}

func TestNobodyListens(t *testing.T) { // not parallel: it counts allocations
	f := New()
	log := f.Logger().With("store", "x").WithGroup("g")
	require.False(t, log.Enabled(t.Context(), slog.LevelError))
	allocated := testing.AllocsPerRun(100, func() { log.Warn("nobody hears this", "error", t) })
	require.Zero(t, allocated)

	r := follow(t, f, slog.LevelWarn)
	require.True(t, log.Enabled(t.Context(), slog.LevelWarn))
	require.False(t, log.Enabled(t.Context(), slog.LevelInfo))
	all := follow(t, f, slog.LevelDebug)
	log.Debug("for one of them")
	log.Warn("for both")
	require.Len(t, r.lines, 1)
	require.Len(t, all.lines, 2)

	all.stop()
	require.False(t, log.Enabled(t.Context(), slog.LevelInfo))
	r.stop()
	require.False(t, log.Enabled(t.Context(), slog.LevelError))
	log.Error("too late")
	require.Len(t, r.lines, 1)
}

func TestAFollowerThatDoesNotReadLosesLines(t *testing.T) {
	t.Parallel()
	f := New()
	r, other := follow(t, f, slog.LevelInfo), follow(t, f, slog.LevelInfo)
	for i := range MaxUnread + 3 {
		f.Logger().Info(strconv.Itoa(i))
		other.read[i]()
	}
	require.Len(t, r.lines, MaxUnread)
	require.Len(t, other.lines, MaxUnread+3, "one that reads is none the worse")
	r.read[17]()
	f.Logger().Info("there is room")
	f.Logger().Info("and none again")
	require.Len(t, r.lines, MaxUnread+1)
	require.Contains(t, r.lines[MaxUnread], `"message":"there is room","dropped":3}`)
	r.read[0]()
	f.Logger().Info("room")
	require.Contains(t, r.lines[MaxUnread+1], `"dropped":1}`)
	require.Contains(t, other.lines[len(other.lines)-1], `"dropped":0}`)
}

func TestLinesOfManyGoroutines(t *testing.T) {
	t.Parallel()
	f := New()
	a, b := follow(t, f, slog.LevelDebug), follow(t, f, slog.LevelDebug)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				f.Logger().With("n", 1).Info("line", "m", 2)
			}
		})
		all.Go(func() { follow(t, f, slog.LevelError).stop() })
	}
	all.Wait()
	require.Len(t, a.lines, 800)
	require.True(t, slices.Equal(a.lines, b.lines), "in one order")
}
