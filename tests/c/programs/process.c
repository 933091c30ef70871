/* process.c DSN - the library inside a process: fork, signals, exit. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* Counts this process's descriptors of a SQLite database that may carry locks: all
 * but the file through which processes wake each other. */
static int database_files(void) {
    char link[64], path[PATH_MAX];
    struct dirent *entry;
    ssize_t n;
    int found = 0;
    DIR *dir = opendir("/proc/self/fd");
    CHECK(dir != NULL);
    while ((entry = readdir(dir)) != NULL) {
        snprintf(link, sizeof link, "/proc/self/fd/%.20s", entry->d_name);
        n = readlink(link, path, sizeof path - 1);
        if (n <= 0) continue;
        path[n] = 0;
        if (strstr(path, "/jobs.db") && !strstr(path, ".wake")) found++;
    }
    closedir(dir);
    return found;
}

/* In the child every function answers FORKED at once, whatever it gets. */
static void child(pgqrs_handle cq, pgqrs_handle store, pgqrs_handle producer, const char *dsn) {
    pgqrs_str payload = pgqrs_cstr("1"), text = pgqrs_cstr(dsn);
    pgqrs_completion done;
    pgqrs_list list;
    pgqrs_handle none;
    int64_t id;

    alarm(2); /* a hang ends the child with a signal */
    EXPECT(PGQRS_E_FORKED, pgqrs_runtime_wait());
    EXPECT(PGQRS_E_FORKED, pgqrs_cq_nop(cq, 1, NULL, NULL));
    EXPECT(PGQRS_E_FORKED, pgqrs_cq_poll(cq, &done, 1));
    EXPECT(PGQRS_E_FORKED, pgqrs_cq_wait(cq, -1));
    EXPECT(PGQRS_E_FORKED, pgqrs_cq_open(NULL, &none));
    EXPECT(PGQRS_E_FORKED, pgqrs_log_subscribe(PGQRS_LOG_WARN, cq, 1, NULL, NULL));
    EXPECT(PGQRS_E_FORKED, pgqrs_enqueue_wait(producer, &payload, 0, -1, &id, NULL));
    EXPECT(PGQRS_E_FORKED, pgqrs_store_open_wait(&text, -1, &none, NULL));
    EXPECT(PGQRS_E_FORKED, pgqrs_result_ids(1, &list));
    EXPECT(PGQRS_E_FORKED, pgqrs_close(store));
    EXPECT(PGQRS_E_FORKED, pgqrs_close(cq));
    EXPECT(PGQRS_E_FORKED, pgqrs_shutdown_wait(-1));
    CHECK(pgqrs_abi_version() == PGQRS_ABI_VERSION && pgqrs_version()[0] != 0);
    CHECK(strcmp(pgqrs_status_text(PGQRS_E_FORKED), "unknown status") != 0);
    /* The database's files were closed: no lock outlives the parent here. */
    CHECK(strncmp(dsn, "sqlite", 6) != 0 || database_files() == 0);
    _exit(0);
}

static void forking(const char *dsn) {
    pgqrs_handle cq, store = open_store(dsn), producer, result;
    pgqrs_str payload = pgqrs_cstr("{}");
    pgqrs_list ids;
    int status, i;
    pid_t pid;

    OK(pgqrs_cq_open(NULL, &cq));
    create_queue(store, "tasks");
    producer = open_producer(store, "tasks");
    CHECK(strncmp(dsn, "sqlite", 6) != 0 || database_files() > 0);
    for (i = 0; i < 20; i++) OK(pgqrs_enqueue(producer, &payload, 1, NULL, cq, (uint64_t)i, NULL, NULL));
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) child(cq, store, producer, dsn);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    /* The parent is unaffected: all it had in flight completes. */
    for (i = 0; i < 20; i++) {
        result = take_ok(cq, PGQRS_OK);
        OK(pgqrs_result_ids(result, &ids));
        OK(pgqrs_close(result));
    }
    OK(pgqrs_close(producer));
    OK(pgqrs_close(store));
    OK(pgqrs_close(cq));
}

static void host_handler(int signal) { (void)signal; }

/* The library is linked, so it was loaded before main: SIGURG must be as the
 * process began, and the host's own handlers stay what they are. */
static void signals(void) {
    static const int untouched[] = {SIGINT, SIGTERM, SIGCHLD, SIGHUP, SIGALRM, SIGUSR1, SIGUSR2, SIGPROF, SIGURG};
    struct sigaction now, mine;
    size_t i;

    OK(pgqrs_runtime_wait());
    for (i = 0; i < sizeof untouched / sizeof *untouched; i++) {
        CHECK(sigaction(untouched[i], NULL, &now) == 0);
        if (now.sa_handler != SIG_DFL) fprintf(stderr, "signal %d has a handler\n", untouched[i]);
        CHECK(now.sa_handler == SIG_DFL);
    }
    memset(&mine, 0, sizeof mine);
    mine.sa_handler = host_handler;
    CHECK(sigaction(SIGURG, &mine, NULL) == 0);
    OK(pgqrs_runtime_wait());
    CHECK(sigaction(SIGURG, NULL, &now) == 0 && now.sa_handler == host_handler);
}

/* Ends with hundreds of calls in flight, dequeues that wait for ever, and calls
 * that wait for losses and for the log. */
static void leaving(const char *dsn) {
    pgqrs_handle cq, store = open_store(dsn), producer = open_producer(store, "tasks");
    pgqrs_handle idle;
    pgqrs_dequeue_options options;
    pgqrs_str payload = pgqrs_cstr("{}");
    int i;

    create_queue(store, "idle");
    idle = open_consumer(store, "idle");
    OK(pgqrs_cq_open(NULL, &cq));
    PGQRS_INIT(&options);
    options.wait_ms = -1;
    for (i = 0; i < 20; i++) OK(pgqrs_dequeue(idle, &options, cq, 1, NULL, NULL));
    OK(pgqrs_consumer_losses(idle, cq, 1, NULL, NULL));
    OK(pgqrs_log_subscribe(PGQRS_LOG_ERROR, cq, 1, NULL, NULL));
    for (i = 0; i < 200; i++) OK(pgqrs_enqueue(producer, &payload, 1, NULL, cq, 2, NULL, NULL));
    OK(pgqrs_shutdown_wait(20000));
    for (i = 0; i < 222; i++) {
        pgqrs_completion done = take(cq, PGQRS_OK);
        if (done.user_data == 1) CHECK(done.status == PGQRS_E_CLOSED);
        if (done.user_data == 2) CHECK(done.status == PGQRS_OK || done.status == PGQRS_E_CLOSED);
        OK(pgqrs_close(done.result));
        OK(pgqrs_close(done.error));
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    signals();
    forking(argv[1]);
    leaving(argv[1]);
    return 0;
}
