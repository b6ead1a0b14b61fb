/*
 * arena.h - memory that is freed all at once.
 *
 * What belongs to one batch, request or document lives in its arena; nothing
 * in it is freed singly, and nothing that lives longer may point into it.
 * One thread at a time.
 */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include "core/err.h"
#include "core/slice.h"

struct arena_block;

struct arena {
    struct arena_block *head;
    size_t used; /* bytes handed out since the last reset */
    size_t max;  /* ceiling in bytes */
};

void arena_init(struct arena *a, size_t max);
void arena_release(struct arena *a);
/* Everything handed out is gone; the largest block is kept for reuse. */
void arena_reset(struct arena *a);

/* n bytes aligned to 16, not zeroed; NULL with *e set when over the ceiling
 * or out of memory. */
void *arena_alloc(struct arena *a, size_t n, struct err *e) MUST_USE;
/* A copy of s, NUL-terminated behind its length. */
int arena_copy(struct arena *a, struct slice s, struct slice *ret,
               struct err *e) MUST_USE;
/* A formatted, NUL-terminated text; NULL with *e set on failure. */
char *arena_printf(struct arena *a, struct err *e, const char *fmt, ...)
    PRINTF_LIKE(3, 4) MUST_USE;

#endif
