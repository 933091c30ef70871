#include <stdio.h>
#include "pgqrs.h"

int main(void) {
    pgqrs_handle store, producer, consumer, batch = 0, error = 0;
    pgqrs_str dsn = pgqrs_cstr("sqlite:///jobs.db"), tasks = pgqrs_cstr("tasks");
    pgqrs_str payload = pgqrs_cstr("{\"n\":1}");
    pgqrs_list list;
    int64_t id;
    int32_t st;

    if ((st = pgqrs_store_open_wait(&dsn, -1, &store, &error)) < 0) goto end;
    st = pgqrs_queue_create_wait(store, &tasks, -1, &error);
    if (st < 0 && st != PGQRS_E_QUEUE_EXISTS) goto end;
    if ((st = pgqrs_producer_open_wait(store, &tasks, -1, &producer, &error)) < 0) goto end;
    if ((st = pgqrs_consumer_open_wait(store, &tasks, -1, &consumer, &error)) < 0) goto end;
    if ((st = pgqrs_enqueue_wait(producer, &payload, 0, -1, &id, &error)) < 0) goto end;
    if ((st = pgqrs_dequeue_wait(consumer, 1, 30000, 1000, -1, &batch, &error)) < 0) goto end;
    if ((st = pgqrs_result_messages(batch, &list)) < 0 || list.count == 0) goto end;
    id = ((const pgqrs_message *)list.items)->id;
    if ((st = pgqrs_extend_vt_wait(consumer, id, 0, 60000, -1, &error)) < 0) goto end;
    st = pgqrs_archive_wait(consumer, id, 0, -1, &error);
end:
    if (st < 0) fprintf(stderr, "%s\n", pgqrs_status_text(st));
    return pgqrs_shutdown_wait(1000) < 0 || st < 0;
}
