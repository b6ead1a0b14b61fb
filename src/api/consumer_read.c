#include <inttypes.h>
#include <string.h>

#include "api/consumer_int.h"
#include "core/digest.h"
#include "core/mem.h"
#include "json/json.h"

enum {
    FETCH_BYTES = 1 << 20,
    JSON_MEMORY_MAX = 1 << 30 /* of one stored document's tree */
};

/* ---- printing records ---- */

struct printer {
    struct consumer *c;
    struct consumer_read *r;
    struct buf *b;
    struct json_pool pool;
    bool stop; /* the next record does not fit, or is not for this answer */
};

static int put_json(struct printer *pr, struct slice bytes, struct err *e)
{
    struct json_doc doc;
    int rc = json_parse(&doc, bytes, 0, &pr->pool.alc, e);

    if (rc == 0) {
        json_release(&doc);
        rc = buf_append(pr->b, bytes, e);
    }
    json_pool_reset(&pr->pool);
    return rc;
}

static int put_bytes(struct printer *pr, const char *name, bool has,
                     struct slice bytes, struct err *e)
{
    if (buf_putf(pr->b, e, ",\"%s\":", name) != 0) {
        return -1;
    }
    if (!has) {
        return buf_append(pr->b, SLICE("null"), e);
    }
    if (pr->c->conf.format == MEDIA_JSON_VALUES) {
        return put_json(pr, bytes, e);
    }
    return buf_putc(pr->b, '"', e) != 0 || digest_base64(bytes, pr->b, e) != 0
               ? -1
               : buf_putc(pr->b, '"', e);
}

static int put_record(struct printer *pr, const struct consumer_range *at,
                      const struct message *m, struct err *e)
{
    struct err why = {.code = ERR_NONE};

    if (buf_putf(pr->b, e, "%s{\"topic\":\"%s\"", pr->r->n > 0 ? "," : "",
                 at->topic) != 0) {
        return -1;
    }
    if (put_bytes(pr, "key", m->has_key, m->key, &why) != 0 ||
        put_bytes(pr, "value", m->has_value, m->value, &why) != 0) {
        if (why.code == ERR_NOMEM) {
            return err_nomem(e, m->value.len);
        }
        return err_set(e, ERR_DATA,
                       "topic %s partition %d offset %" PRId64
                       " holds no JSON: %.100s. It is skipped; a consumer of "
                       "format binary can read it",
                       at->topic, (int)at->partition, m->offset, why.msg);
    }
    return buf_putf(pr->b, e, ",\"partition\":%d,\"offset\":%" PRId64 "}",
                    (int)at->partition, m->offset);
}

/* One message into the answer, and at->to behind it. A message that is no JSON
 * ends an answer that has records, and is an error of its own after. */
static int take(struct printer *pr, struct consumer_range *at,
                const struct message *m, struct err *e)
{
    struct consumer_read *r = pr->r;
    int64_t size = (int64_t)(m->key.len + m->value.len);
    size_t before = pr->b->len;
    struct err why = {.code = ERR_NONE};

    if (r->n > 0 && r->bytes + size > (int64_t)r->max_bytes) {
        pr->stop = true;
        return 0;
    }
    if (put_record(pr, at, m, &why) == 0) {
        r->n++;
        r->bytes += size;
        at->to = m->offset + 1;
        return 0;
    }
    pr->b->len = before;
    pr->stop = true;
    if (r->n > 0) {
        return 0;
    }
    at->to = why.code == ERR_DATA ? m->offset + 1 : at->to;
    if (e != NULL) {
        *e = why;
    }
    return -1;
}

/* ---- one partition ---- */

static int fetch(struct consumer *c, const struct consumer_range *at,
                 size_t max, struct broker_fetch *f, struct err *e)
{
    return c->member != NULL && !c->assigned
               ? member_fetch(c->member, at->topic, at->partition, at->to, max,
                              f, e)
               : broker_fetch(c->broker, at->topic, at->partition, at->to, max,
                              f, e);
}

static void release(struct consumer *c, struct broker_fetch *f)
{
    if (c->member != NULL && !c->assigned) {
        member_fetch_release(c->member, f);
    } else {
        broker_fetch_release(c->broker, f);
    }
}

