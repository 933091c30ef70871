package sqlite

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// countingVFS is the driver's file system with a counter of its syncs, a switch that
// makes them fail, and what each file held when it was synced last.
type countingVFS struct {
	vfs.VFSFilename
	syncs   atomic.Int64
	failing atomic.Bool

	mu   sync.Mutex
	disk map[string][]byte // by path
}

type countingFile struct {
	vfs.FileSharedMemory
	owner *countingVFS
	path  string
}

func (v *countingVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := v.VFSFilename.OpenFilename(name, flags)
	if shared, ok := f.(vfs.FileSharedMemory); ok && err == nil {
		f = &countingFile{shared, v, name.String()}
	}
	return f, flags, err
}

func (f *countingFile) Sync(flags vfs.SyncFlag) error {
	f.owner.syncs.Add(1)
	if f.owner.failing.Load() {
		return context.DeadlineExceeded // any error: SQLite makes SQLITE_IOERR of it
	}
	if err := f.FileSharedMemory.Sync(flags); err != nil {
		return err
	}
	content, err := os.ReadFile(f.path)
	f.owner.mu.Lock()
	defer f.owner.mu.Unlock()
	f.owner.disk[f.path] = content
	return err
}

// losePower returns the messages that a store finds in the files as a loss of power
// would leave them, without what was not synced.
func (v *countingVFS) losePower(t *testing.T, b *bundle) []model.Message {
	t.Helper()
	v.mu.Lock()
	disk := maps.Clone(v.disk)
	v.mu.Unlock()
	to := t.TempDir()
	for path, content := range disk {
		if _, err := os.Stat(path); err != nil {
			continue // the journal from before the mode was WAL
		}
		require.NoError(t, os.WriteFile(filepath.Join(to, filepath.Base(path)), content, 0o600))
	}
	after := open(t, Config{Path: filepath.Join(to, filepath.Base(b.path))})
	messages, err := after.ListMessages(b.ctx, engine.Filter{QueueID: b.queue.ID}, model.Page{Limit: 100})
	require.NoError(t, err)
	return messages
}

func setupCounting(t *testing.T) (*bundle, *countingVFS) {
	v := &countingVFS{VFSFilename: vfs.Find("").(vfs.VFSFilename), disk: map[string][]byte{}}
	name := "counting-" + strings.ReplaceAll(t.Name(), "/", "-")
	vfs.Register(name, v)
	t.Cleanup(func() { vfs.Unregister(name) })
	b := setup(t, Config{vfs: name})
	b.enqueue(1, 0)
	b.claim(1)
	return b, v
}

func TestOneSyncPerCommit(t *testing.T) {
	b, v := setupCounting(t)
	before := v.syncs.Load()
	for range 20 {
		b.enqueue(1, 0)
	}
	b.enqueue(100, 0)
	tokens := b.claim(50)
	_, err := b.store.Finish(b.ctx, engine.FinishArchive, tokens)
	require.NoError(t, err)
	require.EqualValues(t, 22, v.syncs.Load()-before, "all but the claim's")

	before = v.syncs.Load()
	require.NotEmpty(t, b.claim(500))
	require.Empty(t, b.claim(500), "a claim that changes nothing")
	_, err = b.store.Sweep(b.ctx, 0)
	require.NoError(t, err)
	require.Equal(t, before, v.syncs.Load(), "a lease need not last, and the others write nothing")
}

func TestALossOfPowerUndoesALeaseAtMost(t *testing.T) {
	b, v := setupCounting(t)
	first := b.enqueue(1, 0)[0]
	token := b.claim(1)
	require.Equal(t, first, token[0].ID)
	lost := v.losePower(t, b)
	require.Len(t, lost, 2)
	require.Zero(t, lost[1].ReadCt, "delivered again")

	second := b.enqueue(1, 0)[0]
	kept := v.losePower(t, b)
	require.Len(t, kept, 3, "what was enqueued behind the claim")
	require.EqualValues(t, 1, kept[1].ReadCt, "and with it the lease")

	_, err := b.store.Finish(b.ctx, engine.FinishArchive, token)
	require.NoError(t, err)
	b.claim(1)
	kept = v.losePower(t, b)
	require.Len(t, kept, 2, "an acknowledgement lasts")
	require.Equal(t, second, kept[1].ID)
}

func TestAClaimThatSharesATransactionIsSyncedWithIt(t *testing.T) {
	b, v := setupCounting(t)
	id := b.enqueue(1, 0)[0]
	before := v.syncs.Load()
	for _, err := range b.share(2, func(i int) error {
		if i == 0 {
			_, err := engine.ClaimOne(b.ctx, b.store, engine.Claim{QueueID: b.queue.ID, WorkerID: b.worker, Limit: 1, Lease: time.Minute})
			return err
		}
		_, err := b.store.Enqueue(b.ctx, b.queue.ID, []model.NewMessage{{Payload: payload}})
		return err
	}) {
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, v.syncs.Load()-before)
	kept := v.losePower(t, b)
	require.Len(t, kept, 3)
	require.Equal(t, id, kept[1].ID)
	require.EqualValues(t, 1, kept[1].ReadCt)
}

func TestAFailedSyncLeavesTheOutcomeUnknown(t *testing.T) {
	b, v := setupCounting(t)
	v.failing.Store(true)
	_, err := b.store.Enqueue(b.ctx, b.queue.ID, []model.NewMessage{{Payload: payload}})
	require.False(t, fault.SafeToRetry(fails(t, fault.OutcomeUnknown, "SQLITE_IOERR", err)))
	v.failing.Store(false)
	b.enqueue(1, 0)
}
