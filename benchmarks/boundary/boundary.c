/* boundary IN_FLIGHT SECONDS - so many no-ops at a time through one completion queue;
 * prints how many it were and how long they took. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pgqrs.h"

#define AT_ONCE 256

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int32_t must(int32_t status) {
    if (status >= 0) return status;
    fprintf(stderr, "boundary: %s\n", pgqrs_status_text(status));
    exit(1);
}

int main(int argc, char **argv) {
    static pgqrs_completion completions[AT_ONCE];
    long in_flight, done = 0, i;
    double start, end;
    pgqrs_handle cq;

    if (argc != 3) return 2;
    in_flight = atol(argv[1]);
    must(pgqrs_cq_open(NULL, &cq));
    start = now();
    end = start + atof(argv[2]);
    for (i = 0; i < in_flight; i++) must(pgqrs_cq_nop(cq, 1, NULL, NULL));
    while (now() < end) {
        int32_t n = must(pgqrs_cq_poll(cq, completions, AT_ONCE));
        if (n == 0) must(pgqrs_cq_wait(cq, -1));
        for (i = 0; i < n; i++) must(pgqrs_cq_nop(cq, 1, NULL, NULL));
        done += n;
    }
    printf("{\"messages\": %ld, \"seconds\": %f}\n", done, now() - start);
    must(pgqrs_close(cq));
    return must(pgqrs_shutdown_wait(1000)) < 0;
}
