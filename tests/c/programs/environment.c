/* environment.c DSN - what the program sets and unsets counts, whenever it does. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

int main(int argc, char **argv) {
    pgqrs_handle store = 0, error = 0;
    pgqrs_str none = {NULL, 0};

    CHECK(argc == 2);
    OK(pgqrs_runtime_wait());
    CHECK(unsetenv("PGQRS_DSN") == 0 && unsetenv("PGQRS_MAX_CONNECTIONS") == 0);
    EXPECT_E(PGQRS_E_CONFIG, &error, pgqrs_store_open_wait(&none, -1, &store, &error));
    CHECK(setenv("PGQRS_DSN", argv[1], 1) == 0);
    EXPECT_E(PGQRS_OK, &error, pgqrs_store_open_wait(&none, -1, &store, &error));
    OK(pgqrs_close(store));
    CHECK(setenv("PGQRS_MAX_CONNECTIONS", "many", 1) == 0);
    EXPECT_E(PGQRS_E_CONFIG, &error, pgqrs_store_open_wait(&none, -1, &store, &error));
    CHECK(unsetenv("PGQRS_MAX_CONNECTIONS") == 0);
    EXPECT_E(PGQRS_OK, &error, pgqrs_store_open_wait(&none, -1, &store, &error));
    OK(pgqrs_close(store));
    CHECK(unsetenv("PGQRS_DSN") == 0);
    EXPECT_E(PGQRS_E_CONFIG, &error, pgqrs_store_open_wait(&none, -1, &store, &error));
    CHECK(getenv("PGQRS_DSN") == NULL);
    OK(pgqrs_shutdown_wait(10000));
    return 0;
}
