/* transaction.c DSN CONNINFO - messages in transactions of libpq: what is rolled back
 * never was, what is committed wakes a consumer that waits. DSN is a store on the
 * database of CONNINFO. */
#include <libpq-fe.h>

#include "check.h"

static PGconn *connection;

/* A command of libpq must answer this; the first value is returned, 0 when there is none. */
static int64_t ran(PGresult *result, ExecStatusType want) {
    int64_t value = 0;
    if (PQresultStatus(result) != want) {
        fprintf(stderr, "libpq: %s %s\n", PQresStatus(PQresultStatus(result)), PQerrorMessage(connection));
        exit(1);
    }
    if (PQntuples(result) > 0) value = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return value;
}

static void command(const char *text) { ran(PQexec(connection, text), PGRES_COMMAND_OK); }

/* The text of a statement, which lives as long as the result that is left in *owner. */
static const char *statement(pgqrs_handle store, int32_t which, pgqrs_handle *owner) {
    pgqrs_handle error = 0;
    pgqrs_str sql;
    EXPECT_E(PGQRS_OK, &error, pgqrs_sql_text(store, NULL, which, &sql, owner, &error));
    return sql.data;
}

static int64_t enqueue(const char *sql, const char *payload, const char *delay_ms, const char *key) {
    const char *values[4] = {"tasks", NULL, NULL, NULL};
    values[1] = payload;
    values[2] = delay_ms;
    values[3] = key;
    return ran(PQexecParams(connection, sql, 4, NULL, values, NULL, NULL, 0), PGRES_TUPLES_OK);
}

/* How many messages a table call counts. */
static int64_t stored(pgqrs_handle store, pgqrs_handle cq) {
    pgqrs_handle result = take_ok(cq, pgqrs_message_count(store, NULL, cq, 1, NULL, NULL));
    pgqrs_str document;
    int64_t count;
    OK(pgqrs_result_json(result, &document));
    count = strtoll(document.data + strlen("{\"count\":"), NULL, 10);
    OK(pgqrs_close(result));
    return count;
}

int main(int argc, char **argv) {
    pgqrs_handle store, consumer, cq, result, owners[2];
    pgqrs_dequeue_options options;
    pgqrs_completion done;
    pgqrs_list list;
    const char *one, *several;
    int64_t id, first;

    CHECK(argc == 3);
    connection = PQconnectdb(argv[2]);
    CHECK(PQstatus(connection) == CONNECTION_OK);
    OK(pgqrs_cq_open(NULL, &cq));
    store = open_store(argv[1]);
    create_queue(store, "tasks");
    consumer = open_consumer(store, "tasks");
    one = statement(store, PGQRS_SQL_ENQUEUE, &owners[0]);
    several = statement(store, PGQRS_SQL_ENQUEUE_BATCH, &owners[1]);

    command("begin");
    enqueue(one, "{\"n\":0}", NULL, NULL);
    enqueue(several, "[{\"n\":1},{\"n\":2}]", NULL, NULL);
    command("rollback");
    CHECK(stored(store, cq) == 0);

    PGQRS_INIT(&options);
    options.batch = 10;
    options.wait_ms = 30000;
    OK(pgqrs_dequeue(consumer, &options, cq, 2, NULL, NULL));
    command("begin");
    id = enqueue(one, "{\"n\":3}", NULL, NULL);
    EXPECT(PGQRS_E_TIMEOUT, pgqrs_cq_wait(cq, 100)); /* not before the commit */
    CHECK(pgqrs_cq_poll(cq, &done, 1) == 0);
    command("commit");
    result = take_ok(cq, PGQRS_OK);
    OK(pgqrs_result_messages(result, &list));
    CHECK(list.count == 1 && message_at(&list, 0)->id == id);
    OK(pgqrs_close(result));

    first = enqueue(one, "4", "0", "order-4");
    CHECK(enqueue(one, "5", NULL, "order-4") == first);
    CHECK(enqueue(several, "[6,7]", "3600000", "[\"order-4\",null]") == first);
    CHECK(stored(store, cq) == 3); /* leased, order-4, delayed */

    PQfinish(connection);
    OK(pgqrs_close(owners[0]));
    OK(pgqrs_close(owners[1]));
    OK(pgqrs_close(consumer));
    OK(pgqrs_close(store));
    OK(pgqrs_close(cq));
    OK(pgqrs_shutdown_wait(10000));
    return 0;
}
