package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/tests/abi/abitest"
)

func TestInstall(t *testing.T) {
	t.Parallel()
	prefix := t.TempDir()
	run(t, "make", "install", "PREFIX="+prefix)
	for _, file := range []string{
		"lib/libpgqrs.so", "lib/libpgqrs.so.1", "include/pgqrs.h", "lib/pkgconfig/pgqrs.pc", "share/doc/pgqrs/pgqrs.html",
	} {
		require.FileExists(t, filepath.Join(prefix, file))
	}
	link, err := os.Readlink(filepath.Join(prefix, "lib/libpgqrs.so"))
	require.NoError(t, err)
	require.Equal(t, "libpgqrs.so.1", link)
	example(t, "pgqrs", []string{"PKG_CONFIG_PATH=" + prefix + "/lib/pkgconfig"}, "-Wl,-rpath,"+prefix+"/lib")
}

// A package is made below DESTDIR, for a prefix where nothing is yet.
func TestInstallForAPackage(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	run(t, "make", "install", "DESTDIR="+root, "PREFIX=/usr")
	text, err := os.ReadFile(filepath.Join(root, "usr/lib/pkgconfig/pgqrs.pc"))
	require.NoError(t, err)
	require.NotContains(t, string(text), root)
	require.NotContains(t, string(text), "@")
	example(t, "pgqrs", []string{
		"PKG_CONFIG_PATH=" + root + "/usr/lib/pkgconfig", "PKG_CONFIG_SYSROOT_DIR=" + root,
		"PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1", "PKG_CONFIG_ALLOW_SYSTEM_LIBS=1",
	}, "-Wl,-rpath,"+root+"/usr/lib")
}

// The archive needs no library when the program runs.
func TestInstallStatic(t *testing.T) {
	t.Parallel()
	prefix := t.TempDir()
	run(t, "make", "install/static", "PREFIX="+prefix)
	program := example(t, "pgqrs-static", []string{"PKG_CONFIG_PATH=" + prefix + "/lib/pkgconfig"})
	require.NotContains(t, run(t, "ldd", program), "libpgqrs")
}

// example compiles the C example by pkg-config alone and runs it twice in an empty
// directory: the second time its queue exists.
func example(t *testing.T, name string, environment []string, flags ...string) string {
	t.Helper()
	finder, err := exec.LookPath("pkg-config")
	if err != nil {
		t.Skip("pkg-config is not installed")
	}
	find := exec.Command(finder, "--cflags", "--libs", name)
	find.Env = append(os.Environ(), environment...)
	program := filepath.Join(t.TempDir(), "quickstart")
	args := append([]string{"-std=c99", "-o", program, "examples/c/quickstart.c"}, strings.Fields(abitest.Run(t, find))...)
	run(t, "cc", append(args, flags...)...)
	directory := t.TempDir()
	for range 2 {
		cmd := exec.Command(program)
		cmd.Dir = directory
		require.Empty(t, abitest.Run(t, cmd))
	}
	require.FileExists(t, filepath.Join(directory, "jobs.db"))
	return program
}

// run runs a command at the root of the repository.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = abitest.Root()
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "MAKE") && !strings.HasPrefix(variable, "MFLAGS") { // of an outer make
			cmd.Env = append(cmd.Env, variable)
		}
	}
	return abitest.Run(t, cmd)
}
