/*
 * err.h - what went wrong, in words, and whether to try again.
 *
 * A function that can fail takes `struct err *e` as its last parameter and
 * returns 0, or -1 with *e filled in.  The caller owns *e; it lives on the
 * stack, needs no release, and may be NULL where nobody will read it.  On
 * failure no other out-parameter has been touched.
 */
#ifndef CORE_ERR_H
#define CORE_ERR_H

#include "core/base.h"

/* XX(name, text, worth a retry?): the one list of error codes. */
#define ERR_CODE_MAP(XX)                               \
    XX(NONE, "success", false)                         \
    XX(INVALID, "invalid argument", false)             \
    XX(MALFORMED, "malformed input", false)            \
    XX(LIMIT, "limit exceeded", false)                 \
    XX(UNAVAILABLE, "not in this build", false)        \
    XX(NOTFOUND, "not found", false)                   \
    XX(EXISTS, "exists already", false)                \
    XX(DENIED, "permission denied", false)             \
    XX(FENCED, "another owner has taken over", false)  \
    XX(CORRUPT, "stored data are damaged", false)      \
    XX(DATA, "the data broke a limit", false)          \
    XX(INTERRUPTED, "interrupted", false)              \
    XX(NOMEM, "out of memory", true)                   \
    XX(BUSY, "busy", true)                             \
    XX(CONFLICT, "conflict with another writer", true) \
    XX(CONNECT, "far side could not be reached", true) \
    XX(IO, "input/output error", true)                 \
    XX(TIMEOUT, "timed out", true)

enum err_code {
#define XX(name, text, retry) ERR_##name,
    ERR_CODE_MAP(XX)
#undef XX
};

struct err {
    enum err_code code;
    int line;         /* where it was first raised */
    const char *file; /* static string */
    char msg[480];    /* "could not open file \"x\": Permission denied" */
};

/* -1, where the compiler and the analyzer see it. */
static inline int err_raised(void)
{
    return -1;
}

/* Fill *e and return -1, so that failing is one statement: return err_set(). */
#define err_set(e, code, ...) \
    (err_set_at((e), (code), __FILE__, __LINE__, __VA_ARGS__), err_raised())
void err_set_at(struct err *e, enum err_code code, const char *file, int line,
                const char *fmt, ...) PRINTF_LIKE(5, 6);

/* Put context in front of the message ("sink \"pins\": ..."); returns -1. */
#define err_wrap(e, ...) (err_wrap_with((e), __VA_ARGS__), err_raised())
void err_wrap_with(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The shortest way to say that an allocation of n bytes failed; returns -1. */
#define err_nomem(e, n) \
    err_set((e), ERR_NOMEM, "out of memory for %zu bytes", (size_t)(n))

/* Never NULL: the code's fixed text, and whether a retry can help. */
const char *err_text(enum err_code code);
bool err_retriable(enum err_code code);

#endif
