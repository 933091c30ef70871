package faults

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSoak mixes everything for PGQRS_SOAK_MINUTES: producers and consumers come,
// go and are killed, the server is killed and restarted and, half-way, replaced by
// its standby. It ends in the ledger check, and in how much the processes that
// lived through all of it have grown.
func TestSoak(t *testing.T) {
	text := os.Getenv("PGQRS_SOAK_MINUTES")
	if text == "" {
		t.Skip("skipped: it takes minutes (make soak, MINUTES=60 for longer)")
	}
	minutes, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err, "PGQRS_SOAK_MINUTES")
	during := time.Duration(minutes * float64(time.Minute))
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		runKills(t, killPlan{dsn: "sqlite:///" + filepath.Join(t.TempDir(), "queue.db"), until: during, keep: true, residents: true})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		s := startServer(t, "wal_level=replica", "hot_standby=on")
		second := s.standby()
		configure(t, s.dsn, "alter system set synchronous_standby_names = 'standby'", "select pg_reload_conf()")
		awaitSync(t, s.dsn)
		a, err := url.Parse(s.dsn)
		require.NoError(t, err)
		b, err := url.Parse(second)
		require.NoError(t, err)
		runKills(t, killPlan{
			dsn:    fmt.Sprintf("postgresql://postgres@%s,%s/postgres?target_session_attrs=read-write", a.Host, b.Host),
			server: s, servers: 1 << 30, until: during, keep: true, residents: true, failover: true,
		})
	})
}

// growth samples what processes take.
type growth struct {
	mu      sync.Mutex // guards samples
	samples map[string][]sample
	stop    chan struct{}
	group   sync.WaitGroup
}

type sample struct{ seconds, kilobytes, descriptors float64 }

// watch samples processes by their names until it is told to end.
func watch(pids map[string]int) *growth {
	g := &growth{samples: map[string][]sample{}, stop: make(chan struct{})}
	g.group.Go(func() {
		began := time.Now()
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-g.stop:
				return
			case <-ticker.C:
			}
			g.mu.Lock()
			for name, pid := range pids {
				if s, ok := look(pid); ok {
					s.seconds = time.Since(began).Seconds()
					g.samples[name] = append(g.samples[name], s)
				}
			}
			g.mu.Unlock()
		}
	})
	return g
}

func look(pid int) (s sample, ok bool) {
	directory := fmt.Sprintf("/proc/%d/", pid)
	entries, err := os.ReadDir(directory + "fd")
	if err != nil {
		return s, false
	}
	status, err := os.ReadFile(directory + "status")
	if err != nil {
		return s, false
	}
	s.descriptors = float64(len(entries))
	for line := range strings.Lines(string(status)) {
		if _, err := fmt.Sscanf(line, "RssAnon: %f kB", &s.kilobytes); err == nil {
			return s, true
		}
	}
	return s, false
}

// report prints the slopes of the second half of the time, when caches are
// filled, and fails for growth that would go on.
func (g *growth) report(t *testing.T) {
	t.Helper()
	close(g.stop)
	g.group.Wait()
	for name, all := range g.samples {
		half := all[len(all)/2:]
		if len(half) < 10 {
			t.Logf("%s: too short a time for slopes", name)
			continue
		}
		memory := slope(half, func(s sample) float64 { return s.kilobytes })
		descriptors := slope(half, func(s sample) float64 { return s.descriptors })
		last := half[len(half)-1]
		t.Logf("%s: %.0f kB of memory, %+.1f kB a minute; %.0f descriptors, %+.2f a minute", name, last.kilobytes, memory*60, last.descriptors, descriptors*60)
		minutes := (last.seconds - half[0].seconds) / 60
		require.Less(t, memory*60*minutes, 32_000.0, "the memory of %s grows", name)
		require.Less(t, descriptors*60*minutes, 15.0, "the descriptors of %s grow", name)
	}
}

// slope is the growth a second, by least squares.
func slope(list []sample, of func(sample) float64) float64 {
	var n, sx, sy, sxx, sxy float64
	for _, s := range list {
		y := of(s)
		n++
		sx += s.seconds
		sy += y
		sxx += s.seconds * s.seconds
		sxy += s.seconds * y
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}
