#include <inttypes.h>
#include <string.h>

#include "broker/seglog_meta_int.h"
#include "broker/seglog_write_int.h"
#include "core/clock.h"
#include "core/digest.h"
#include "core/mem.h"

enum {
    RECORD_MAX = 64 << 20,         /* bytes of key, value and headers */
    PENDING_BYTES_MAX = 256 << 20, /* of requests that wait */
    PENDING_MAX = 100000           /* requests that wait */
};

void seglog_produce_free(struct seglog_request *r)
{
    if (r == NULL) {
        return;
    }
    if (r->parts != &r->one_part) {
        mem_free(r->parts);
    }
    if (r->chunks != &r->one_chunk) {
        mem_free(r->chunks);
    }
    mem_free(r->bodies);
    mem_free(r);
}

static int32_t choose(const struct broker_record *r, int32_t sticky,
                      int32_t partitions)
{
    if (r->partition >= partitions || r->partition < -1) {
        return -(int32_t)ERR_NOTFOUND;
    }
    if (r->key.len > RECORD_MAX || r->value.len > RECORD_MAX ||
        r->headers.len > RECORD_MAX ||
        r->key.len + r->value.len + r->headers.len > RECORD_MAX) {
        return -(int32_t)ERR_LIMIT;
    }
    if (r->partition >= 0) {
        return r->partition;
    }
    return r->has_key ? partition_of_key(r->key, partitions) : sticky;
}

static int add_chunk(struct seglog_request *r, int32_t partition, struct err *e)
{
    if (r->nchunks == r->chunks_cap) {
        size_t cap = r->chunks_cap * 2;
        bool inside = r->chunks == &r->one_chunk;
        struct seglog_chunk *c =
            mem_resize(inside ? NULL : r->chunks, cap, sizeof(*c));

        if (c == NULL) {
            return err_nomem(e, cap * sizeof(*c));
        }
        if (inside) {
            c[0] = r->one_chunk;
        }
        r->chunks = c;
        r->chunks_cap = cap;
    }
    r->chunks[r->nchunks] = (struct seglog_chunk){
        .part = &r->topic->parts[partition],
        .partition = partition,
        .min_us = INT64_MAX,
        .max_us = INT64_MIN,
    };
    r->nchunks++;
    return 0;
}

/* Sort the records into chunks: open[p] is 1 + the chunk that partition p is
 * being added to. */
static int plan(struct seglog_request *r, uint32_t *open, int32_t sticky,
                int64_t now_us, struct err *e)
{
    const struct broker_produce *p = r->asked;

    for (size_t i = 0; i < p->n; i++) {
        const struct broker_record *rec = &p->records[i];
        int64_t us = rec->time_us ? rec->time_us : now_us;
        int32_t part = choose(rec, sticky, r->topic->info.partitions);
        struct seglog_chunk *c;
        size_t size;

        r->parts[i] = part;
        if (part < 0) {
            continue;
        }
        size = codec_record_size(rec, us);
        if (open[part] == 0 ||
            r->chunks[open[part] - 1].len + size > SEGLOG_FRAME_BYTES) {
            bool first = open[part] == 0;

            if (add_chunk(r, part, e) < 0) {
                return -1;
            }
            open[part] = (uint32_t)r->nchunks;
            r->chunks[r->nchunks - 1].first_of_part = first;
        }
        c = &r->chunks[open[part] - 1];
        c->len += size;
        c->count++;
        c->min_us = us < c->min_us ? us : c->min_us;
        c->max_us = us > c->max_us ? us : c->max_us;
        r->bytes += size;
    }
    return 0;
}

/* Write the records into their chunks' bodies, along the same way. */
static int fill(struct seglog_request *r, uint32_t *open, int64_t now_us,
                struct err *e)
{
    const struct broker_produce *p = r->asked;
    char *at;

