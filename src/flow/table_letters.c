/* table_letters.c - dead letters of a table job, written some at a time. */
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "flow/table_job_int.h"

enum {
    LETTERS_BYTES = 16 << 20, /* payloads in memory before they are written */
    LETTERS_MAX = 100000,
};

static int add(struct table_job *j, const struct deadletter *d, struct err *e)
{
    if (j->nletters == j->letters_cap) {
        size_t cap = j->letters_cap * 2 + 64;
        struct deadletter *p = mem_resize(j->letters, cap, sizeof(*p));

        if (p == NULL) {
            return err_nomem(e, cap * sizeof(*p));
        }
        j->letters = p;
        j->letters_cap = cap;
    }
    j->letters[j->nletters] = *d;
    if (arena_copy(&j->payloads, d->payload, &j->letters[j->nletters].payload,
                   e) < 0) {
        return -1;
    }
    j->nletters++;
    return 0;
}

int table_letters_add(struct table_job *j, const struct table_range *r,
                      const struct crew_block *b, struct err *e)
{
    for (size_t i = 0; i < b->out.nrejects; i++) {
        const struct clean_reject *x = &b->out.rejects[i];
        struct deadletter d = {.pipeline = j->conf.pipeline,
                               .topic = r->topic,
                               .epoch = r->span.epoch,
                               .partition = r->span.partition,
                               .offset = x->offset,
                               .sub = x->sub,
                               .rule = x->rule,
                               .reason = x->reason,
                               .payload = b->m[x->message].value,
                               .has_payload = b->m[x->message].has_value,
                               .spec_hash = j->conf.table->hash,
                               .time_us = clock_wall_us()};

        if ((j->payloads.used + d.payload.len > LETTERS_BYTES ||
             j->nletters == LETTERS_MAX) &&
            table_letters_write(j, e) < 0) {
            return -1;
        }
        if (add(j, &d, e) < 0) {
            return -1;
        }
    }
    return 0;
}

int table_letters_write(struct table_job *j, struct err *e)
{
    if (j->nletters == 0) {
        return 0;
    }
    if (ledger_begin(j->conf.ledger, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < j->nletters; i++) {
        if (ledger_bury(j->conf.ledger, &j->letters[i], e) < 0) {
            ledger_rollback(j->conf.ledger);
            return -1;
        }
    }
    if (ledger_commit(j->conf.ledger, e) < 0) {
        return -1;
    }
    j->nletters = 0;
    arena_reset(&j->payloads);
    return 0;
}
