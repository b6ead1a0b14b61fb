#include <string.h>

#include "core/mem.h"
#include "json/json.h"

enum {
    POOL_ALIGN = 16,
    POOL_FIRST = 32 * 1024,
    POOL_KEEP = 16 * 1024 * 1024 /* a larger chunk is not kept */
};

struct json_chunk {
    struct json_chunk *next;
    size_t cap;
    size_t used;
    size_t last; /* where the newest allocation begins */
    _Alignas(POOL_ALIGN) char bytes[];
};

static size_t align_up(size_t n)
{
    return (n + POOL_ALIGN - 1) & ~(size_t)(POOL_ALIGN - 1);
}

static struct json_chunk *add_chunk(struct json_pool *p, size_t n)
{
    size_t cap = p->head ? p->head->cap * 2 : POOL_FIRST;
    size_t spent = p->used + (p->head ? p->head->cap : 0);
    struct json_chunk *c;

    if (n > p->max || spent > p->max - n) {
        p->hit_max = true;
        return NULL;
    }
    if (cap > p->max - spent) {
        cap = p->max - spent;
    }
    if (cap < n) {
        cap = n;
    }
    c = mem_resize(NULL, sizeof(*c) + cap, 1);
    if (c == NULL) {
        return NULL;
    }
    *c = (struct json_chunk){.next = p->head, .cap = cap};
    p->used = spent;
    p->head = c;
    return c;
}

static void *pool_malloc(void *ctx, size_t size)
{
    struct json_pool *p = ctx;
    struct json_chunk *c = p->head;

    if (size > p->max) {
        p->hit_max = true;
        return NULL;
    }
    size = align_up(size);
    if (c == NULL || c->cap - c->used < size) {
        c = add_chunk(p, size);
        if (c == NULL) {
            return NULL;
        }
    }
    c->last = c->used;
    c->used += size;
    return c->bytes + c->last;
}

static void *pool_realloc(void *ctx, void *ptr, size_t old_size, size_t size)
{
    struct json_pool *p = ctx;
    struct json_chunk *c = p->head;
    void *fresh;

    if (c != NULL && ptr == c->bytes + c->last && size <= p->max &&
        align_up(size) <= c->cap - c->last) {
        c->used = c->last + align_up(size);
        return ptr;
    }
    fresh = pool_malloc(ctx, size);
    if (fresh != NULL) {
        memcpy(fresh, ptr, old_size < size ? old_size : size);
    }
    return fresh;
}

static void pool_free(void *ctx, void *ptr)
{
    struct json_pool *p = ctx;
    struct json_chunk *c = p->head;

    if (c != NULL && ptr == c->bytes + c->last) {
        c->used = c->last;
    }
}

void json_pool_init(struct json_pool *p, size_t max)
{
    *p = (struct json_pool){
        .alc = {pool_malloc, pool_realloc, pool_free, p},
        .max = max,
    };
}

static void free_chunks(struct json_chunk *c)
{
    while (c != NULL) {
        struct json_chunk *next = c->next;

        mem_free(c);
        c = next;
    }
}

void json_pool_release(struct json_pool *p)
{
    free_chunks(p->head);
    p->head = NULL;
    p->used = 0;
}

/* The newest chunk is the largest but for odd requests: keep that one. */
void json_pool_reset(struct json_pool *p)
{
    struct json_chunk *c = p->head;

    p->hit_max = false;
    if (c == NULL) {
        return;
    }
    free_chunks(c->next);
    p->used = 0;
    if (c->cap > POOL_KEEP) {
        mem_free(c);
        p->head = NULL;
        return;
    }
    c->next = NULL;
    c->used = 0;
    c->last = 0;
}
