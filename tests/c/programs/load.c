/* load.c LIBRARY - the library is loaded into a program that has its own signal
 * handlers and, twice, asked to leave. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static void handler(int signal) { (void)signal; }

/* The signals Go's runtime replaces in a shared library; SIGURG is given back. */
static int replaced(int signal) {
    return signal == SIGBUS || signal == SIGFPE || signal == SIGSEGV || signal == SIGPIPE;
}

/* ISO C has no conversion from an object pointer to a function pointer. */
static void symbol(void *library, const char *name, void *function) {
    void *found = dlsym(library, name);
    CHECK(found != NULL);
    memcpy(function, &found, sizeof found);
}

int main(int argc, char **argv) {
    struct sigaction mine, now;
    int32_t (*runtime_wait)(void), (*abi_version)(void), (*shutdown_wait)(int64_t);
    int32_t (*cq_open)(const pgqrs_cq_options *, pgqrs_handle *);
    pgqrs_handle cq;
    void *library;
    int i, status;
    pid_t pid;

    CHECK(argc == 2);
    memset(&mine, 0, sizeof mine);
    mine.sa_handler = handler;
    mine.sa_flags = SA_RESTART;
    for (i = 1; i < 32; i++)
        if (i != SIGKILL && i != SIGSTOP) CHECK(sigaction(i, &mine, NULL) == 0);
    library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) fprintf(stderr, "%s\n", dlerror());
    CHECK(library != NULL);
    symbol(library, "pgqrs_abi_version", &abi_version);
    symbol(library, "pgqrs_runtime_wait", &runtime_wait);
    symbol(library, "pgqrs_shutdown_wait", &shutdown_wait);
    symbol(library, "pgqrs_cq_open", &cq_open);
    CHECK(abi_version() == PGQRS_ABI_VERSION && runtime_wait() == PGQRS_OK);
    for (i = 1; i < 32; i++) {
        if (i == SIGKILL || i == SIGSTOP || replaced(i)) continue;
        CHECK(sigaction(i, NULL, &now) == 0);
        if (now.sa_handler != handler) fprintf(stderr, "signal %d has another handler\n", i);
        CHECK(now.sa_handler == handler);
    }

    /* A child that was forked right after loading, before any other use. */
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        signal(SIGALRM, SIG_DFL);
        alarm(2);
        _exit(cq_open(NULL, &cq) == PGQRS_E_FORKED ? 0 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);

    /* There is no unloading: the code stays, and works. */
    CHECK(dlclose(library) == 0);
    CHECK(cq_open(NULL, &cq) == PGQRS_OK && cq != 0);
    CHECK(shutdown_wait(10000) == PGQRS_OK && shutdown_wait(0) == PGQRS_OK);
    return 0;
}
