/* storm.c LIBRARY - the library is loaded while SIGURG arrives all the time, as in
 * a host with a Go runtime of its own. The host's handler must get every one of
 * them, before, while and after the library is loaded, and no system call may
 * seem to fail for another reason than the signal. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#define AFTER_MS 100 /* how long the storm goes on after the library is up */

static int received, loaded;
static pthread_t target;

static void handler(int signal) {
    (void)signal;
    __atomic_fetch_add(&received, 1, __ATOMIC_SEQ_CST);
}

/* Raises SIGURG, one after the other: two that are pending would be one. */
static void *storm(void *unused) {
    int sent = 0;
    (void)unused;
    while (__atomic_load_n(&loaded, __ATOMIC_SEQ_CST) < 2) {
        time_t until = time(NULL) + 5;
        CHECK(pthread_kill(target, SIGURG) == 0);
        sent++;
        while (__atomic_load_n(&received, __ATOMIC_SEQ_CST) < sent && time(NULL) < until) poll(NULL, 0, 0);
        if (__atomic_load_n(&received, __ATOMIC_SEQ_CST) < sent) break;
    }
    return (void *)(intptr_t)sent;
}

static void *load(void *name) {
    int32_t (*runtime_wait)(void);
    void *library = dlopen((const char *)name, RTLD_NOW | RTLD_LOCAL), *found;
    CHECK(library != NULL);
    found = dlsym(library, "pgqrs_runtime_wait");
    CHECK(found != NULL);
    memcpy(&runtime_wait, &found, sizeof found);
    CHECK(runtime_wait() == PGQRS_OK);
    __atomic_store_n(&loaded, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

int main(int argc, char **argv) {
    struct sigaction mine, now;
    pthread_t loader, sender;
    int quiet[2], interrupted = 0, after = 0;
    struct pollfd nothing;
    void *sent;

    CHECK(argc == 2);
    memset(&mine, 0, sizeof mine);
    mine.sa_handler = handler;
    CHECK(sigaction(SIGURG, &mine, NULL) == 0);
    target = pthread_self();
    CHECK(pipe(quiet) == 0);
    nothing.fd = quiet[0];
    nothing.events = POLLIN;
    CHECK(pthread_create(&sender, NULL, storm, NULL) == 0);
    CHECK(pthread_create(&loader, NULL, load, argv[1]) == 0);
    while (after < AFTER_MS) {
        int ready = poll(&nothing, 1, 1);
        if (ready < 0 && errno != EINTR) fprintf(stderr, "poll failed: %s\n", strerror(errno));
        CHECK(ready >= 0 || errno == EINTR);
        interrupted += ready < 0;
        after += __atomic_load_n(&loaded, __ATOMIC_SEQ_CST);
    }
    __atomic_store_n(&loaded, 2, __ATOMIC_SEQ_CST);
    CHECK(pthread_join(loader, NULL) == 0 && pthread_join(sender, &sent) == 0);
    CHECK(sigaction(SIGURG, NULL, &now) == 0);
    printf("%d signals sent, %d received, %d calls interrupted\n", (int)(intptr_t)sent, received, interrupted);
    CHECK(now.sa_handler == handler);
    CHECK(received == (int)(intptr_t)sent);
    return 0;
}
