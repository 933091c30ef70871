/* sql.c DSN - pgqrs_sql_text: what it answers for a store and for a schema, and what
 * it refuses. transaction.c executes the text. */
#include "check.h"

static const pgqrs_str absent = {NULL, 0};

/* The text for a store or a schema must hold this. */
static void says(pgqrs_handle store, const pgqrs_str *schema, int32_t statement, const char *want) {
    pgqrs_handle result = 0, error = 0;
    pgqrs_str document, sql;
    EXPECT_E(PGQRS_OK, &error, pgqrs_sql_text(store, schema, statement, &sql, &result, &error));
    OK(pgqrs_result_json(result, &document));
    CHECK(sql.len == strlen(sql.data) && strncmp(sql.data, "select \"", 8) == 0 && strstr(sql.data, "$4") != NULL);
    if (!strstr(document.data, want)) {
        fprintf(stderr, "%s\n  does not hold %s\n", document.data, want);
        exit(1);
    }
    OK(pgqrs_close(result));
}

static void refuses(pgqrs_handle store, const pgqrs_str *schema, int32_t statement, int32_t status) {
    pgqrs_handle result = 1, error = 0;
    pgqrs_str sql = {"", 1};
    EXPECT_E(status, &error, pgqrs_sql_text(store, schema, statement, &sql, &result, &error));
    CHECK(result == 0 && error == 0 && sql.data == NULL && sql.len == 0);
    EXPECT(status, pgqrs_sql_text(store, schema, statement, NULL, &result, NULL));
}

int main(int argc, char **argv) {
    pgqrs_handle store;
    pgqrs_str jobs = pgqrs_cstr("my \"jobs\""), bytes = {"\xff", 1}, dangling = {NULL, 3};
    const char *parameters = "\"parameters\":[{\"name\":\"queue\",\"type\":\"text\",\"nullable\":false},"
                             "{\"name\":\"payload\",\"type\":\"text\",\"nullable\":false},"
                             "{\"name\":\"delay_ms\",\"type\":\"bigint\",\"nullable\":true},"
                             "{\"name\":\"dedup_key\",\"type\":\"text\",\"nullable\":true}],\"returns\":\"bigint\"}";

    CHECK(argc == 2);
    says(0, NULL, PGQRS_SQL_ENQUEUE, "{\"sql\":\"select \\\"public\\\".pgqrs_enqueue(");
    says(0, &absent, PGQRS_SQL_ENQUEUE, parameters);
    says(0, &jobs, PGQRS_SQL_ENQUEUE, "\\\"my \\\"\\\"jobs\\\"\\\"\\\".pgqrs_enqueue(");
    says(0, &absent, PGQRS_SQL_ENQUEUE_BATCH, "\\\"public\\\".pgqrs_enqueue_batch(");
    says(0, &absent, PGQRS_SQL_ENQUEUE_BATCH, "{\"name\":\"dedup_keys\",\"type\":\"text\",\"nullable\":true}");
    refuses(0, &bytes, PGQRS_SQL_ENQUEUE, PGQRS_E_CONFIG);
    refuses(0, &dangling, PGQRS_SQL_ENQUEUE, PGQRS_E_INVALID_ARGUMENT);
    refuses(0, &absent, 0, PGQRS_E_INVALID_ARGUMENT);
    refuses(4711, &absent, PGQRS_SQL_ENQUEUE, PGQRS_E_HANDLE);
    EXPECT(PGQRS_E_INVALID_ARGUMENT, pgqrs_sql_text(0, NULL, PGQRS_SQL_ENQUEUE, NULL, NULL, NULL));

    store = open_store(argv[1]);
    if (strncmp(argv[1], "sqlite", 6) == 0) {
        refuses(store, &absent, PGQRS_SQL_ENQUEUE, PGQRS_E_UNSUPPORTED);
    } else {
        says(store, NULL, PGQRS_SQL_ENQUEUE_BATCH, "\\\".pgqrs_enqueue_batch(");
        refuses(store, NULL, 3, PGQRS_E_INVALID_ARGUMENT);
    }
    refuses(store, &jobs, PGQRS_SQL_ENQUEUE, PGQRS_E_INVALID_ARGUMENT);
    OK(pgqrs_close(store));
    OK(pgqrs_shutdown_wait(10000));
    return 0;
}
