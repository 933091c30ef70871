/*
 * stack.c - where the stack of the main thread is: asked once.
 *
 * Go asks at a call from C whose stack pointer is outside the bounds it knows, by
 * pthread_getattr_np. For the main thread glibc reads /proc/self/maps to answer, a
 * tenth of a millisecond. A host that makes calls on stacks of its own (koffi in
 * Node.js, fibers, coroutines) never is inside the bounds, so that every call of its
 * main thread would pay. The answer stays: what it is about lies where it lay, and Go
 * believes it only where it holds the stack pointer.
 *
 * The linker leads Go's question here (--wrap).
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Weak: see guard.c. */
extern int __real_pthread_getattr_np(pthread_t thread, pthread_attr_t *attr) __attribute__((weak));
int __wrap_pthread_getattr_np(pthread_t thread, pthread_attr_t *attr);

/* Of the main thread, which alone reads and writes them. */
static void *lowest;
static size_t size;

int __wrap_pthread_getattr_np(pthread_t thread, pthread_attr_t *attr) {
    int failed;
    if (syscall(SYS_gettid) != getpid() || !pthread_equal(thread, pthread_self()))
        return __real_pthread_getattr_np(thread, attr);
    if (size != 0) {
        failed = pthread_attr_init(attr);
        return failed ? failed : pthread_attr_setstack(attr, lowest, size);
    }
    failed = __real_pthread_getattr_np(thread, attr);
    if (!failed && pthread_attr_getstack(attr, &lowest, &size) != 0) size = 0;
    return failed;
}
