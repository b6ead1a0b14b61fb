#include <string.h>

#include "broker/seglog_write_int.h"
#include "core/mem.h"

void *seglog_stage_room(void *list, size_t n, size_t *cap, size_t size,
                        struct err *e)
{
    size_t more = *cap ? *cap : 64;
    void *p;

    if (n < *cap) {
        return list;
    }
    while (more <= n) {
        more *= 2;
    }
    p = mem_resize(list, more, size);
    if (p == NULL) {
        (void)err_nomem(e, more * size);
        return NULL;
    }
    *cap = more;
    return p;
}

static struct seglog_request *request_of(const struct broker_produce *p)
{
    return p->state;
}

/* Consecutive reports of one partition (or refused for one reason). */
int seglog_stage_runs(struct seglog_writer *w, const struct broker_produce *p,
                      struct err *e)
{
    w->nruns = 0;
    for (size_t i = 0; i < p->n; i++) {
        const struct broker_report *r = &p->reports[i];
        int32_t part = r->code == ERR_NONE ? r->partition : -(int32_t)r->code;
        void *list;

        if (w->nruns > 0 && w->runs[w->nruns - 1].partition == part) {
            w->runs[w->nruns - 1].count++;
            continue;
        }
        list = seglog_stage_room(w->runs, w->nruns, &w->runs_cap,
                                 sizeof(*w->runs), e);
        if (list == NULL) {
            return -1;
        }
        w->runs = list;
        w->runs[w->nruns++] = (struct codec_run){part, 1, r->offset};
    }
    return 0;
}

struct codec_key seglog_stage_key(const struct seglog_writer *w,
                                  const struct broker_produce *p)
{
    struct codec_key k = {.runs = (uint32_t)w->nruns};

    memcpy(k.hash, request_of(p)->hash, sizeof(k.hash));
    memcpy(k.digest, p->body_digest, sizeof(k.digest));
    return k;
}

/* True: the key was used before, and p has its answer or the conflict. */
static bool answered_before(struct seglog_writer *w, struct broker_produce *p)
{
    struct seglog_request *r = request_of(p);
    const struct window_entry *en =
        r->has_key ? window_find(w->window, r->hash) : NULL;

    if (en == NULL) {
        return false;
    }
    if (memcmp(en->digest, p->body_digest, sizeof(en->digest)) != 0) {
        (void)err_set(
            &p->error, ERR_CONFLICT,
            "idempotency key \"%.*s\" was used before with another "
            "body",
            p->idempotency_key.len > 100 ? 100 : (int)p->idempotency_key.len,
            p->idempotency_key.ptr);
        return true;
    }
    window_answer(en, p->reports, p->n);
    p->repeated = true;
    return true;
}

/* The offsets that the records would have: nothing is changed yet. */
static void fill_reports(struct broker_produce *p)
{
    struct seglog_request *r = request_of(p);

    for (size_t i = 0; i < r->nchunks; i++) {
        if (r->chunks[i].first_of_part) {
            r->chunks[i].part->cursor = r->chunks[i].part->tail;
        }
    }
    for (size_t i = 0; i < p->n; i++) {
        int32_t n = r->parts[i];

        if (n < 0) {
            p->reports[i] = (struct broker_report){-1, -1, (enum err_code) - n};
        } else {
            p->reports[i] = (struct broker_report){
                n, r->topic->parts[n].cursor++, ERR_NONE};
        }
    }
}

/* From here on the request is part of the commit. */
static void link_chunks(struct seglog_writer *w, struct seglog_request *r)
{
    for (size_t i = 0; i < r->nchunks; i++) {
        struct seglog_chunk *c = &r->chunks[i];
        struct seglog_part *part = c->part;

        c->request = r;
        c->next = NULL;
        c->first = part->tail;
        part->tail += c->count;
        if (part->head) {
            part->last->next = c;
        } else {
            part->head = c;
            w->touched[w->ntouched++] = part;
        }
        part->last = c;
    }
    r->staged = r->nchunks > 0;
}

void seglog_stage_request(struct seglog_writer *w, struct broker_produce *p)
{
    struct seglog_request *r = request_of(p);
    struct err *e = &p->error;
    void *list;

    if (answered_before(w, p)) {
        return;
    }
    list = seglog_stage_room(w->touched, w->ntouched + r->nchunks,
                             &w->touched_cap, sizeof(struct seglog_part *), e);
    if (list == NULL) {
        return;
    }
    w->touched = list;
    fill_reports(p);
    if (r->has_key && r->nchunks > 0) {
        struct codec_key k;

        if (seglog_stage_runs(w, p, e) < 0) {
            return;
        }
        k = seglog_stage_key(w, p);
        if (window_add(w->window, &k, w->runs, w->at_us, e) < 0) {
            return;
        }
        r->remembered = true;
    }
    link_chunks(w, r);
}

void seglog_stage_undo(struct seglog_writer *w, struct broker_produce *list,
                       const struct err *why)
{
    for (size_t i = 0; i < w->ntouched; i++) {
        w->touched[i]->tail = w->touched[i]->next;
    }
    for (struct broker_produce *p = list; p; p = p->next) {
        if (request_of(p)->remembered) {
            window_pop(w->window);
        }
        if (p->error.code == ERR_NONE) {
            p->error = *why;
        }
        p->repeated = false;
    }
}
