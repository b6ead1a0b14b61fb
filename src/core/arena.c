#include "core/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"

enum {
    ARENA_ALIGN = 16,
    ARENA_FIRST = 4096,
    ARENA_LARGEST = 1 << 20, /* of the doubling; larger wishes get their own */
};

struct arena_block {
    struct arena_block *next;
    size_t cap;
    size_t used;
    _Alignas(ARENA_ALIGN) char bytes[];
};

void arena_init(struct arena *a, size_t max)
{
    *a = (struct arena){.max = max};
}

void arena_release(struct arena *a)
{
    while (a->head != NULL) {
        struct arena_block *b = a->head;

        a->head = b->next;
        mem_free(b);
    }
    a->used = 0;
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = NULL;

    while (a->head != NULL) {
        struct arena_block *b = a->head;

        a->head = b->next;
        if (keep == NULL || b->cap > keep->cap) {
            mem_free(keep);
            keep = b;
        } else {
            mem_free(b);
        }
    }
    if (keep != NULL) {
        keep->next = NULL;
        keep->used = 0;
    }
    a->head = keep;
    a->used = 0;
}

static struct arena_block *grow(struct arena *a, size_t n, struct err *e)
{
    size_t cap = a->head ? a->head->cap * 2 : ARENA_FIRST;
    struct arena_block *b;

    if (cap > ARENA_LARGEST) {
        cap = ARENA_LARGEST;
    }
    if (cap < n) {
        cap = n;
    }
    b = mem_resize(NULL, sizeof(*b) + cap, 1);
    if (b == NULL) {
        err_nomem(e, cap);
        return NULL;
    }
    b->next = a->head;
    b->cap = cap;
    b->used = 0;
    a->head = b;
    return b;
}

void *arena_alloc(struct arena *a, size_t n, struct err *e)
{
    struct arena_block *b = a->head;
    void *p;

    if (n > a->max || a->used > a->max - n) {
        err_set(e, ERR_LIMIT, "more than %zu bytes in one arena", a->max);
        return NULL;
    }
    n = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (b == NULL || b->cap - b->used < n) {
        b = grow(a, n, e);
        if (b == NULL) {
            return NULL;
        }
    }
    p = b->bytes + b->used;
    b->used += n;
    a->used += n;
    return p;
}

int arena_copy(struct arena *a, struct slice s, struct slice *ret,
               struct err *e)
{
    char *p = arena_alloc(a, s.len + 1, e);

    if (p == NULL) {
        return -1;
    }
    if (s.len > 0) {
        memcpy(p, s.ptr, s.len);
    }
    p[s.len] = '\0';
    *ret = (struct slice){p, s.len};
    return 0;
}

char *arena_printf(struct arena *a, struct err *e, const char *fmt, ...)
{
    va_list ap;
    char *p;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        err_set(e, ERR_INVALID, "cannot format a text");
        return NULL;
    }
    p = arena_alloc(a, (size_t)n + 1, e);
    if (p == NULL) {
        return NULL;
    }
    va_start(ap, fmt);
    (void)vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return p;
}