static int reset(struct consumer *c, struct consumer_part *p, struct err *e)
{
    int64_t begin;
    int64_t end;

    if (broker_offsets(c->broker, p->at.topic, p->at.partition, &begin, &end,
                       e) != 0) {
        return -1;
    }
    p->next = c->conf.reset == CONSUMER_EARLIEST ? begin : end;
    p->received = p->next;
    return 0;
}

/* Records of one partition from at->to on, until the answer is full. */
static int read_on(struct printer *pr, struct consumer_part *p,
                   struct consumer_range *at, struct err *e)
{
    struct consumer_read *r = pr->r;
    struct broker_fetch f = {0};
    int rc = 0;

    while (rc == 0 && !pr->stop) {
        size_t left = r->max_bytes - (size_t)r->bytes;

        if (r->n > 0 && (int64_t)r->max_bytes <= r->bytes) {
            pr->stop = true;
            break;
        }
        rc = fetch(pr->c, at, left < FETCH_BYTES ? left + 1 : FETCH_BYTES, &f,
                   e);
        if (rc != 0) {
            break;
        }
        p->end = f.end;
        for (size_t i = 0; rc == 0 && !pr->stop && i < f.n; i++) {
            rc = take(pr, at, &f.messages[i], e);
        }
        if (f.n == 0) {
            r->more = r->more || f.end < 0 || f.end > at->to;
            break;
        }
    }
    release(pr->c, &f);
    return rc;
}

static int read_part(struct printer *pr, struct consumer_part *p, struct err *e)
{
    struct consumer *c = pr->c;
    struct consumer_range *at = &c->last[c->n_last];
    struct err why = {.code = ERR_NONE};
    int rc;

    *at = (struct consumer_range){
        .partition = p->at.partition, .from = p->next, .to = p->next};
    memcpy(at->topic, p->at.topic, sizeof(at->topic));
    rc = read_on(pr, p, at, &why);
    if (at->to > at->from) {
        p->next = at->to;
        c->n_last++;
    }
    if (rc == 0) {
        return 0;
    }
    if (why.code == ERR_INVALID) { /* the position is past the end */
        pr->r->more = true;
        return reset(c, p, e);
    }
    if (why.code == ERR_NOTFOUND) { /* deleted; the group will tell */
        return 0;
    }
    if (e != NULL) {
        *e = why;
    }
    return -1;
}

/* ---- a read ---- */

void consumer_confirm(struct consumer *c)
{
    for (size_t i = 0; i < c->n_parts; i++) {
        c->parts[i].received = c->parts[i].next;
    }
    c->given = false;
}

void consumer_unread(struct consumer *c)
{
    for (size_t i = 0; c->given && i < c->n_last; i++) {
        struct consumer_part *p =
            consumer_find(c, c->last[i].topic, c->last[i].partition);

        if (p != NULL && p->next == c->last[i].to) {
            p->next = c->last[i].from;
        }
    }
    c->given = false;
    c->key_len = 0;
    c->n_last = 0;
}

/* The same ranges once more, whoever has their partitions by now. */
static int repeat(struct printer *pr, struct err *e)
{
    struct consumer *c = pr->c;
    int rc = 0;

    pr->r->repeated = true;
    for (size_t i = 0; rc == 0 && i < c->n_last; i++) {
        struct consumer_range at = c->last[i];
        struct broker_fetch f = {0};

        at.to = at.from;
        while (rc == 0 && at.to < c->last[i].to) {
            rc = broker_fetch(c->broker, at.topic, at.partition, at.to,
                              FETCH_BYTES, &f, e);
            if (rc == 0 && f.n == 0) {
                break; /* retention was faster */
            }
            for (size_t k = 0;
                 rc == 0 && k < f.n && f.messages[k].offset < c->last[i].to;
                 k++) {
                rc = take(pr, &at, &f.messages[k], e);
            }
            at.to = rc == 0 && f.next > at.to ? f.next : at.to;
        }
        broker_fetch_release(c->broker, &f);
    }
    return rc;
}

