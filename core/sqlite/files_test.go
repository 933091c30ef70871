package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/fault"
)

func openError(t *testing.T, path string) error {
	t.Helper()
	eng, err := reopen(context.Background(), path)
	if err == nil {
		eng.Close()
	}
	require.Error(t, err)
	return err
}

func TestEveryFileIsPrivate(t *testing.T) {
	b := setup(t, Config{})
	b.enqueue(1, 0)
	files, err := os.ReadDir(filepath.Dir(b.path))
	require.NoError(t, err)
	require.Len(t, files, 5, "database, -wal, -shm, .lock, .wake")
	for _, f := range files {
		info, err := f.Info()
		require.NoError(t, err)
		require.Equal(t, "-rw-------", info.Mode().String(), f.Name())
	}
}

func TestFilesFollowTheModeOfAnExistingDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shared.db")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Chmod(path, 0o660))
	setup(t, Config{Path: path})
	for _, suffix := range []string{"", "-wal", "-shm", ".lock", ".wake"} {
		info, err := os.Stat(path + suffix)
		require.NoError(t, err)
		require.Equal(t, "-rw-rw----", info.Mode().String(), suffix)
	}
}

func TestAnyFileNameWorks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file:a b?mode=ro#%41&ü.db")
	setup(t, Config{Path: path}).enqueue(1, 0)
	require.FileExists(t, path)
}

func TestALinkLeadsToTheSameLock(t *testing.T) {
	b := setup(t, Config{})
	link := filepath.Join(t.TempDir(), "link.db")
	require.NoError(t, os.Symlink(b.path, link))
	require.Equal(t, b.store.at, open(t, Config{Path: link}).at)
}

func TestAMissingDirectoryIsNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	require.ErrorContains(t, fails(t, fault.Connect, "", openError(t, filepath.Join(dir, "a.db"))), dir)
}

func TestADirectoryIsNoDatabase(t *testing.T) {
	fails(t, fault.Connect, "", openError(t, t.TempDir()))
}

func TestAnotherFileIsNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	text := bytes.Repeat([]byte("these are notes. "), 1000)
	require.NoError(t, os.WriteFile(path, text, 0o600))
	require.ErrorContains(t, fails(t, fault.Database, "SQLITE_NOTADB", openError(t, path)), path)
	now, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, text, now, "it must be left as it is")
}

func TestADamagedFileIsReported(t *testing.T) {
	path := filepath.Join(t.TempDir(), "damaged.db")
	b := setup(t, Config{Path: path})
	b.enqueue(2000, 0)
	b.store.Close()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	for i := 4096; i < len(raw); i++ { // all but the first page
		raw[i] = 0xa5
	}
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	eng, err := reopen(b.ctx, path)
	if err == nil {
		t.Cleanup(eng.Close)
		_, err = eng.GetQueue(b.ctx, "queue")
	}
	fails(t, fault.Database, "SQLITE_CORRUPT", err)
}

func TestAnExistingFileIsNotInstalledInto(t *testing.T) {
	path := filepath.Join(t.TempDir(), "theirs.db")
	raw, err := sqlite3.Open(path)
	require.NoError(t, err)
	require.NoError(t, raw.Exec("CREATE TABLE theirs (x)"))
	require.NoError(t, raw.Close())
	s := open(t, Config{Path: path})
	_, err = s.CountQueues(t.Context())
	require.ErrorContains(t, fails(t, fault.Schema, "SQLITE_ERROR", err), "install()")
	require.NoError(t, s.Install(t.Context()))
	require.NoError(t, s.Verify(t.Context()))
}

func TestANewerSchemaIsRefused(t *testing.T) {
	b := setup(t, Config{})
	require.NoError(t, b.store.write(b.ctx, 0, func(tx *tx) error {
		_, err := tx.exec("schema_add_version", int64(len(migrations())+1), tx.now)
		return err
	}))
	for _, err := range []error{openError(t, b.path), b.store.Install(b.ctx), b.store.Verify(b.ctx)} {
		require.ErrorContains(t, fails(t, fault.Schema, "", err), "upgrade the library")
	}
}

// TestAFileThatMayNotBeWritten runs as another user when it is root's turn, whom
// no mode stops.
func TestAFileThatMayNotBeWritten(t *testing.T) {
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		require.NoError(t, os.Chmod(d, 0o755))
	}
	path := filepath.Join(dir, "readonly.db")
	setup(t, Config{Path: path}).store.Close()
	require.NoError(t, os.Chmod(path, 0o444))

	binary := os.Args[0]
	cmd := exec.Command(binary, path)
	if os.Geteuid() == 0 {
		binary = filepath.Join(dir, "test")
		copyFile(t, os.Args[0], binary)
		cmd = exec.Command(binary, path)
		cmd.Dir = dir
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	cmd.Env = append(os.Environ(), roleVariable+"=open", "HOME="+dir)
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "connection failed|", "%s", out)
	require.Contains(t, string(out), "writable", "%s", out)
	require.Contains(t, string(out), path)
}

func openRole(path string) error {
	eng, err := reopen(context.Background(), path)
	if err != nil {
		return fmt.Errorf("%v|%w", fault.KindOf(err), err)
	}
	eng.Close()
	return nil
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	require.NoError(t, err)
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	require.NoError(t, err)
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	require.NoError(t, out.Close())
}
