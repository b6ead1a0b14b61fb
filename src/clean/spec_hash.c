#include <string.h>

#include "clean/spec_int.h"
#include "core/digest.h"
#include "json/json.h"

enum {
    CANON_MAX = 4 << 20
};

/*
 * The canonical form: one line a column, every attribute that changes rows in
 * a fixed order.  Topics, comments, names of options and tests are not in it.
 */
static int put_text(struct buf *b, struct slice s, struct err *e)
{
    return buf_putf(b, e, " %zu:", s.len) != 0 || buf_append(b, s, e) != 0 ? -1
                                                                           : 0;
}

static int put_texts(struct buf *b, const char *what,
                     const struct spec_texts *t, struct err *e)
{
    if (buf_putf(b, e, " %s %zu", what, t->n) != 0) {
        return -1;
    }
    for (size_t i = 0; i < t->n; i++) {
        if (put_text(b, t->at[i], e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int put_column(struct buf *b, const struct spec_column *c, struct err *e)
{
    if (buf_putf(b, e, "column %s %s", c->name, spec_type_word(c->type)) != 0 ||
        put_texts(b, "from", &c->from, e) != 0 ||
        put_texts(b, "parts", &c->parts, e) != 0 ||
        put_texts(b, "null", &c->nulls, e) != 0 ||
        put_texts(b, "strip_prefix", &c->strip_prefix, e) != 0 ||
        put_text(b, c->strip_each, e) != 0 || put_text(b, c->split, e) != 0 ||
        put_text(b, c->join, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < SPEC_NAMES_MAX; i++) {
        if (c->range[i].set &&
            buf_putf(b, e, " range %zu %.17g %.17g", i, c->range[i].low,
                     c->range[i].high) != 0) {
            return -1;
        }
    }
    return buf_putf(b, e, " %d %d%d%d%d%d\n", (int)c->on_error, c->join_letters,
                    c->ascii, c->skip_null, c->required, c->drop);
}

static int put_table(struct buf *b, const struct spec_table *t, struct err *e)
{
    if (buf_putf(b, e, "pinline spec 1\ntable %s dedup %d provenance %d by",
                 t->name, (int)t->dedup, t->provenance) != 0) {
        return -1;
    }
    for (size_t i = 0; i < t->ndedup_cols; i++) {
        if (buf_putf(b, e, " %s", t->defs[t->dedup_cols[i]].name) != 0) {
            return -1;
        }
    }
    if (buf_putc(b, '\n', e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < t->ncolumns; i++) {
        if (put_column(b, &t->columns[i], e) != 0) {
            return -1;
        }
    }
    return 0;
}

static void digest_text(const struct buf *b, size_t from,
                        char ret[SPEC_HASH_TEXT])
{
    uint8_t bytes[DIGEST_SHA256];

    digest_sha256(slice_from(buf_slice(b), from), bytes);
    digest_hex(bytes, sizeof(bytes), ret);
}

void spec_hash(struct spec_loader *l)
{
    struct buf b;

    buf_init(&b, CANON_MAX);
    for (size_t i = 0; i < l->s->ntables; i++) {
        size_t from = b.len;

        if (put_table(&b, &l->s->tables[i], l->e) != 0) {
            l->failed = true;
            break;
        }
        digest_text(&b, from, l->s->tables[i].hash);
    }
    digest_text(&b, 0, l->s->hash);
    buf_release(&b);
}
