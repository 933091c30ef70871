package faults

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core"
)

// failoverHost is a name that only the file of a test knows.
const failoverHost = "primary.pgqrs.test"

// TestDNSChange gives the host of a DSN another address, as a managed service does
// at a failover, and breaks the connections to the old one. The store must go on
// there. The process lives in a mount namespace of its own, where another file lies
// over /etc/hosts: this test has a resolver of its own, and the machine keeps its.
func TestDNSChange(t *testing.T) {
	if !full() {
		t.Skip("skipped in a short run: it waits for the resolver, which reads its file every five seconds (make test/faults)")
	}
	if out, err := exec.Command("unshare", "--mount", "true").CombinedOutput(); err != nil {
		t.Skipf("skipped: this process may not have a mount namespace of its own: %v %s", err, out)
	}
	s := startServer(t, "listen_addresses=127.0.0.2,127.0.0.3,127.0.0.1")
	dsn, err := url.Parse(s.dsn)
	require.NoError(t, err)
	allow(t, s.dsn)
	hosts := filepath.Join(t.TempDir(), "hosts")
	require.NoError(t, writeHosts(hosts, "127.0.0.2"))

	j := job{Role: "dns", DSN: "postgresql://postgres@" + net.JoinHostPort(failoverHost, dsn.Port()) +
		"/postgres?pgqrs_connection_timeout_seconds=5&application_name=under-test", Ledger: hosts, Name: s.dsn}
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	plain := j.command(ctx, t)
	inside := exec.CommandContext(ctx, "unshare", "--mount", "--propagation", "private", "sh", "-c",
		`mount --bind "$1" /etc/hosts && exec "$0"`, plain.Path, hosts)
	inside.Env = plain.Env
	out, err := inside.CombinedOutput()
	t.Logf("%s", strings.TrimSpace(string(out)))
	require.NoError(t, err)
}

// allow lets connections from every address of the loopback in.
func allow(t *testing.T, dsn string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	var file string
	require.NoError(t, conn.QueryRow(t.Context(), "show hba_file").Scan(&file))
	hba, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = hba.WriteString("host all all 127.0.0.0/8 trust\n")
	require.NoError(t, err)
	require.NoError(t, hba.Close())
	_, err = conn.Exec(t.Context(), "select pg_reload_conf()")
	require.NoError(t, err)
}

// writeHosts writes what the name leads to, into the file that is there.
func writeHosts(hosts, address string) error {
	return os.WriteFile(hosts, fmt.Appendf(nil, "127.0.0.1 localhost\n%s %s\n", address, failoverHost), 0o644)
}

// dnsJob enqueues and dequeues, has the name changed and its connections ended, and
// looks where the next ones lead.
func dnsJob(j job) error {
	ctx := context.Background()
	dsn, err := url.Parse(j.DSN)
	if err != nil {
		return err
	}
	store, p, c, err := openTasks(ctx, j.DSN)
	if err != nil {
		return err
	}
	stored := 0
	for round, address := range []string{"127.0.0.2", "127.0.0.3", "127.0.0.2"} {
		if err := writeHosts(j.Ledger, address); err != nil {
			return err
		}
		if round > 0 {
			// The resolver of Go reads a changed file again after five seconds.
			time.Sleep(5500 * time.Millisecond)
			if err := endConnections(ctx, j.Name); err != nil {
				return err
			}
		}
		began := time.Now()
		failed := 0
		for _, err = p.Enqueue(ctx, round); err != nil; _, err = p.Enqueue(ctx, round) {
			if failed++; time.Since(began) > recovery {
				return fmt.Errorf("the store does not go on at %s: %w", address, err)
			}
		}
		stored++
		messages, err := c.Dequeue(ctx, core.DequeueOptions{Wait: recovery})
		if err != nil || len(messages) != 1 {
			return fmt.Errorf("a dequeue at %s: %d messages, %w", address, len(messages), err)
		}
		if took, err := messages[0].Archive(ctx); err != nil || !took {
			return fmt.Errorf("an archive at %s: %v, %w", address, took, err)
		}
		reached, err := reachedAt(dsn.Port())
		if err != nil {
			return err
		}
		fmt.Printf("%s resolves to %s: connections to %v, work went on after %v and %d errors\n",
			failoverHost, address, reached, time.Since(began).Round(time.Millisecond), failed)
		if len(reached) != 1 || reached[0] != address {
			return fmt.Errorf("connections lead to %v, not to %s", reached, address)
		}
	}
	kept, err := store.Admin().CountArchived(ctx, core.Filter{})
	if err != nil {
		return err
	}
	if int(kept) != stored {
		return fmt.Errorf("%d messages were answered, %d are archived", stored, kept)
	}
	return store.Close(ctx)
}

// endConnections ends what the store holds open, as the end of the old primary does.
func endConnections(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'under-test'")
	return err
}

// reachedAt lists the addresses with this port that connections of this machine lead
// to, other than the one that the test itself uses.
func reachedAt(port string) ([]string, error) {
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	table, err := os.ReadFile("/proc/self/net/tcp")
	if err != nil {
		return nil, err
	}
	var found []string
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line) // number, local address, remote address, state, …
		address, is := strings.CutSuffix(fields[2], fmt.Sprintf(":%04X", number))
		raw, err := hex.DecodeString(address)
		if !is || err != nil || len(raw) != net.IPv4len || fields[3] != "01" { // established
			continue
		}
		slices.Reverse(raw) // the kernel writes a number of this machine
		if text := net.IP(raw).String(); text != "127.0.0.1" && !slices.Contains(found, text) {
			found = append(found, text)
		}
	}
	return found, nil
}
