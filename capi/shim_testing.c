//go:build pgqrs_testing

/*
 * shim_testing.c - functions that crash on purpose, for tests of what follows.
 * They exist only in builds with the tag pgqrs_testing.
 */
#include "_cgo_export.h"
#include "shim.h"

/* Panics inside an export: answers INTERNAL and poisons the library. */
PGQRS_API int32_t pgqrs_test_panic_export(void);
/* Answers OK; a goroutine of the library panics and poisons it. */
PGQRS_API int32_t pgqrs_test_panic_goroutine(void);

int32_t pgqrs_test_panic_export(void) {
    int32_t st = guard_check();
    THEN(st, goTestPanicExport());
    return st;
}

int32_t pgqrs_test_panic_goroutine(void) {
    int32_t st = guard_check();
    THEN(st, goTestPanicGoroutine());
    return st;
}
