#include "core/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"

enum {
    BUF_FIRST_CAP = 64
};

void buf_init(struct buf *b, size_t max)
{
    assert(max > 0);
    *b = (struct buf){.max = max};
}

void buf_release(struct buf *b)
{
    mem_free(b->ptr);
    *b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
    b->len = 0;
}

int buf_reserve(struct buf *b, size_t more, struct err *e)
{
    size_t cap = b->cap ? b->cap : BUF_FIRST_CAP;
    char *p;

    if (more > b->max - b->len) {
        return err_set(e, ERR_LIMIT, "buffer would exceed %zu bytes", b->max);
    }
    if (b->len + more <= b->cap) {
        return 0;
    }
    while (cap < b->len + more) {
        cap = cap > b->max / 2 ? b->max : cap * 2;
    }
    p = mem_resize(b->ptr, cap, 1);
    if (p == NULL) {
        return err_nomem(e, cap);
    }
    b->ptr = p;
    b->cap = cap;
    return 0;
}

int buf_append(struct buf *b, struct slice s, struct err *e)
{
    if (s.len == 0) {
        return 0;
    }
    if (buf_reserve(b, s.len, e) < 0) {
        return -1;
    }
    memcpy(b->ptr + b->len, s.ptr, s.len);
    b->len += s.len;
    return 0;
}

int buf_putc(struct buf *b, char c, struct err *e)
{
    return buf_append(b, (struct slice){&c, 1}, e);
}

int buf_puts(struct buf *b, const char *text, struct err *e)
{
    return buf_append(b, slice_of(text), e);
}

int buf_putf(struct buf *b, struct err *e, const char *fmt, ...)
{
    va_list ap;
    va_list again;
    int n;
    int rc = -1;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    if (n < 0) {
        err_set(e, ERR_INVALID, "cannot format a text");
        goto out;
    }
    if (b->max - b->len < (size_t)n + 1) {
        err_set(e, ERR_LIMIT, "buffer would exceed %zu bytes", b->max);
        goto out;
    }
    if (buf_reserve(b, (size_t)n + 1, e) < 0) {
        goto out;
    }
    (void)vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, again);
    b->len += (size_t)n;
    rc = 0;
out:
    va_end(again);
    va_end(ap);
    return rc;
}

int buf_text(struct buf *b, const char **ret, struct err *e)
{
    if (buf_reserve(b, 1, e) < 0) {
        return -1;
    }
    b->ptr[b->len] = '\0';
    *ret = b->ptr;
    return 0;
}

char *buf_take(struct buf *b, size_t *ret_len)
{
    char *p = b->ptr;

    if (ret_len != NULL) {
        *ret_len = b->len;
    }
    *b = (struct buf){.max = b->max};
    return p;
}