static int read_new(struct printer *pr, struct err *e)
{
    struct consumer *c = pr->c;
    struct consumer_range *list =
        mem_resize(c->last, c->n_parts + 1, sizeof(*list));
    int rc = 0;

    if (list == NULL) {
        return err_nomem(e, (c->n_parts + 1) * sizeof(*list));
    }
    c->last = list;
    consumer_confirm(c);
    c->n_last = 0;
    for (size_t i = 0; rc == 0 && !pr->stop && i < c->n_parts; i++) {
        struct consumer_part *p = &c->parts[(c->turn + i) % c->n_parts];

        rc = p->next < 0 ? 0 : read_part(pr, p, e);
    }
    if (rc != 0 && pr->r->n > 0) {
        rc = 0; /* what there is goes out; the fault comes again */
    }
    c->turn++;
    c->given = c->n_last > 0;
    c->key_len = pr->r->key.len;
    if (c->key_len > 0) {
        memcpy(c->key, pr->r->key.ptr, c->key_len);
    }
    return rc;
}

int consumer_read(struct consumer *c, struct consumer_read *r, struct buf *b,
                  struct err *e)
{
    struct printer pr = {.c = c, .r = r, .b = b};
    bool again = r->key.len > 0 && c->n_last > 0 &&
                 slice_eq(r->key, (struct slice){c->key, c->key_len});
    size_t max = r->max_bytes;
    int rc;

    if (r->key.len > CONSUMER_KEY_MAX) {
        return err_set(e, ERR_INVALID,
                       "Idempotency-Key must be 1 to %d bytes long",
                       CONSUMER_KEY_MAX);
    }
    r->n = 0;
    r->bytes = 0;
    r->more = false;
    r->repeated = false;
    if (buf_putc(b, '[', e) != 0) {
        return -1;
    }
    json_pool_init(&pr.pool, JSON_MEMORY_MAX);
    if (again) {
        r->max_bytes = SIZE_MAX >> 1;
        rc = repeat(&pr, e);
        r->max_bytes = max;
    } else {
        rc = read_new(&pr, e);
    }
    json_pool_release(&pr.pool);
    if (rc == 0 && buf_putc(b, ']', e) != 0) {
        consumer_unread(c);
        rc = -1;
    }
    return rc;
}

/* ---- positions ---- */

int consumer_begin(struct consumer *c, struct consumer_part *p, struct err *e)
{
    struct broker_position pos;
    struct err why;

    if (broker_group_get(c->broker, c->group, p->at.topic, p->at.partition,
                         &pos, &why) == 0) {
        p->next = pos.offset;
        p->received = pos.offset;
        p->committed = pos.offset;
        return 0;
    }
    if (why.code != ERR_NOTFOUND) {
        if (e != NULL) {
            *e = why;
        }
        return -1;
    }
    return reset(c, p, e);
}

int consumer_seek(struct consumer *c, const struct consumer_place *p, size_t n,
                  struct err *e)
{
    int64_t begin;
    int64_t end;

    for (size_t i = 0; i < n; i++) {
        if (consumer_find(c, p[i].topic, p[i].partition) == NULL) {
            return err_set(e, ERR_CONFLICT,
                           "No current assignment for partition %.100s-%d",
                           p[i].topic, (int)p[i].partition);
        }
    }
    for (size_t i = 0; i < n; i++) {
        struct consumer_part *part =
            consumer_find(c, p[i].topic, p[i].partition);
        int64_t to = p[i].offset;

        if (p[i].by_time) {
            if (broker_offset_at(c->broker, p[i].topic, p[i].partition,
                                 p[i].time_us, &to, e) != 0) {
                return -1;
            }
        } else if (to < 0) {
            if (broker_offsets(c->broker, p[i].topic, p[i].partition, &begin,
                               &end, e) != 0) {
                return -1;
            }
            to = to == CONSUMER_BEGINNING ? begin : end;
        }
        part->next = to;
        part->received = to;
    }
    c->given = false;
    c->key_len = 0;
    return 0;
}