    if (r->bytes == 0) {
        return 0;
    }
    at = r->bodies = mem_resize(NULL, r->bytes, 1);
    if (at == NULL) {
        return err_nomem(e, r->bytes);
    }
    for (size_t i = 0; i < r->nchunks; i++) {
        r->chunks[i].body = (struct slice){at, r->chunks[i].len};
        at += r->chunks[i].len;
        r->chunks[i].len = 0;
    }
    for (size_t i = 0; i < p->n; i++) {
        const struct broker_record *rec = &p->records[i];
        int64_t us = rec->time_us ? rec->time_us : now_us;
        struct seglog_chunk *c;
        char *to;

        if (r->parts[i] < 0) {
            continue;
        }
        c = &r->chunks[open[r->parts[i]]];
        while (c->partition != r->parts[i] || c->len == c->body.len) {
            c++; /* full: the partition's next one stands behind */
        }
        open[r->parts[i]] = (uint32_t)(c - r->chunks);
        to = r->bodies + (c->body.ptr - r->bodies) + c->len;
        c->len += (size_t)(codec_put_record(to, rec, us) - to);
    }
    for (size_t i = 0; i < r->nchunks; i++) {
        struct seglog_chunk *c = &r->chunks[i];

        if (c->body.len >= SEGLOG_FRAME_BYTES / 16) {
            c->crc = digest_crc32c(0, c->body);
            c->crc_known = true;
        }
    }
    return 0;
}

static int prepare(struct seglog_request *r, int32_t sticky, struct err *e)
{
    size_t partitions = (size_t)r->topic->info.partitions;
    int64_t now_us = clock_wall_us();
    uint32_t few[16] = {0};
    uint32_t *open = few;
    int rc = -1;

    r->parts = &r->one_part;
    r->chunks = &r->one_chunk;
    r->chunks_cap = 1;
    r->has_key = r->asked->idempotency_key.len > 0;
    if (r->has_key) {
        window_hash(r->topic->info.epoch, r->asked->principal,
                    r->asked->idempotency_key, r->hash);
    }
    if (partitions > ARRAY_LEN(few)) {
        open = mem_zero(partitions, sizeof(*open));
    }
    if (open && r->asked->n > 1) {
        r->parts = mem_resize(NULL, r->asked->n, sizeof(*r->parts));
    }
    if (open == NULL || r->parts == NULL) {
        (void)err_nomem(e, r->asked->n * sizeof(*r->parts));
    } else if (plan(r, open, sticky, now_us, e) == 0) {
        memset(open, 0, partitions * sizeof(*open));
        rc = fill(r, open, now_us, e);
    }
    if (open != few) {
        mem_free(open);
    }
    return rc;
}

static size_t rough_bytes(const struct broker_produce *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n; i++) {
        n += p->records[i].key.len + p->records[i].value.len;
    }
    return n;
}

/* Find the topic and take a reference. */
static int begin(struct seglog *l, struct seglog_request *r, int32_t *sticky,
                 struct err *e)
{
    size_t bytes = rough_bytes(r->asked);
    int rc = 0;

    if (seglog_catalog_lock(l, r->asked->topic, 0, &r->topic, e) < 0) {
        return -1;
    }
    if (l->stop) {
        rc = err_set(e, ERR_INTERRUPTED, "topics are being closed");
    } else if (l->pending >= PENDING_MAX ||
               (l->pending > 0 &&
                l->pending_bytes + bytes > PENDING_BYTES_MAX)) {
        rc = err_set(e, ERR_BUSY,
                     "%zu requests of %zu bytes wait to be stored: try again "
                     "later",
                     l->pending, l->pending_bytes);
    } else {
        *sticky = partition_without_key(&r->topic->sticky, bytes,
                                        r->topic->info.partitions);
        r->topic->refs++;
    }
    mutex_unlock(&l->lock);
    return rc;
}

int seglog_produce_start(struct broker *b, struct broker_produce *p,
                         struct err *e)
{
    struct seglog *l = (struct seglog *)b;
    struct seglog_request *r;
    int32_t sticky = 0;
    int rc;

    if (!l->writes) {
        return err_set(e, ERR_DENIED, "topics are open for reading only");
    }
    r = mem_zero(1, sizeof(*r));
    if (r == NULL) {
        return err_nomem(e, sizeof(*r));
    }
    r->asked = p;
    if (begin(l, r, &sticky, e) < 0) {
        seglog_produce_free(r);
        return -1;
    }
    rc = prepare(r, sticky, e);
    mutex_lock(&l->lock);
    if (rc < 0) {
        seglog_catalog_drop(r->topic);
        seglog_produce_free(r);
    } else {
        p->state = r;
        p->next = NULL;
        if (l->queue) {
            l->tail->next = p;
        } else {
            l->queue = p;
            cond_signal(&l->wake);
        }
        l->tail = p;
        l->pending++;
        l->pending_bytes += r->bytes;
    }
    mutex_unlock(&l->lock);
    return rc;
}
