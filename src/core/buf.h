/*
 * buf.h - a growable byte buffer that cannot grow past its ceiling.
 *
 * The struct is the caller's, often on the stack; the bytes are the buffer's.
 * buf_slice() borrows them until the next call that takes a `struct buf *`.
 * A failed append changes nothing.
 */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include "core/err.h"
#include "core/slice.h"

struct buf {
    char *ptr;
    size_t len;
    size_t cap;
    size_t max; /* ceiling in bytes; appending past it is ERR_LIMIT */
};

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b); /* then as after buf_init() */
void buf_clear(struct buf *b);   /* length 0, memory kept */

int buf_append(struct buf *b, struct slice s, struct err *e) MUST_USE;
int buf_putc(struct buf *b, char c, struct err *e) MUST_USE;
int buf_puts(struct buf *b, const char *text, struct err *e) MUST_USE;
int buf_putf(struct buf *b, struct err *e, const char *fmt, ...)
    PRINTF_LIKE(3, 4) MUST_USE;

/* Room for `more` bytes after ptr + len; the caller then adds to len. */
int buf_reserve(struct buf *b, size_t more, struct err *e) MUST_USE;
/* Put a NUL behind the bytes (not counted in len) and borrow them as text. */
int buf_text(struct buf *b, const char **ret, struct err *e) MUST_USE;
/* The bytes become the caller's (mem_free); the buffer is empty after. */
char *buf_take(struct buf *b, size_t *ret_len);

static inline struct slice buf_slice(const struct buf *b)
{
    return (struct slice){b->ptr, b->len};
}

#endif
