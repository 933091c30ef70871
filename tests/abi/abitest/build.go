package abitest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Root returns the root of the repository.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

// scratch holds what the tests of one package build; Main removes it.
var scratch = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "pgqrs-abi-") })

// Main runs the tests of a package and removes what they built.
func Main(m *testing.M) {
	code := m.Run()
	Clean()
	os.Exit(code)
}

// Clean removes what the tests of a package built, for a TestMain of its own.
func Clean() {
	if dir, err := scratch(); err == nil {
		_ = os.RemoveAll(dir)
	}
}

// Library returns the shared library: the one PGQRS_LIBRARY names, else one that
// is built once for the package.
func Library(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("PGQRS_LIBRARY"); path != "" {
		if _, err := os.Stat(path); err != nil {
			t.Fatalf("PGQRS_LIBRARY: %v", err)
		}
		return path
	}
	return built(t, buildPlain)
}

// CrashingLibrary returns the library with the functions that crash on purpose.
func CrashingLibrary(t testing.TB) string {
	t.Helper()
	return built(t, buildCrashing)
}

var (
	buildPlain    = sync.OnceValues(func() (string, error) { return build("plain", "") })
	buildCrashing = sync.OnceValues(func() (string, error) { return build("crashing", "pgqrs_testing") })
)

func built(t testing.TB, once func() (string, error)) string {
	t.Helper()
	path, err := once()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func build(name, tags string) (string, error) {
	dir, err := scratch()
	if err != nil {
		return "", err
	}
	out := filepath.Join(dir, name, "libpgqrs.so.1")
	script := filepath.Join(Root(), "capi", "build.sh")
	if text, err := exec.Command("sh", script, out, tags).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the library: %w\n%s", err, text)
	}
	return out, nil
}

// Warnings are the flags every C and C++ compilation of the project passes.
var Warnings = []string{"-Wall", "-Wextra", "-Wpedantic", "-Werror"}

// Compile compiles a C99 program and links it against a library (empty: none).
// Further flags come last. It returns the program's path.
func Compile(t testing.TB, source, library string, flags ...string) string {
	t.Helper()
	return link(t, compiler("CC", "cc"), "c99", source, library, flags...)
}

func link(t testing.TB, cc, standard, source, library string, flags ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(source), filepath.Ext(source)))
	args := append([]string{"-std=" + standard}, Warnings...)
	args = append(args, "-I", filepath.Join(Root(), "include"), "-o", out, source)
	if library != "" {
		// By its soname the loader finds it beside its run path, whatever its file
		// is called.
		dir := t.TempDir()
		if err := os.Symlink(library, filepath.Join(dir, "libpgqrs.so.1")); err != nil {
			t.Fatal(err)
		}
		args = append(args, filepath.Join(dir, "libpgqrs.so.1"), "-Wl,-rpath,"+dir)
	}
	Run(t, exec.Command(cc, append(args, flags...)...))
	return out
}

// CompileCxx compiles a C++ program with the header of bindings/cpp and links it
// against a library. It returns the program's path, or skips the test where there is
// no compiler.
func CompileCxx(t testing.TB, source, library, standard string, flags ...string) string {
	t.Helper()
	cxx, err := exec.LookPath(compiler("CXX", "c++"))
	if err != nil {
		t.Skip("skipped: no C++ compiler")
	}
	return link(t, cxx, standard, source, library, append([]string{
		"-Wshadow", "-pthread", "-I", filepath.Join(Root(), "bindings", "cpp"),
	}, flags...)...)
}

// CompileOnly checks that a source compiles, as C or C++ by its extension.
func CompileOnly(t testing.TB, source, standard string) {
	t.Helper()
	args := append([]string{"-std=" + standard}, Warnings...)
	args = append(args, "-I", filepath.Join(Root(), "include"), "-c", "-o", os.DevNull, source)
	Run(t, exec.Command(compilerOf(source), args...))
}

// Sanitizers are the flags that make a C or C++ program (by its extension) watch its
// memory and its behaviour; none where the compiler or the machine cannot.
func Sanitizers(t testing.TB, source string) []string {
	t.Helper()
	flags := []string{"-g", "-fsanitize=address,undefined", "-fno-sanitize-recover"}
	empty := Write(t, "empty"+filepath.Ext(source), "int main(void) { return 0; }\n")
	program := filepath.Join(t.TempDir(), "empty")
	text, err := exec.Command(compilerOf(source), append(flags, empty, "-o", program)...).CombinedOutput()
	if err == nil {
		text, err = exec.Command(program).CombinedOutput()
	}
	if err != nil {
		t.Logf("without sanitizers: %v\n%s", err, text)
		return nil
	}
	return flags
}

// compilerOf is the compiler for C or C++, by the extension.
func compilerOf(source string) string {
	if strings.HasSuffix(source, ".cpp") {
		return compiler("CXX", "c++")
	}
	return compiler("CC", "cc")
}

func compiler(variable, fallback string) string {
	if cc := os.Getenv(variable); cc != "" {
		return cc
	}
	return fallback
}

// Run runs a command and returns what it wrote; it fails the test when the
// command fails.
func Run(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, text)
	}
	return string(text)
}

// Write writes a source file into a directory of the test.
func Write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
