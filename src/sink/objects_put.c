/*
 * objects_put.c - the threads that compress and put objects.
 *
 * An object is put as one that must be new.  Where its key is taken, it holds
 * the same text (an earlier run put it, and ended before it could say so), or
 * the sink stops.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/compress.h"
#include "core/inject.h"
#include "core/mem.h"
#include "sink/objects_int.h"

enum {
    WORKERS_MAX = 64,
    WAITING_MAX = 256
};

struct worker {
    struct objects_crew *crew;
    struct thread thread;
    struct store *store;
};

struct objects_crew {
    struct objects_crew_conf conf;
    bool has_if_absent;
    atomic_bool stop;
    struct queue queue;
    struct mutex lock;
    struct cond changed;
    size_t bytes; /* of texts that were given and not yet put, and packed */
    struct worker workers[WORKERS_MAX];
    size_t n;
};

/* --- jobs --------------------------------------------------------------------- */

struct objects_job *objects_job_new(struct err *e)
{
    struct objects_job *j = mem_zero(1, sizeof(*j));

    if (j == NULL) {
        err_nomem(e, sizeof(*j));
    }
    return j;
}

void objects_job_free(struct objects_job *j)
{
    if (j == NULL) {
        return;
    }
    for (size_t i = 0; i < j->n; i++) {
        buf_release(&j->texts[i].bytes);
    }
    mem_free(j->texts);
    mem_free(j);
}

size_t objects_job_held(const struct objects_job *j)
{
    return j->bytes + j->n * sizeof(*j->texts);
}

struct objects_text *objects_job_text(struct objects_job *j,
                                      const char *encoded, int64_t offset,
                                      struct err *e)
{
    struct objects_text *t;

    for (size_t i = j->n; i > 0; i--) {
        if (strcmp(j->texts[i - 1].encoded, encoded) == 0) {
            return &j->texts[i - 1];
        }
    }
    if (j->n == j->cap) {
        size_t cap = j->cap ? j->cap * 2 : 1;

        t = mem_resize(j->texts, cap, sizeof(*t));
        if (t == NULL) {
            err_nomem(e, cap * sizeof(*t));
            return NULL;
        }
        j->texts = t;
        j->cap = cap;
    }
    t = &j->texts[j->n++];
    *t = (struct objects_text){.first = offset};
    (void)snprintf(t->encoded, sizeof(t->encoded), "%s", encoded);
    buf_init(&t->bytes, OBJECT_BYTES_MAX);
    return t;
}

/* --- one object --------------------------------------------------------------------- */

/* An object that is there already must hold the same text. */
static int compare(struct worker *w, const struct objects_text *t,
                   struct err *e)
{
    struct buf stored;
    struct buf plain;
    int rc = -1;

    buf_init(&stored, OBJECT_BYTES_MAX);
    buf_init(&plain, OBJECT_BYTES_MAX);
    if (store_get(w->store, t->key, &stored, e) < 0 ||
        compress_unpack(compress_sniff(buf_slice(&stored)), buf_slice(&stored),
                        &plain, e) < 0) {
        goto out;
    }
    if (!slice_eq(buf_slice(&plain), buf_slice(&t->bytes))) {
        err_set(e, ERR_CORRUPT,
                "object \"%s\" in \"%s\" exists with other content; it was "
                "written by another topic of this name: move it away or use "
                "another folder",
                t->key, store_name(w->store));
        goto out;
    }
    rc = 0;
out:
    buf_release(&plain);
    buf_release(&stored);
    return rc;
}

/* For servers that ignore conditional puts; only one owner writes here, so
 * that nobody comes between. */
static int put_if_not_there(struct worker *w, const struct objects_text *t,
                            struct slice bytes, struct err *e)
{
    struct store_object found;
    struct err why;

    if (store_stat(w->store, t->key, &found, &why) == 0) {
        return compare(w, t, e);
    }
    if (why.code != ERR_NOTFOUND) {
        if (e != NULL) {
            *e = why;
        }
        return -1;
    }
    return store_put(w->store, t->key, bytes, STORE_REPLACE, e);
}

static int put_new(struct worker *w, const struct objects_text *t,
                   struct slice bytes, struct err *e)
{
    struct err why;

    if (!w->crew->has_if_absent) {
        return put_if_not_there(w, t, bytes, e);
    }
    if (store_put(w->store, t->key, bytes, STORE_IF_ABSENT, &why) == 0) {
        return 0;
    }
    if (why.code == ERR_EXISTS) {
        return compare(w, t, e);
    }
    if (e != NULL) {
        *e = why;
    }
    return -1;
}

