/* wrong.c DSN leak|use - what a sanitizer has to find (and memcheck, of the use), or
 * its silence about the other programs means nothing: a result that is not closed, or
 * read when it is. */
#include "check.h"

int main(int argc, char **argv) {
    pgqrs_handle cq, result;
    pgqrs_str document;

    CHECK(argc == 3);
    OK(pgqrs_cq_open(NULL, &cq));
    result = take_ok(cq, pgqrs_store_activity(open_store(argv[1]), cq, 1, NULL, NULL));
    OK(pgqrs_result_json(result, &document));
    if (strcmp(argv[2], "use") == 0) {
        OK(pgqrs_close(result));
        return document.data[0];
    }
    document.data = NULL;
    OK(pgqrs_shutdown_wait(20000));
    return 0;
}
