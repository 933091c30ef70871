/* wrong.c DSN leak|use - what a sanitizer has to find (and memcheck, of the use), or
 * its silence about the other programs means nothing: results that are not closed, or
 * one that is read when it is. There are RESULTS of them, because LeakSanitizer takes a
 * block for reachable when a thread of the library has a stale copy of its address on
 * its stack; that happens to the last block a thread has allocated, in 5 to 10 of a
 * hundred runs. */
#include "check.h"

enum { RESULTS = 32 };

int main(int argc, char **argv) {
    pgqrs_handle cq, store, result;
    pgqrs_str document;
    int i;

    CHECK(argc == 3);
    OK(pgqrs_cq_open(NULL, &cq));
    store = open_store(argv[1]);
    for (i = 0; i < RESULTS; i++) {
        result = take_ok(cq, pgqrs_store_activity(store, cq, 1, NULL, NULL));
        OK(pgqrs_result_json(result, &document));
    }
    if (strcmp(argv[2], "use") == 0) {
        OK(pgqrs_close(result));
        return document.data[0];
    }
    document.data = NULL;
    OK(pgqrs_shutdown_wait(20000));
    return 0;
}
