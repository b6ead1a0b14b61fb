#include "clean/crew.h"

#include <string.h>

#include "core/mem.h"
#include "core/thread.h"

enum {
    BLOCK_BYTES_MAX = 128 << 20,
    BLOCKS_PER_THREAD = 3
};

struct slot {
    struct crew_block block;
    int64_t number; /* in order of filling */
    enum {
        SLOT_FREE,
        SLOT_BUSY,
        SLOT_READY
    } state;
};

struct crew {
    const struct crew_conf *conf;
    struct mutex lock;
    struct cond changed;
    struct slot *slots;
    size_t nslots;
    int64_t filled, taken; /* blocks */
    bool filling, taking, ended;
    bool failed;
    struct err error; /* the first */
    uint8_t *keep;
    size_t keep_cap;
};

struct worker {
    struct crew *crew;
    struct clean *clean;
    struct thread thread;
};

int crew_block_add(struct crew_block *b, const struct message *m, struct err *e)
{
    if (b->n == b->cap) {
        size_t cap = b->cap * 2 + 1024;
        struct message *p = mem_resize(b->m, cap, sizeof(*p));

        if (p == NULL) {
            return err_nomem(e, cap * sizeof(*p));
        }
        b->m = p;
        b->cap = cap;
    }
    b->m[b->n++] = *m;
    return 0;
}

/* With the lock held. */
static void fail(struct crew *c, const struct err *e)
{
    if (!c->failed) {
        c->failed = true;
        c->error = *e;
    }
    cond_broadcast(&c->changed);
}

static int drop_seen(struct crew *c, struct crew_block *b, struct err *e)
{
    struct clean_out *o = &b->out;
    size_t rows = o->rows.rows, fresh, kept = 0;

    if (c->conf->seen == NULL || rows == 0) {
        return 0;
    }
    if (rows > c->keep_cap) {
        uint8_t *keep = mem_resize(c->keep, rows, 1);

        if (keep == NULL) {
            return err_nomem(e, rows);
        }
        c->keep = keep;
        c->keep_cap = rows;
    }
    if (dedup_add(c->conf->seen, o->hash, rows, c->keep, &fresh, e) != 0) {
        return -1;
    }
    if (fresh == rows) {
        return 0;
    }
    for (size_t i = 0; i < rows; i++) {
        if (c->keep[i] != 0) {
            o->offset[kept] = o->offset[i];
            o->sub[kept] = o->sub[i];
            o->hash[kept] = o->hash[i];
            kept++;
        }
    }
    batch_filter(&o->rows, c->keep);
    b->duplicates = (int64_t)(rows - fresh);
    return 0;
}

/* Lock held at entry and exit: take every block whose turn it is. */
static void take_ready(struct crew *c)
{
    bool found = true;

    if (c->taking) {
        return;
    }
    c->taking = true;
    while (found && !c->failed) {
        struct slot *s = NULL;
        struct err e;
        int rc;

        for (size_t i = 0; i < c->nslots; i++) {
            if (c->slots[i].state == SLOT_READY &&
                c->slots[i].number == c->taken) {
                s = &c->slots[i];
            }
        }
        found = s != NULL;
        if (!found) {
            break;
        }
        mutex_unlock(&c->lock);
        rc = drop_seen(c, &s->block, &e);
        if (rc == 0) {
            rc = c->conf->take(c->conf->arg, &s->block, &e);
        }
        mutex_lock(&c->lock);
        c->taken++;
        s->state = SLOT_FREE;
        if (rc != 0) {
            fail(c, &e);
        }
        cond_broadcast(&c->changed);
    }
    c->taking = false;
}

/* Lock held: wait until a block may be filled; NULL: there is no more. */
static struct slot *free_slot(struct crew *c)
{
    while (!c->failed && !c->ended) {
        for (size_t i = 0; i < c->nslots && !c->filling; i++) {
            if (c->slots[i].state == SLOT_FREE) {
                return &c->slots[i];
            }
        }
        cond_wait(&c->changed, &c->lock);
    }
    return NULL;
}

/* Lock held: the next block, filled; NULL at the end. */
static struct slot *next_block(struct crew *c)
{
    struct slot *s = free_slot(c);
    struct err e;
    int rc;

