/* stacks.c DSN - calls of the main thread on a stack that is not the thread's, as
 * fibers and some foreign function interfaces make them, cost what others cost: no
 * call reads a file to learn where it is. */
#define _GNU_SOURCE
#include <ucontext.h>

#include "check.h"

#define CALLS 1000

/* How often this process has read; -1: the system does not tell. */
static long reads(void) {
    long count = -1;
    FILE *file = fopen("/proc/self/io", "r");
    if (file == NULL) return -1;
    if (fscanf(file, "%*s %*d %*s %*d %*s %ld", &count) != 1) count = -1;
    fclose(file);
    return count;
}

static void calls(void) {
    int i;
    for (i = 0; i < CALLS; i++) EXPECT(PGQRS_E_HANDLE, pgqrs_op_cancel(1));
}

static ucontext_t thread, fiber;

int main(void) {
    static char stack[1 << 18];
    long before, between, after;

    calls();
    before = reads();
    calls();
    between = reads();
    CHECK(getcontext(&fiber) == 0);
    fiber.uc_stack.ss_sp = stack;
    fiber.uc_stack.ss_size = sizeof stack;
    fiber.uc_link = &thread;
    makecontext(&fiber, calls, 0);
    CHECK(swapcontext(&thread, &fiber) == 0);
    after = reads();
    calls(); /* and back on the thread's own */
    printf("%ld reads on the stack of the thread, %ld on another\n", between - before, after - between);
    CHECK(before < 0 || after - between < CALLS / 10);
    OK(pgqrs_shutdown_wait(20000));
    return 0;
}
