/* Enqueues {"n":0} to {"n":COUNT-1}: mixed DSN COUNT. */
#include <stdio.h>
#include <stdlib.h>

#include "pgqrs.h"

int main(int argc, char **argv) {
    pgqrs_handle store = 0, producer = 0;
    pgqrs_str dsn = pgqrs_cstr(argc > 2 ? argv[1] : NULL), queue = pgqrs_cstr("tasks"), payload;
    int32_t st, n, count = argc > 2 ? atoi(argv[2]) : 0;
    int64_t id;
    char text[32];

    if ((st = pgqrs_store_open_wait(&dsn, -1, &store, NULL)) < 0) goto end;
    if ((st = pgqrs_producer_open_wait(store, &queue, -1, &producer, NULL)) < 0) goto end;
    for (n = 0; n < count; n++) {
        snprintf(text, sizeof text, "{\"n\":%d}", (int)n);
        payload = pgqrs_cstr(text);
        if ((st = pgqrs_enqueue_wait(producer, &payload, 0, -1, &id, NULL)) < 0) goto end;
    }
end:
    if (st < 0) fprintf(stderr, "%s\n", pgqrs_status_text(st));
    return pgqrs_shutdown_wait(10000) < 0 || st < 0;
}
