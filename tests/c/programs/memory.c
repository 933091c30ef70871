/* memory.c DSN - for memcheck: every byte of every result is read, and everything
 * that can be closed is closed. */
#include "check.h"

static uint64_t sum(const void *data, uint64_t len) {
    const unsigned char *bytes = (const unsigned char *)data;
    uint64_t s = 0, i;
    for (i = 0; i < len; i++) s += bytes[i];
    return s;
}

int main(int argc, char **argv) {
    pgqrs_handle cq, losses, lines, store, producer, consumer, result, error = 0;
    pgqrs_str payloads[3], missing = pgqrs_cstr("missing"), tasks = pgqrs_cstr("tasks"), document;
    pgqrs_dequeue_options options;
    pgqrs_error_detail detail;
    pgqrs_completion done;
    pgqrs_list list;
    pgqrs_token token = {0, 0, 0};
    char *text = (char *)malloc(16);
    uint64_t s = 0;
    uint32_t i;

    CHECK(argc == 2 && text != NULL);
    OK(pgqrs_cq_open(NULL, &cq));
    store = open_store(argv[1]);
    create_queue(store, "tasks");
    producer = open_producer(store, "tasks");
    consumer = open_consumer(store, "tasks");

    memcpy(text, "{\"a\":\"bcdefgh\"}", 16);
    for (i = 0; i < 3; i++) {
        payloads[i].data = text; /* exact length, and gone after the call */
        payloads[i].len = 15;
    }
    OK(pgqrs_enqueue(producer, payloads, 3, NULL, cq, 1, NULL, &error));
    memset(text, 'x', 16);
    free(text);
    result = take_ok(cq, PGQRS_OK);
    OK(pgqrs_result_ids(result, &list));
    s += sum(list.items, (uint64_t)list.item_size * list.count);
    OK(pgqrs_close(result));

    PGQRS_INIT(&options);
    options.batch = 2;
    result = take_ok(cq, pgqrs_dequeue(consumer, &options, cq, 2, NULL, NULL));
    OK(pgqrs_result_messages(result, &list));
    CHECK(list.count == 2);
    s += sum(list.items, (uint64_t)list.item_size * list.count);
    for (i = 0; i < list.count; i++)
        s += sum(message_at(&list, i)->payload.data, message_at(&list, i)->payload.len + 1);
    token.id = message_at(&list, 0)->id;
    OK(pgqrs_result_discard(result));

    /* A loss that is read, and one that is left in the queue below. */
    OK(pgqrs_cq_open(NULL, &losses));
    OK(pgqrs_consumer_losses(consumer, losses, 1, NULL, NULL));
    OK(pgqrs_consumer_losses(consumer, losses, 1, NULL, NULL));
    options.flags = PGQRS_DEQUEUE_AUTO_EXTEND;
    options.lease_ms = 1000;
    result = take_ok(cq, pgqrs_dequeue(consumer, &options, cq, 9, NULL, NULL));
    OK(pgqrs_result_messages(result, &list));
    CHECK(list.count > 0);
    OK(pgqrs_close(result));
    OK(pgqrs_close(take_ok(cq, pgqrs_queue_purge(store, &tasks, cq, 10, NULL, NULL))));
    done = take(losses, PGQRS_OK);
    OK(pgqrs_result_tokens(done.result, &list));
    CHECK(list.count > 0);
    s += sum(list.items, (uint64_t)list.item_size * list.count);
    OK(pgqrs_close(done.result));
    OK(pgqrs_cq_wait(losses, 20000));
    OK(pgqrs_close(losses));

    result = take_ok(cq, pgqrs_archive(consumer, &token, 1, cq, 3, NULL, NULL));
    OK(pgqrs_result_outcomes(result, &list));
    s += sum(list.items, (uint64_t)list.item_size * list.count);
    OK(pgqrs_close(result));

    result = take_ok(cq, pgqrs_queue_list(store, NULL, cq, 4, NULL, NULL));
    OK(pgqrs_result_json(result, &document));
    s += sum(document.data, document.len + 1);
    OK(pgqrs_close(result));

    done = take(cq, pgqrs_queue_get(store, &missing, cq, 5, NULL, NULL));
    PGQRS_INIT(&detail);
    OK(pgqrs_error_info(done.error, &detail));
    s += sum(detail.message.data, detail.message.len + 1) + sum(detail.field.data, detail.field.len + 1);
    s += sum(&detail, sizeof detail);
    OK(pgqrs_close(done.error));
    EXPECT_E(PGQRS_E_INVALID_ARGUMENT, &error, pgqrs_archive(consumer, NULL, 1, cq, 6, NULL, &error));
    CHECK(s != 0);

    OK(pgqrs_enqueue(producer, &missing, 1, NULL, cq, 7, NULL, NULL)); /* not JSON; nobody takes the answer */
    OK(pgqrs_dequeue(consumer, NULL, cq, 8, NULL, NULL));
    OK(pgqrs_cq_wait(cq, 20000));
    OK(pgqrs_close(cq));

    /* A line of the log that is read, and one that is left in its queue. */
    OK(pgqrs_cq_open(NULL, &cq));
    OK(pgqrs_cq_open(NULL, &lines));
    OK(pgqrs_log_subscribe(PGQRS_LOG_WARN, lines, 1, NULL, NULL));
    OK(pgqrs_log_subscribe(PGQRS_LOG_WARN, lines, 1, NULL, NULL));
    CHECK(take_ok(cq, pgqrs_store_uninstall(store, cq, 11, NULL, NULL)) == 0);
    CHECK(take_ok(cq, pgqrs_store_stop(store, cq, 12, NULL, NULL)) == 0);
    result = take_ok(lines, PGQRS_OK);
    OK(pgqrs_result_json(result, &document));
    s += sum(document.data, document.len + 1);
    OK(pgqrs_close(result));
    OK(pgqrs_cq_wait(lines, 20000));
    OK(pgqrs_close(lines));
    OK(pgqrs_close(cq));
    OK(pgqrs_close(producer));
    OK(pgqrs_close(consumer));
    OK(pgqrs_close(store));
    OK(pgqrs_shutdown_wait(20000));
    return 0;
}