    if (s == NULL) {
        return NULL;
    }
    s->state = SLOT_BUSY;
    c->filling = true;
    mutex_unlock(&c->lock);
    buf_clear(&s->block.bytes);
    s->block.n = 0;
    s->block.uncut = false;
    s->block.duplicates = 0;
    clean_out_clear(&s->block.out);
    rc = c->conf->fill(c->conf->arg, &s->block, &e);
    mutex_lock(&c->lock);
    c->filling = false;
    if (rc != 0) {
        fail(c, &e);
    }
    if (rc != 0 || (s->block.n == 0 && !s->block.uncut)) {
        c->ended = true;
        s->state = SLOT_FREE;
        s = NULL;
    } else {
        s->number = c->filled++;
    }
    cond_broadcast(&c->changed);
    return s;
}

static int clean_block(struct worker *w, struct crew_block *b, struct err *e)
{
    if (b->uncut && w->crew->conf->cut(b, e) != 0) {
        return -1;
    }
    clean_set_place(w->clean, b->topic, b->partition);
    return clean_messages(w->clean, b->m, b->n, &b->out, e);
}

static void work(void *arg)
{
    struct worker *w = arg;
    struct crew *c = w->crew;
    struct slot *s;

    mutex_lock(&c->lock);
    while ((s = next_block(c)) != NULL) {
        struct err e;
        int rc;

        mutex_unlock(&c->lock);
        rc = clean_block(w, &s->block, &e);
        mutex_lock(&c->lock);
        s->state = SLOT_READY;
        if (rc != 0) {
            fail(c, &e);
        }
        take_ready(c);
    }
    mutex_unlock(&c->lock);
}

static int make_slots(struct crew *c, size_t threads, struct err *e)
{
    size_t n = threads * BLOCKS_PER_THREAD;

    c->slots = mem_zero(n, sizeof(*c->slots));
    if (c->slots == NULL) {
        return err_nomem(e, n * sizeof(*c->slots));
    }
    for (; c->nslots < n; c->nslots++) {
        struct crew_block *b = &c->slots[c->nslots].block;

        buf_init(&b->bytes, BLOCK_BYTES_MAX);
        if (clean_out_init(&b->out, c->conf->table, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static void release(struct crew *c, struct worker *workers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        clean_free(workers[i].clean);
    }
    for (size_t i = 0; i < c->nslots; i++) {
        buf_release(&c->slots[i].block.bytes);
        mem_free(c->slots[i].block.m);
        clean_out_release(&c->slots[i].block.out);
    }
    mem_free(c->slots);
    mem_free(c->keep);
    cond_release(&c->changed);
    mutex_release(&c->lock);
}

static int run_all(struct crew *c, struct worker *workers, size_t n,
                   struct err *e)
{
    int rc = 0;

    for (size_t i = 1; i < n && rc == 0; i++) {
        struct err own;

        rc = thread_start(&workers[i].thread, "clean", work, &workers[i], &own);
        if (rc != 0) {
            mutex_lock(&c->lock);
            fail(c, &own);
            mutex_unlock(&c->lock);
        }
    }
    work(&workers[0]);
    for (size_t i = 1; i < n; i++) {
        thread_join(&workers[i].thread);
    }
    if (c->failed) {
        return err_set(e, c->error.code, "%s", c->error.msg);
    }
    return 0;
}

int crew_run(const struct crew_conf *conf, struct clean_counts *counts,
             struct err *e)
{
    struct worker workers[CREW_THREADS_MAX] = {0};
    struct crew c = {.conf = conf};
    struct clean_conf each = {.table = conf->table, .key = conf->key};
    int want = conf->threads > 0 ? conf->threads : thread_cores();
    size_t n = 0;
    int rc = -1;

    mutex_init(&c.lock);
    cond_init(&c.changed);
    want = want > CREW_THREADS_MAX ? CREW_THREADS_MAX : want;
    want = want < 1 ? 1 : want;
    if (make_slots(&c, (size_t)want, e) != 0) {
        goto out;
    }
    for (; n < (size_t)want; n++) {
        workers[n].crew = &c;
        if (clean_new(&workers[n].clean, &each, e) != 0) {
            goto out;
        }
    }
    rc = run_all(&c, workers, n, e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = clean_counts_add(counts, clean_counted(workers[i].clean), e);
    }
out:
    release(&c, workers, n);
    return rc;
}
