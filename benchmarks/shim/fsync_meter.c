/* Preloaded into the benchmark's PostgreSQL: counts fdatasync and fsync calls of all
 * its processes in a shared page, exactly and at once (the server's own counters lag
 * by seconds), and delays them on demand (scenario P14).
 *
 * BENCH_FSYNC_METER names a file of at least 24 bytes:
 *   uint64 fdatasyncs, uint64 fsyncs, uint64 delay in microseconds
 * Without it the calls pass through. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct page {
    uint64_t fdatasyncs, fsyncs, delay_us;
};

static volatile struct page *page;
static int (*real_fdatasync)(int), (*real_fsync)(int);

__attribute__((constructor)) static void start(void) {
    real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    real_fsync = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    const char *path = getenv("BENCH_FSYNC_METER");
    if (!path) return;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED) page = mapped;
}

static void slow_down(void) {
    if (!page || !page->delay_us) return;
    struct timespec pause = {page->delay_us / 1000000, page->delay_us % 1000000 * 1000};
    nanosleep(&pause, NULL);
}

int fdatasync(int file) {
    if (page) __atomic_add_fetch(&page->fdatasyncs, 1, __ATOMIC_RELAXED);
    slow_down();
    return real_fdatasync(file);
}

int fsync(int file) {
    if (page) __atomic_add_fetch(&page->fsyncs, 1, __ATOMIC_RELAXED);
    slow_down();
    return real_fsync(file);
}
