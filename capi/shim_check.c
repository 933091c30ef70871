/*
 * shim_check.c - what every public function checks before Go is entered. Go never
 * relies on recovering a nil dereference: with a host's fault handler installed
 * after ours, the process would die instead.
 */
#include "_cgo_export.h"
#include "shim.h"

/* Longer texts are garbage in `len`: no engine takes a value of this size. */
#define TEXT_MAX ((uint64_t)1 << 30)
/* Larger structs are garbage in `struct_size`. */
#define STRUCT_MAX 4096u

static int32_t refuse(pgqrs_handle *error, int32_t status, const char *field, const char *why) {
    if (error) *error = goFail(status, field, why);
    return status;
}

int32_t shim_accept(shim_submit *s, pgqrs_handle cq, uint64_t user_data, pgqrs_handle *op, pgqrs_handle *error) {
    s->cq = cq;
    s->user_data = user_data;
    s->op = op;
    s->error = error;
    if (op) *op = 0;
    return shim_begin(error);
}

int32_t shim_begin(pgqrs_handle *error) {
    if (error) *error = 0;
    return guard_check();
}

int32_t shim_out(void *out, size_t size, const char *name, pgqrs_handle *error) {
    int32_t st = PGQRS_OK;
    if (out)
        memset(out, 0, size);
    else
        st = refuse(error, PGQRS_E_INVALID_ARGUMENT, name, "must not be NULL");
    return st;
}

int32_t shim_text(const pgqrs_str *text, const char *name, pgqrs_handle *error) {
    int32_t st = PGQRS_OK;
    if (text->len > 0 && !text->data)
        st = refuse(error, PGQRS_E_INVALID_ARGUMENT, name, "has a length but no data");
    else if (text->len > TEXT_MAX)
        st = refuse(error, PGQRS_E_INVALID_ARGUMENT, name, "is longer than 1 GiB");
    return st;
}

int32_t shim_need_text(const pgqrs_str *text, const char *name, pgqrs_handle *error) {
    return text ? shim_text(text, name, error) : refuse(error, PGQRS_E_INVALID_ARGUMENT, name, "must not be NULL");
}

int32_t shim_texts(const pgqrs_str *texts, uint32_t count, const char *name, pgqrs_handle *error) {
    int32_t st = shim_array(texts, count, name, error);
    uint32_t i;
    for (i = 0; i < count && st == PGQRS_OK; i++) st = shim_text(&texts[i], name, error);
    return st;
}

int32_t shim_array(const void *items, uint32_t count, const char *name, pgqrs_handle *error) {
    return items || count == 0 ? PGQRS_OK : refuse(error, PGQRS_E_INVALID_ARGUMENT, name, "must not be NULL");
}

/* The caller compiled against a header that may know more fields: what lies
 * beyond ours must be zero, which is the default, or it would be lost. */
static int32_t beyond(const unsigned char *from, size_t known, size_t given, const char *name, pgqrs_handle *error) {
    int32_t st = PGQRS_OK;
    size_t i;
    for (i = known; i < given && st == PGQRS_OK; i++)
        if (from[i] != 0)
            st = refuse(error, PGQRS_E_ABI_MISMATCH, name,
                        "sets a field this version of the library does not know; use a newer library");
    return st;
}

int32_t shim_options(void *into, size_t size, const void *from, const char *name, pgqrs_handle *error) {
    int32_t st = PGQRS_OK;
    uint32_t given = 0;
    memset(into, 0, size);
    if (from) {
        memcpy(&given, from, sizeof given); /* struct_size is the first field of all of them */
        if (given < sizeof given || given > STRUCT_MAX)
            st = refuse(error, PGQRS_E_INVALID_ARGUMENT, name,
                        "struct_size is not the size of the struct; fill it with PGQRS_INIT");
        THEN(st, beyond(from, size, given, name, error));
        if (st == PGQRS_OK) memcpy(into, from, given < size ? given : size);
    }
    return st;
}

int32_t shim_table_options(pgqrs_table_options *into, const pgqrs_table_options *from, pgqrs_handle *error) {
    int32_t st = SHIM_OPTIONS(into, from, error);
    THEN(st, shim_text(&into->queue, "queue", error));
    THEN(st, shim_text(&into->payload, "payload", error));
    THEN(st, shim_text(&into->status, "status", error));
    return st;
}
