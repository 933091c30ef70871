/*
 * guard.c - what must work before, beside and after the Go runtime: the host's
 * signal handler, the child of a fork, the poison flag, and the functions that
 * never enter Go. Linux only, as the library is.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim.h"
#include "status_gen.h"
#include "version_gen.h"

/* ---- SIGURG ------------------------------------------------------------------
 * The Go runtime wants to take SIGURG over while it starts. In a host that has a
 * Go runtime of its own, that one would lose its asynchronous preemption and hang
 * at its next collection. Our runtime is linked with asyncpreemptoff=1 and does
 * not need the signal, so it does not get it: runtime/cgo installs handlers through
 * libc's sigaction, and the linker leads those calls here (--wrap).
 *
 * To take the signal and to give it back afterwards would not do: a SIGURG that
 * arrives in between makes Go install its handler again, for ever, and changes
 * errno under whatever the host is doing. It remains for the architectures whose
 * runtime asks the kernel by itself. */

/* Weak: a program that links the archive has no --wrap, which would be about its own
 * calls as well. There Go takes the signal, and gives it back as on those. */
extern int __real_sigaction(int number, const struct sigaction *action, struct sigaction *old) __attribute__((weak));
int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *old);

int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *old) {
    return __real_sigaction(number, number == SIGURG ? NULL : action, old);
}

static struct sigaction host_sigurg;

static void in_child(void);

/* Priority 101 is the first that is not reserved: it runs before the constructor
 * that starts the Go runtime, which has none. */
__attribute__((constructor(101))) static void before_go(void) {
    sigaction(SIGURG, NULL, &host_sigurg);
    pthread_atfork(NULL, NULL, in_child);
}

void guard_restore_sigurg(void) {
    if (!__real_sigaction) sigaction(SIGURG, &host_sigurg, NULL);
#if !defined(__x86_64__) && !defined(__aarch64__)
    else __real_sigaction(SIGURG, &host_sigurg, NULL);
#endif
}

/* ---- Fork and poison ---------------------------------------------------------
 * Only the thread that forked lives on in a child, so anything that needs Go's
 * scheduler would hang there. Both flags are tested before Go is entered. */

static atomic_int forked;
static atomic_int poisoned;

int32_t guard_process(void) { return atomic_load_explicit(&forked, memory_order_relaxed) ? PGQRS_E_FORKED : PGQRS_OK; }

int32_t guard_check(void) {
    int32_t st = guard_process();
    if (st == PGQRS_OK && atomic_load_explicit(&poisoned, memory_order_relaxed)) st = PGQRS_E_POISONED;
    return st;
}

void guard_poison(void) { atomic_store(&poisoned, 1); }

/* ---- Descriptors a child must not keep ----------------------------------------
 * Locks of an open file belong to everybody who holds it. A child that keeps the
 * descriptors of a SQLite file would keep the parent's locks alive after the
 * parent has died in mid-write, and nobody could write to the file any more.
 *
 * Each entry remembers which file it was: an fd number that now names another
 * file is left alone. The table is fixed because a child of a threaded process
 * may call async-signal-safe functions only. */

#define DESCRIPTORS 4096

enum { SLOT_FREE, SLOT_BUSY, SLOT_SET };

static struct descriptor {
    atomic_int state;
    int fd;
    dev_t dev;
    ino_t ino;
} descriptors[DESCRIPTORS];

int32_t guard_descriptor_add(int32_t fd) {
    struct stat file;
    int32_t i, found = -1;
    if (fstat(fd, &file) == 0) {
        for (i = 0; i < DESCRIPTORS && found < 0; i++) {
            int expected = SLOT_FREE;
            if (!atomic_compare_exchange_strong(&descriptors[i].state, &expected, SLOT_BUSY)) continue;
            descriptors[i].fd = fd;
            descriptors[i].dev = file.st_dev;
            descriptors[i].ino = file.st_ino;
            atomic_store(&descriptors[i].state, SLOT_SET);
            found = i;
        }
    }
    return found;
}

void guard_descriptor_remove(int32_t registration) {
    if (registration >= 0 && registration < DESCRIPTORS) atomic_store(&descriptors[registration].state, SLOT_FREE);
}

/* Runs in the child, between fork and its return: only close and fstat. */
static void in_child(void) {
    struct stat file;
    int i;
    atomic_store(&forked, 1);
    for (i = 0; i < DESCRIPTORS; i++) {
        struct descriptor *d = &descriptors[i];
        if (atomic_load(&d->state) != SLOT_SET) continue;
        if (fstat(d->fd, &file) == 0 && file.st_dev == d->dev && file.st_ino == d->ino) close(d->fd);
    }
}

/* ---- Functions that never enter Go --------------------------------------------- */

const char *pgqrs_version(void) { return VERSION_TEXT; }

int32_t pgqrs_abi_version(void) { return PGQRS_ABI_VERSION; }

const char *pgqrs_status_text(int32_t status) {
    static const struct {
        int32_t status;
        const char *text;
    } rows[] = {
#define ROW(status, text) {status, text},
        STATUS_ROWS(ROW)
#undef ROW
    };
    const char *text = "unknown status";
    size_t i;
    for (i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].status == status) text = rows[i].text;
    return text;
}