static int store(struct consumer *c, const struct broker_position *pos,
                 size_t n, struct err *e)
{
    int rc = c->member != NULL
                 ? member_commit(c->member, pos, n, e)
                 : broker_group_commit(c->broker, c->group, pos, n, NULL, e);

    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct consumer_part *p =
            consumer_find(c, pos[i].topic, pos[i].partition);

        if (p != NULL) {
            p->committed = pos[i].offset;
        }
    }
    return rc;
}

static bool among(const struct member_partition *some, size_t n,
                  const struct consumer_part *p)
{
    for (size_t i = 0; i < n; i++) {
        if (some[i].partition == p->at.partition &&
            strcmp(some[i].topic, p->at.topic) == 0) {
            return true;
        }
    }
    return some == NULL;
}

int consumer_store(struct consumer *c, bool given,
                   const struct member_partition *some, size_t n, struct err *e)
{
    struct broker_position *pos = mem_zero(c->n_parts + 1, sizeof(*pos));
    size_t count = 0;
    int rc = 0;

    if (pos == NULL) {
        return err_nomem(e, (c->n_parts + 1) * sizeof(*pos));
    }
    for (size_t i = 0; i < c->n_parts; i++) {
        const struct consumer_part *p = &c->parts[i];
        int64_t to = given ? p->next : p->received;

        if (p->next < 0 || to == p->committed || !among(some, n, p)) {
            continue;
        }
        memcpy(pos[count].topic, p->at.topic, sizeof(p->at.topic));
        pos[count].epoch = p->at.epoch;
        pos[count].partition = p->at.partition;
        pos[count++].offset = to;
    }
    if (count > 0) {
        rc = store(c, pos, count, e);
    }
    mem_free(pos);
    return rc;
}

static int commit_listed(struct consumer *c, const struct consumer_place *p,
                         size_t n, struct err *e)
{
    struct broker_position *pos = mem_zero(n, sizeof(*pos));
    int rc = 0;

    if (pos == NULL) {
        return err_nomem(e, n * sizeof(*pos));
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct slice name = slice_of(p[i].topic);
        struct slice note =
            slice_of(p[i].metadata != NULL ? p[i].metadata : "");

        if (!broker_topic_name_ok(name)) {
            rc = err_set(e, ERR_NOTFOUND, "Topic %.100s not found", name.ptr);
        } else if (note.len >= sizeof(pos[i].metadata)) {
            rc = err_set(e, ERR_INVALID, "metadata is longer than %zu bytes",
                         sizeof(pos[i].metadata) - 1);
        } else {
            memcpy(pos[i].topic, name.ptr, name.len);
            memcpy(pos[i].metadata, note.ptr, note.len);
            pos[i].partition = p[i].partition;
            pos[i].offset = p[i].offset + 1;
        }
    }
    rc = rc != 0 ? rc : store(c, pos, n, e);
    mem_free(pos);
    return rc;
}

int consumer_commit(struct consumer *c, const struct consumer_place *p,
                    size_t n, struct err *e)
{
    consumer_confirm(c);
    return n == 0 ? consumer_store(c, true, NULL, 0, e)
                  : commit_listed(c, p, n, e);
}

int consumer_print_committed(struct consumer *c, const struct consumer_place *p,
                             size_t n, struct buf *b, struct err *e)
{
    struct broker_position pos;
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        struct err why;

        if (broker_group_get(c->broker, c->group, p[i].topic, p[i].partition,
                             &pos, &why) != 0) {
            if (why.code == ERR_NOTFOUND) {
                continue;
            }
            if (e != NULL) {
                *e = why;
            }
            return -1;
        }
        if (buf_putf(b, e, "%s{\"topic\":", count++ > 0 ? "," : "") != 0 ||
            json_print_text(b, slice_of(p[i].topic), e) != 0 ||
            buf_putf(b, e,
                     ",\"partition\":%d,\"offset\":%" PRId64 ",\"metadata\":",
                     (int)p[i].partition, pos.offset) != 0 ||
            json_print_text(b, slice_of(pos.metadata), e) != 0 ||
            buf_putc(b, '}', e) != 0) {
            return -1;
        }
    }
    return 0;
}
