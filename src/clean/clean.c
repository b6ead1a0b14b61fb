#include "clean/clean.h"

#include <string.h>

#include "clean/clean_int.h"
#include "core/mem.h"

enum {
    JOINED_MAX = 64 << 20
};

int clean_new(struct clean **ret, const struct clean_conf *conf, struct err *e)
{
    struct clean *c = mem_zero(1, sizeof(*c));

    if (c == NULL) {
        return err_nomem(e, sizeof(*c));
    }
    c->t = conf->table;
    c->key = conf->key;
    c->topic = conf->topic;
    c->partition = conf->partition;
    buf_init(&c->joined, JOINED_MAX);
    if (clean_counts_init(&c->counts, c->t, e) != 0 ||
        clean_compile(c, e) != 0 ||
        decoder_new(&c->decoder, c->t->keys, c->t->nkeys, e) != 0) {
        clean_free(c);
        return -1;
    }
    *ret = c;
    return 0;
}

void clean_free(struct clean *c)
{
    if (c == NULL) {
        return;
    }
    decoder_free(c->decoder);
    clean_fields_release(c);
    for (size_t i = 0; i < c->nparts; i++) {
        mem_free(c->scratch[i].p);
        mem_free(c->scratch[i].items);
    }
    mem_free(c->scratch);
    mem_free(c->parts);
    mem_free(c->cols);
    clean_counts_release(&c->counts);
    buf_release(&c->joined);
    mem_free(c);
}

void clean_set_place(struct clean *c, const char *topic, int32_t partition)
{
    c->topic = topic;
    c->partition = partition;
}

int clean_out_init(struct clean_out *o, const struct spec_table *t,
                   struct err *e)
{
    memset(o, 0, sizeof(*o));
    return batch_init(&o->rows, t->defs, t->ndefs, e);
}

void clean_out_release(struct clean_out *o)
{
    batch_release(&o->rows);
    mem_free(o->offset);
    mem_free(o->sub);
    mem_free(o->hash);
    mem_free(o->rejects);
    memset(o, 0, sizeof(*o));
}

void clean_out_clear(struct clean_out *o)
{
    batch_clear(&o->rows);
    o->nrejects = 0;
}

const struct clean_counts *clean_counted(const struct clean *c)
{
    return &c->counts;
}

int clean_record(struct clean *c, yyjson_val *object, int64_t offset,
                 int32_t sub, struct clean_out *out, struct err *e)
{
    struct clean_row r = {.offset = offset, .sub = sub, .out = out};

    c->counts.records++;
    if (clean_fields(c, object, offset, e) != 0) {
        return -1;
    }
    return clean_run(c, &r, e);
}

static int one_record(struct clean *c, const struct decoded *d,
                      struct clean_row *r, struct err *e)
{
    r->sub = d->sub;
    c->counts.records++;
    if (d->object == NULL) {
        c->counts.rejected++;
        c->counts.undecoded[d->reject]++;
        return clean_reject(r, -1, "decode", decode_reject_word(d->reject), e);
    }
    if (clean_fields(c, d->object, r->offset, e) != 0) {
        return -1;
    }
    return clean_run(c, r, e);
}

int clean_messages(struct clean *c, const struct message *m, size_t n,
                   struct clean_out *out, struct err *e)
{
    struct decode_result got;
    struct clean_row r;

    r.out = out;
    for (size_t i = 0; i < n; i++) {
        if (decoder_decode(c->decoder, m[i].value, m[i].has_value, &got, e) !=
            0) {
            return -1;
        }
        c->counts.messages++;
        c->time_us = m[i].time_us;
        for (unsigned h = 0; h < DECODE_HOWS; h++) {
            c->counts.how[h] += (got.how >> h) & 1;
        }
        r.offset = m[i].offset;
        r.message = i;
        r.payload = m[i].value;
        for (size_t k = 0; k < got.n; k++) {
            if (one_record(c, &got.records[k], &r, e) != 0) {
                return -1;
            }
        }
    }
    return 0;
}