/* What a worker has more in hand, or less. */
static void charge(struct objects_crew *c, size_t more, size_t less)
{
    mutex_lock(&c->lock);
    c->bytes += more;
    c->bytes -= less;
    cond_broadcast(&c->changed);
    mutex_unlock(&c->lock);
}

static int publish(struct worker *w, const struct objects_text *t,
                   struct err *e)
{
    struct buf packed;
    int rc;

    if (!w->crew->conf.gzip) {
        return put_new(w, t, buf_slice(&t->bytes), e);
    }
    buf_init(&packed, OBJECT_BYTES_MAX);
    rc = compress_gzip(buf_slice(&t->bytes), &packed, e);
    if (rc == 0) {
        charge(w->crew, packed.len, 0);
        rc = put_new(w, t, buf_slice(&packed), e);
        charge(w->crew, 0, packed.len);
    } else {
        err_wrap(e, "object \"%s\"", t->key);
    }
    buf_release(&packed);
    return rc;
}

static int publish_all(struct worker *w, struct objects_job *j)
{
    if (atomic_load(&w->crew->stop)) {
        return err_set(&j->err, ERR_INTERRUPTED, "the sink was closed");
    }
    INJECT(objects_before_publish);
    if (w->store == NULL &&
        store_open(&w->store, &w->crew->conf.store, &j->err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < j->n; i++) {
        if (publish(w, &j->texts[i], &j->err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- the crew --------------------------------------------------------------------------- */

static void work(void *arg)
{
    struct worker *w = arg;
    struct objects_crew *c = w->crew;
    void *item;

    while (queue_pop(&c->queue, &item)) {
        struct objects_job *j = item;
        size_t held = objects_job_held(j);
        int rc = publish_all(w, j);

        for (size_t i = 0; i < j->n; i++) {
            buf_release(&j->texts[i].bytes); /* the job may wait for older */
        }
        mutex_lock(&c->lock);
        j->rc = rc;
        j->finished = true;
        c->bytes -= held;
        cond_broadcast(&c->changed);
        mutex_unlock(&c->lock);
    }
    store_close(w->store);
    w->store = NULL;
}

/* Whether the far side can be reached, and honours conditional puts. */
static int try_store(struct objects_crew *c, struct err *e)
{
    struct store *s;
    int rc;

    if (store_open(&s, &c->conf.store, e) < 0) {
        return -1;
    }
    rc = store_has_if_absent(s, &c->has_if_absent, e);
    store_close(s);
    return rc;
}

int objects_crew_open(struct objects_crew **ret,
                      const struct objects_crew_conf *conf, struct err *e)
{
    struct objects_crew *c = mem_zero(1, sizeof(*c));
    size_t n = conf->workers > 0 && conf->workers <= WORKERS_MAX
                   ? (size_t)conf->workers
                   : 4;

    if (c == NULL) {
        return err_nomem(e, sizeof(*c));
    }
    c->conf = *conf;
    atomic_init(&c->stop, false);
    if (queue_init(&c->queue, WAITING_MAX, e) < 0) {
        mem_free(c);
        return -1;
    }
    mutex_init(&c->lock);
    cond_init(&c->changed);
    if (try_store(c, e) < 0) {
        goto fail;
    }
    for (size_t i = 0; i < n; i++) {
        struct worker *w = &c->workers[i];

        w->crew = c;
        if (thread_start(&w->thread, "objects", work, w, e) < 0) {
            goto fail;
        }
        c->n++;
    }
    *ret = c;
    return 0;
fail:
    objects_crew_close(c);
    return -1;
}

void objects_crew_close(struct objects_crew *c)
{
    if (c == NULL) {
        return;
    }
    atomic_store(&c->stop, true);
    queue_close(&c->queue);
    for (size_t i = 0; i < c->n; i++) {
        thread_join(&c->workers[i].thread);
    }
    cond_release(&c->changed);
    mutex_release(&c->lock);
    queue_release(&c->queue);
    mem_free(c);
}

void objects_crew_give(struct objects_crew *c, struct objects_job *j)
{
    charge(c, objects_job_held(j), 0);
    j->given = true;
    (void)queue_push(&c->queue, j);
}

size_t objects_crew_bytes(struct objects_crew *c, size_t most)
{
    size_t bytes;

    mutex_lock(&c->lock);
    while (c->bytes > most) {
        cond_wait(&c->changed, &c->lock);
    }
    bytes = c->bytes;
    mutex_unlock(&c->lock);
    return bytes;
}

bool objects_crew_finished(struct objects_crew *c, const struct objects_job *j,
                           bool wait)
{
    bool finished;

    mutex_lock(&c->lock);
    while (wait && !j->finished) {
        cond_wait(&c->changed, &c->lock);
    }
    finished = j->finished;
    mutex_unlock(&c->lock);
    return finished;
}
