#include "flow/cleaner.h"

#include "core/mem.h"
#include "core/thread.h"

enum {
    SPLIT_MIN = 256, /* messages below which another thread costs more */
};

struct worker {
    struct clean *clean;
    struct cleaner_part part;
    const struct message *messages;
    size_t n;
    struct err error;
    int rc;
    struct thread thread;
};

struct cleaner {
    struct cleaner_conf conf;
    struct worker workers[CLEANER_PARTS_MAX];
    struct cleaner_part *parts[CLEANER_PARTS_MAX];
    size_t nworkers;
    uint8_t *keep;
    size_t keep_cap;
};

void cleaner_free(struct cleaner *c)
{
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < c->nworkers; i++) {
        clean_free(c->workers[i].clean);
        clean_out_release(&c->workers[i].part.out);
    }
    mem_free(c->keep);
    mem_free(c);
}

int cleaner_new(struct cleaner **ret, const struct cleaner_conf *conf,
                struct err *e)
{
    struct cleaner *c = mem_zero(1, sizeof(*c));
    size_t want = (size_t)(conf->threads > 0 ? conf->threads : thread_cores());
    struct clean_conf each = {.table = conf->table, .key = conf->key};

    if (c == NULL) {
        return err_nomem(e, sizeof(*c));
    }
    c->conf = *conf;
    for (size_t i = 0; i < want && i < CLEANER_PARTS_MAX; i++) {
        struct worker *w = &c->workers[i];

        if (clean_new(&w->clean, &each, e) < 0) {
            goto fail;
        }
        if (clean_out_init(&w->part.out, conf->table, e) < 0) {
            clean_free(w->clean);
            goto fail;
        }
        c->nworkers++;
    }
    *ret = c;
    return 0;

fail:
    cleaner_free(c);
    return -1;
}

static void work(void *arg)
{
    struct worker *w = arg;

    clean_out_clear(&w->part.out);
    w->part.duplicates = 0;
    w->rc =
        clean_messages(w->clean, w->messages, w->n, &w->part.out, &w->error);
}

/* Give each worker its run; returns how many have one. */
static size_t split(struct cleaner *c, const struct cleaner_input *in)
{
    size_t runs = in->n / SPLIT_MIN + 1;
    size_t at = 0;

    if (runs > c->nworkers) {
        runs = c->nworkers;
    }
    for (size_t i = 0; i < runs; i++) {
        struct worker *w = &c->workers[i];
        size_t end = in->n * (i + 1) / runs;

        w->part.first = at;
        w->part.n = end - at;
        w->messages = in->messages + at;
        w->n = end - at;
        w->rc = 0;
        clean_set_place(w->clean, in->topic, in->partition);
        at = end;
    }
    return runs;
}

static int drop_seen(struct cleaner *c, struct cleaner_part *p, struct err *e)
{
    struct clean_out *o = &p->out;
    size_t rows = o->rows.rows;
    size_t fresh;
    size_t kept = 0;

    if (c->conf.seen == NULL || rows == 0) {
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
    if (dedup_add(c->conf.seen, o->hash, rows, c->keep, &fresh, e) < 0) {
        return -1;
    }
    if (fresh == rows) {
        return 0;
    }
    for (size_t i = 0; i < rows; i++) {
        if (c->keep[i]) {
            o->offset[kept] = o->offset[i];
            o->sub[kept] = o->sub[i];
            o->hash[kept] = o->hash[i];
            kept++;
        }
    }
    batch_filter(&o->rows, c->keep);
    p->duplicates = (int64_t)(rows - fresh);
    return 0;
}

int cleaner_run(struct cleaner *c, const struct cleaner_input *in,
                struct cleaner_part ***ret_parts, size_t *ret_n, struct err *e)
{
    size_t runs = split(c, in);
    int rc = 0;

    for (size_t i = 1; i < runs; i++) {
        if (thread_start(&c->workers[i].thread, "clean", work, &c->workers[i],
                         e) < 0) {
            rc = -1;
            break;
        }
    }
    work(&c->workers[0]);
    for (size_t i = 1; i < runs; i++) {
        thread_join(&c->workers[i].thread);
    }
    for (size_t i = 0; i < runs && rc == 0; i++) {
        struct worker *w = &c->workers[i];

        if (w->rc < 0) {
            *e = w->error;
            rc = -1;
        } else {
            rc = drop_seen(c, &w->part, e);
        }
        c->parts[i] = &w->part;
    }
    if (rc < 0) {
        return -1;
    }
    *ret_parts = c->parts;
    *ret_n = runs;
    return 0;
}

int cleaner_counts(struct cleaner *c, struct clean_counts *ret, struct err *e)
{
    for (size_t i = 0; i < c->nworkers; i++) {
        if (clean_counts_add(ret, clean_counted(c->workers[i].clean), e) < 0) {
            return -1;
        }
    }
    return 0;
}
