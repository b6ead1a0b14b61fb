/*
 * memory.c - a store in this process, for tests and trials.  Each handle has
 * objects of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "store/store_ops.h"

enum {
    OBJECTS_MAX = 1 << 20
};
#define OBJECT_BYTES_MAX ((size_t)1 << 30)

struct object {
    char *key;
    char *bytes;
    size_t len;
    int64_t time_us;
};

struct memory {
    struct object *objects; /* sorted by key */
    size_t n, cap;
};

static int memory_open(void **store, const char *rest,
                       const struct store_conf *conf, struct err *e)
{
    struct memory *m = mem_zero(1, sizeof(*m));

    (void)rest;
    (void)conf;
    if (m == NULL) {
        return err_nomem(e, sizeof(*m));
    }
    *store = m;
    return 0;
}

static void memory_close(void *store)
{
    struct memory *m = store;

    for (size_t i = 0; i < m->n; i++) {
        mem_free(m->objects[i].key);
        mem_free(m->objects[i].bytes);
    }
    mem_free(m->objects);
    mem_free(m);
}

/* Where the key is, or belongs. */
static size_t place(const struct memory *m, const char *key, bool *ret_there)
{
    size_t from = 0;
    size_t to = m->n;

    while (from < to) {
        size_t mid = (from + to) / 2;

        if (strcmp(m->objects[mid].key, key) < 0) {
            from = mid + 1;
        } else {
            to = mid;
        }
    }
    *ret_there = from < m->n && strcmp(m->objects[from].key, key) == 0;
    return from;
}

/* NULL, and the error, where there is none. */
static const struct object *find(const struct memory *m, const char *key,
                                 struct err *e)
{
    bool there;
    size_t at = place(m, key, &there);

    if (!there) {
        (void)err_set(e, ERR_NOTFOUND, "there is no such object");
        return NULL;
    }
    return &m->objects[at];
}

static struct slice bytes_of(const struct object *o)
{
    return (struct slice){o->bytes, o->len};
}

static int grow(struct memory *m, struct err *e)
{
    size_t cap = m->cap ? m->cap * 2 : 16;
    struct object *p;

    if (m->n < m->cap) {
        return 0;
    }
    if (cap > OBJECTS_MAX) {
        return err_set(e, ERR_LIMIT, "over %d objects in memory", OBJECTS_MAX);
    }
    p = mem_resize(m->objects, cap, sizeof(*p));
    if (p == NULL) {
        return err_nomem(e, cap * sizeof(*p));
    }
    m->objects = p;
    m->cap = cap;
    return 0;
}

static int memory_put(void *store, const char *key, struct slice bytes,
                      enum store_put_mode mode, struct err *e)
{
    struct memory *m = store;
    struct object new = {.len = bytes.len, .time_us = clock_wall_us()};
    bool there;
    size_t at = place(m, key, &there);

    if (there && mode == STORE_IF_ABSENT) {
        return err_set(e, ERR_EXISTS, "the object exists already");
    }
    if (!there && grow(m, e) < 0) {
        return -1;
    }
    new.bytes = mem_text(bytes.len > 0 ? bytes.ptr : "", bytes.len);
    new.key = mem_text(key, strlen(key));
    if (new.bytes == NULL || new.key == NULL) {
        mem_free(new.bytes);
        mem_free(new.key);
        return err_nomem(e, bytes.len);
    }
    if (there) {
        mem_free(m->objects[at].key);
        mem_free(m->objects[at].bytes);
    } else {
        memmove(&m->objects[at + 1], &m->objects[at],
                (m->n - at) * sizeof(*m->objects));
        m->n++;
    }
    m->objects[at] = new;
    return 0;
}

static int memory_put_file(void *store, const char *key, const char *path,
                           enum store_put_mode mode, struct err *e)
{
    struct buf b;
    int rc;

    buf_init(&b, OBJECT_BYTES_MAX);
    rc = fs_read(path, &b, e);
    if (rc == 0) {
        rc = memory_put(store, key, buf_slice(&b), mode, e);
    }
    buf_release(&b);
    return rc;
}

static int memory_get(void *store, const char *key, struct buf *b,
                      struct err *e)
{
    const struct object *o = find(store, key, e);

    return o != NULL ? buf_append(b, bytes_of(o), e) : -1;
}

static int memory_get_file(void *store, const char *key, const char *path,
                           struct err *e)
{
    const struct object *o = find(store, key, e);

    return o != NULL ? fs_publish(path, bytes_of(o), e) : -1;
}

static int memory_stat(void *store, const char *key, struct store_object *ret,
                       struct err *e)
{
    const struct object *o = find(store, key, e);

    if (o == NULL) {
        return -1;
    }
    ret->bytes = (int64_t)o->len;
    ret->time_us = o->time_us;
    return 0;
}

static int memory_erase(void *store, const char *key, struct err *e)
{
    struct memory *m = store;
    bool there;
    size_t at = place(m, key, &there);

    (void)e;
    if (there) {
        mem_free(m->objects[at].key);
        mem_free(m->objects[at].bytes);
        m->n--;
        memmove(&m->objects[at], &m->objects[at + 1],
                (m->n - at) * sizeof(*m->objects));
    }
    return 0;
}

static int memory_list(void *store, const struct store_lister *l, struct err *e)
{
    const struct memory *m = store;

    (void)e;
    for (size_t i = 0; i < m->n; i++) {
        const struct object *o = &m->objects[i];
        struct store_object found = {.bytes = (int64_t)o->len,
                                     .time_us = o->time_us};

        if (!store_lister_wants(l, o->key)) {
            continue;
        }
        memcpy(found.key, o->key, strlen(o->key) + 1);
        if (!l->fn(l->arg, &found)) {
            break;
        }
    }
    return 0;
}

const struct store_ops store_memory = {
    .name = "memory",
    .scheme = "memory:",
    .help = "objects in this process's memory, for tests",
    .open = memory_open,
    .put = memory_put,
    .put_file = memory_put_file,
    .get = memory_get,
    .get_file = memory_get_file,
    .stat = memory_stat,
    .erase = memory_erase,
    .list = memory_list,
    .close = memory_close,
};
