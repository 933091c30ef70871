/* panic.c export|goroutine - the library after a panic of its own. Needs a build
 * with the tag pgqrs_testing. */
#include <pthread.h>

#include "check.h"

PGQRS_API int32_t pgqrs_test_panic_export(void);
PGQRS_API int32_t pgqrs_test_panic_goroutine(void);

static void *wait_for_news(void *cq) { return (void *)(intptr_t)pgqrs_cq_wait(*(pgqrs_handle *)cq, 20000); }

int main(int argc, char **argv) {
    pgqrs_handle cq, none;
    pgqrs_completion done;
    pthread_t thread;
    void *answer;

    CHECK(argc == 2);
    OK(pgqrs_cq_open(NULL, &cq));
    CHECK(pthread_create(&thread, NULL, wait_for_news, &cq) == 0);
    if (strcmp(argv[1], "export") == 0)
        EXPECT(PGQRS_E_INTERNAL, pgqrs_test_panic_export());
    else
        OK(pgqrs_test_panic_goroutine());
    /* Whoever waits is woken, by the queue and by its descriptor. */
    CHECK(pthread_join(thread, &answer) == 0 && (intptr_t)answer == PGQRS_E_POISONED);
    EXPECT(PGQRS_E_POISONED, pgqrs_cq_poll(cq, &done, 1));
    EXPECT(PGQRS_E_POISONED, pgqrs_cq_nop(cq, 1, NULL, NULL));
    EXPECT(PGQRS_E_POISONED, pgqrs_cq_open(NULL, &none));
    EXPECT(PGQRS_E_POISONED, pgqrs_runtime_wait());
    EXPECT(PGQRS_E_POISONED, pgqrs_shutdown_wait(1000));
    CHECK(pgqrs_version()[0] != 0);
    OK(pgqrs_close(cq));
    return 0;
}
