/*
 * kinesis_read.c - records out of shards, under offsets.
 *
 * The first record ever read of a shard has offset 0, unless marks say more.
 * To stand at an offset, the shard is read from the last mark before it.  Each
 * batch leaves a mark at its first record, so that others count from the same
 * places: the same record has the same offset in every process of a project.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "broker/kinesis_known_int.h"
#include "broker/kinesis_meta_int.h"
#include "core/clock.h"
#include "core/digest.h"
#include "core/inject.h"
#include "core/mem.h"
#include "core/num.h"

enum {
    ITERATOR_GOOD_US = 270000000, /* they are good for 300 s */
    EMPTY_MAX = 200,              /* answers without records in a row */
    GET_MAX = 10000,
    GET_SMALL = 500,
    LOOK_US = 1000000,    /* between looks for new records */
    END_GOOD_US = 250000, /* a shard may be read five times a second */
    ARENA_MAX = 64 << 20,
};

/* Records of one answer; texts are in the arena. */
struct batch {
    struct arena arena;
    struct message *messages;
    const char **sequences;
    size_t n;
    int64_t behind_ms;
    bool ended; /* the shard's end: no iterator follows */
};

static struct kinesis *of(struct broker *b)
{
    return (struct kinesis *)b;
}

/* ---- cursors ---- */

static void remember(struct kinesis *k, const struct kinesis_cursor *c)
{
    k->cursors[k->next_cursor] = *c;
    k->next_cursor = (k->next_cursor + 1) % KINESIS_CURSORS;
}

/* One that stands at c's offset, taken out; false when there is none. */
static bool recall(struct kinesis *k, struct kinesis_cursor *c)
{
    for (size_t i = 0; i < KINESIS_CURSORS; i++) {
        struct kinesis_cursor *x = &k->cursors[i];

        if (x->shard == c->shard && x->offset == c->offset &&
            x->epoch == c->epoch && strcmp(x->stream, c->stream) == 0 &&
            (x->closed || x->got_us > clock_mono_us() - ITERATOR_GOOD_US)) {
            *c = *x;
            x->stream[0] = '\0';
            return true;
        }
    }
    return false;
}

void kinesis_end_forget(struct kinesis *k, const char *stream)
{
    for (size_t i = 0; i < KINESIS_CURSORS; i++) {
        if (strcmp(k->cursors[i].stream, stream) == 0) {
            k->cursors[i].end_us = 0;
        }
    }
}

/* ---- one answer ---- */

static int get_iterator(struct kinesis *k, struct kinesis_cursor *c,
                        const char *more, struct err *e)
{
    struct json_doc doc;
    struct slice text;
    int rc = 0;

    if (kinesis_body(k, c->stream, e) != 0 ||
        buf_putf(&k->body, e, ",\"ShardId\":\"shardId-%012" PRId32 "\",%s",
                 c->shard, more) != 0 ||
        kinesis_call(k, "GetShardIterator", &doc, e) != 0) {
        return -1;
    }
    if (!json_get_text(doc.root, "ShardIterator", &text) ||
        text.len >= sizeof(c->iterator)) {
        rc = err_set(e, ERR_INVALID, "Kinesis gave no usable ShardIterator");
    } else {
        memcpy(c->iterator, text.ptr, text.len);
        c->iterator[text.len] = '\0';
        c->got_us = clock_mono_us();
        c->closed = false;
    }
    json_release(&doc);
    return rc;
}

static int take_record(struct batch *x, yyjson_val *o, struct err *e)
{
    struct message *m = &x->messages[x->n];
    struct slice key = {NULL, 0};
    struct slice data = {NULL, 0};
    struct slice sequence = {NULL, 0};
    yyjson_val *when = json_get(o, "ApproximateArrivalTimestamp");
    struct buf b;
    double at = 0;

    *m = (struct message){.has_key = true, .has_value = true};
    (void)json_get_text(o, "PartitionKey", &key);
    (void)json_get_text(o, "Data", &data);
    (void)json_get_text(o, "SequenceNumber", &sequence);
    if (yyjson_is_raw(when) &&
        num_double((struct slice){yyjson_get_raw(when), yyjson_get_len(when)},
                   &at) &&
        fabs(at) < 1e11) {
        m->time_us = (int64_t)floor(at * 1e6);
    }
    buf_init(&b, data.len + 4);
    if (digest_unbase64(data, &b, e) != 0 ||
        arena_copy(&x->arena, buf_slice(&b), &m->value, e) != 0 ||
        arena_copy(&x->arena, key, &m->key, e) != 0 ||
        arena_copy(&x->arena, sequence, &sequence, e) != 0) {
        buf_release(&b);
        return -1;
    }
    buf_release(&b);
    m->has_key = !slice_is(m->key, "-");
    m->key.len = m->has_key ? m->key.len : 0;
    x->sequences[x->n++] = sequence.ptr;
    return 0;
}

static int take_records(struct batch *x, yyjson_val *root, struct err *e)
{
    yyjson_val *records = json_get(root, "Records");
    size_t n = yyjson_arr_size(records);
    int rc = 0;

    arena_reset(&x->arena);
    x->n = 0;
    x->messages = arena_alloc(&x->arena, (n + 1) * sizeof(*x->messages), e);
    x->sequences = arena_alloc(&x->arena, (n + 1) * sizeof(*x->sequences), e);
    if (x->messages == NULL || x->sequences == NULL) {
        return -1;
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = take_record(x, yyjson_arr_get(records, i), e);
    }
    x->behind_ms = 0;
    (void)json_get_i64(root, "MillisBehindLatest", &x->behind_ms);
    return rc;
}

/* One GetRecords at the cursor, which moves behind what came; offsets are not
 * given yet. */
static int get_once(struct kinesis *k, struct kinesis_cursor *c, int64_t limit,
                    struct batch *x, struct err *e)
{
    struct json_doc doc;
    struct slice next;
    int rc;

    x->n = 0;
    x->ended = c->closed;
    if (c->closed) {
        return 0;
    }
    buf_clear(&k->body);
    if (buf_puts(&k->body, "{\"ShardIterator\":", e) != 0 ||
        json_print_text(&k->body, slice_of(c->iterator), e) != 0 ||
        buf_putf(&k->body, e, ",\"Limit\":%" PRId64, limit) != 0 ||
        kinesis_call(k, "GetRecords", &doc, e) != 0) {
        return -1;
    }
    rc = take_records(x, doc.root, e);
    c->end_us = rc == 0 && x->behind_ms == 0 && (int64_t)x->n < limit
                    ? clock_mono_us()
                    : 0;
    if (rc == 0 && json_get_text(doc.root, "NextShardIterator", &next) &&
        next.len < sizeof(c->iterator)) {
        memcpy(c->iterator, next.ptr, next.len);
        c->iterator[next.len] = '\0';
        c->got_us = clock_mono_us();
    } else if (rc == 0) {
        c->closed = true;
        x->ended = true;
        (void)kinesis_known_forget(k, c->stream); /* it has children now */
    }
    json_release(&doc);
    return rc;
}

/* Until records come, or there are none: old ones may hide behind answers that
 * hold nothing. */
static int get_some(struct kinesis *k, struct kinesis_cursor *c, int64_t limit,
                    struct batch *x, struct err *e)
{
    for (int i = 0; i < EMPTY_MAX; i++) {
        if (get_once(k, c, limit, x, e) != 0) {
            return -1;
        }
        if (x->n > 0 || x->ended || x->behind_ms == 0) {
            return 0;
        }
    }
    return 0;
}

/* ---- offsets ---- */

static int give_offsets(struct kinesis *k, struct kinesis_cursor *c,
                        struct batch *x, struct err *e)
{
    for (size_t i = 0; i < x->n; i++) {
        x->messages[i].offset = c->offset + (int64_t)i;
    }
    INJECT(kinesis_before_marks);
    if (x->n > 0 &&
        (kinesis_mark_set(k, c, c->offset, slice_of(x->sequences[0]), e) != 0 ||
         kinesis_mark_set(k, c, c->offset + (int64_t)x->n - 1,
                          slice_of(x->sequences[x->n - 1]), e) != 0)) {
        return -1;
    }
    c->offset += (int64_t)x->n;
    return 0;
}

/*
 * A mark's record was trimmed: what comes first now lies somewhere behind it.
 * Its offset is counted back from the next mark; without one behind it all
 * that was known is gone, and counting goes on behind the last mark.
 */
static int count_back(struct kinesis *k, const struct kinesis_cursor *from,
                      const struct kinesis_mark *m, int64_t *ret, struct err *e)
{
    struct kinesis_cursor c = *from;
    struct kinesis_mark last = *m;
    struct err why = {.code = ERR_NONE};
    struct batch x = {.n = 0};
    int64_t before = 0;
    int64_t found = -1;
    int rc = 0;

    arena_init(&x.arena, ARENA_MAX);
    do {
        rc = get_some(k, &c, GET_MAX, &x, e);
        for (size_t i = 0; rc == 0 && found < 0 && i < x.n; i++) {
            if (kinesis_mark_find(k, &c, slice_of(x.sequences[i]), &found,
                                  &why) == 0) {
                found -= before + (int64_t)i;
            } else if (why.code != ERR_NOTFOUND) {
                rc = err_set(e, why.code, "%s", why.msg);
            } else {
                found = -1;
            }
        }
        before += (int64_t)x.n;
    } while (rc == 0 && found < 0 && x.n > 0);
    arena_release(&x.arena);
    if (rc == 0 && found < 0) {
        rc = kinesis_mark_before(k, &c, INT64_MAX, &last, e);
        found = last.offset + 1;
    }
    *ret = found;
    return rc;
}

/* The cursor at the last mark not behind c->offset, or at the beginning. */
static int at_mark(struct kinesis *k, struct kinesis_cursor *c, struct err *e)
{
    struct err why = {.code = ERR_NONE};
    struct batch x = {.n = 0};
    struct kinesis_cursor probe;
    struct kinesis_mark m;
    char more[KINESIS_SEQUENCE_MAX + 120];
    int rc;

    if (kinesis_mark_before(k, c, c->offset, &m, &why) != 0) {
        if (why.code != ERR_NOTFOUND) {
            return err_set(e, why.code, "%s", why.msg);
        }
        c->offset = 0;
        return get_iterator(k, c, "\"ShardIteratorType\":\"TRIM_HORIZON\"", e);
    }
    (void)snprintf(more, sizeof(more),
                   "\"ShardIteratorType\":\"AT_SEQUENCE_NUMBER\","
                   "\"StartingSequenceNumber\":\"%s\"",
                   m.sequence);
    if (get_iterator(k, c, more, e) != 0) {
        return -1;
    }
    c->offset = m.offset;
    probe = *c;
    arena_init(&x.arena, ARENA_MAX);
    rc = get_some(k, &probe, 1, &x, e);
    if (rc == 0 && (x.n == 0 || strcmp(x.sequences[0], m.sequence) != 0)) {
        rc = count_back(k, c, &m, &c->offset, e);
    }
    arena_release(&x.arena);
    return rc;
}

/* Read on to `offset`; *c stands there, or at the end when it comes before. */
static int go_to(struct kinesis *k, struct kinesis_cursor *c, int64_t offset,
                 struct err *e)
{
    struct batch x = {.n = 0};
    int rc = 0;

    c->offset = offset;
    if (recall(k, c)) {
        return 0;
    }
    rc = at_mark(k, c, e);
    arena_init(&x.arena, ARENA_MAX);
    while (rc == 0 && c->offset < offset) {
        int64_t left = offset - c->offset;

        rc = get_some(k, c, left < GET_MAX ? left : GET_MAX, &x, e);
        rc = rc != 0 ? rc : give_offsets(k, c, &x, e);
        if (x.n == 0) {
            break;
        }
    }
    arena_release(&x.arena);
    return rc;
}

int kinesis_find_end(struct kinesis *k, struct kinesis_cursor *c,
                     int64_t *ret_end, struct err *e)
{
    struct err why = {.code = ERR_NONE};
    struct batch x = {.n = 0};
    struct kinesis_mark m = {.offset = -1};
    int rc;

    if (kinesis_mark_before(k, c, INT64_MAX, &m, &why) != 0 &&
        why.code != ERR_NOTFOUND) {
        return err_set(e, why.code, "%s", why.msg);
    }
    rc = go_to(k, c, m.offset + 1, e);
    arena_init(&x.arena, ARENA_MAX);
    while (rc == 0 &&
           (c->end_us == 0 || clock_mono_us() - c->end_us > END_GOOD_US)) {
        rc = get_some(k, c, GET_MAX, &x, e);
        rc = rc != 0 ? rc : give_offsets(k, c, &x, e);
        if (x.n == 0 || (x.behind_ms == 0 && !x.ended)) {
            break;
        }
    }
    arena_release(&x.arena);
    if (rc == 0) {
        *ret_end = c->offset;
        remember(k, c);
    }
    return rc;
}

/* ---- broker.h ---- */

/* A stream or a shard that was known is not there any more: look again. */
static bool gone_meanwhile(struct kinesis *k, const char *topic,
                           const struct err *why)
{
    return why->code == ERR_NOTFOUND && kinesis_known_forget(k, topic);
}

static int pass_on(const struct err *why, struct err *e)
{
    if (e != NULL) {
        *e = *why;
    }
    return -1;
}

/* The batch of this fetch, kept until the next one. */
static struct batch *batch_of(struct broker_fetch *f, struct err *e)
{
    if (f->state == NULL) {
        struct batch *x = mem_zero(1, sizeof(*x));

        if (x == NULL) {
            (void)err_nomem(e, sizeof(*x));
            return NULL;
        }
        arena_init(&x->arena, ARENA_MAX);
        f->state = x;
    }
    return f->state;
}

static int read_at(struct kinesis *k, struct kinesis_cursor *c, int64_t offset,
                   size_t max_bytes, struct broker_fetch *f, struct err *e)
{
    struct batch *x = f->state;
    int64_t limit = max_bytes < 65536 ? GET_SMALL : GET_MAX;

    if (!c->closed && go_to(k, c, offset, e) != 0) {
        return -1;
    }
    if (c->offset < offset) {
        return err_set(e, ERR_INVALID,
                       "offset %" PRId64 " is past the end (%" PRId64
                       ") of topic \"%s\", partition %" PRId32,
                       offset, c->offset, c->stream, c->shard);
    }
    if (get_some(k, c, limit, x, e) != 0 || give_offsets(k, c, x, e) != 0) {
        return -1;
    }
    if ((x->n > 0 || x->ended) &&
        kinesis_reached_set(k, c, c->offset, e) != 0) {
        return -1;
    }
    f->messages = x->messages;
    f->n = x->n;
    f->next = c->offset;
    f->end = c->offset + (x->behind_ms > 0 ? 1 : 0);
    remember(k, c);
    return 0;
}

static int fetch_once(struct kinesis *k, const char *topic, int32_t partition,
                      int64_t offset, size_t max_bytes, struct broker_fetch *f,
                      struct err *e)
{
    struct kinesis_parents parents;
    struct kinesis_cursor c;

    if (kinesis_lineage_begin(k, topic, partition, &c, &parents, e) != 0) {
        return -1;
    }
    if (!parents.read) {
        f->next = offset;
        f->end = offset;
        return 0;
    }
    return read_at(k, &c, offset, max_bytes, f, e);
}

int kinesis_fetch(struct broker *b, const char *topic, int32_t partition,
                  int64_t offset, size_t max_bytes, struct broker_fetch *f,
                  struct err *e)
{
    struct kinesis *k = of(b);
    struct err why = {.code = ERR_NONE};
    int rc;

    f->n = 0;
    if (batch_of(f, e) == NULL) {
        return -1;
    }
    mutex_lock(&k->lock);
    rc = fetch_once(k, topic, partition, offset, max_bytes, f, &why);
    if (rc != 0 && gone_meanwhile(k, topic, &why)) {
        rc = fetch_once(k, topic, partition, offset, max_bytes, f, &why);
    }
    mutex_unlock(&k->lock);
    return rc == 0 ? 0 : pass_on(&why, e);
}

void kinesis_fetch_release(struct broker *b, struct broker_fetch *f)
{
    struct batch *x = f->state;

    (void)b;
    if (x != NULL) {
        arena_release(&x->arena);
        mem_free(x);
    }
    *f = (struct broker_fetch){.state = NULL};
}

static int end_once(struct kinesis *k, const char *topic, int32_t partition,
                    int64_t *ret, struct err *e)
{
    struct kinesis_parents parents;
    struct kinesis_cursor c;

    *ret = 0; /* nothing of it may be read before its parents */
    if (kinesis_lineage_begin(k, topic, partition, &c, &parents, e) != 0) {
        return -1;
    }
    return parents.ended ? kinesis_find_end(k, &c, ret, e) : 0;
}

int kinesis_offsets(struct broker *b, const char *topic, int32_t partition,
                    int64_t *ret_begin, int64_t *ret_end, struct err *e)
{
    struct kinesis *k = of(b);
    struct err why = {.code = ERR_NONE};
    int rc;

    *ret_begin = 0; /* a fetch of what was trimmed reads on behind it */
    mutex_lock(&k->lock);
    rc = end_once(k, topic, partition, ret_end, &why);
    if (rc != 0 && gone_meanwhile(k, topic, &why)) {
        rc = end_once(k, topic, partition, ret_end, &why);
    }
    mutex_unlock(&k->lock);
    return rc == 0 ? 0 : pass_on(&why, e);
}

int kinesis_offset_at(struct broker *b, const char *topic, int32_t partition,
                      int64_t time_us, int64_t *ret, struct err *e)
{
    struct broker_fetch f = {.state = NULL};
    int64_t at = 0;
    int64_t end;

    if (kinesis_offsets(b, topic, partition, &at, &end, e) != 0) {
        return -1;
    }
    *ret = end;
    while (at < end) {
        if (kinesis_fetch(b, topic, partition, at, 1 << 20, &f, e) != 0) {
            kinesis_fetch_release(b, &f);
            return -1;
        }
        for (size_t i = 0; i < f.n; i++) {
            if (f.messages[i].time_us >= time_us) {
                *ret = f.messages[i].offset;
                kinesis_fetch_release(b, &f);
                return 0;
            }
        }
        if (f.n == 0) {
            break;
        }
        at = f.next;
    }
    kinesis_fetch_release(b, &f);
    return 0;
}

bool kinesis_wait(struct broker *b, const char *topic, int32_t partition,
                  int64_t offset, int64_t timeout_us)
{
    int64_t until = clock_mono_us() + timeout_us;

    for (;;) {
        int64_t begin_at;
        int64_t end;
        int64_t left;

        if (kinesis_offsets(b, topic, partition, &begin_at, &end, NULL) == 0 &&
            end > offset) {
            return true;
        }
        left = until - clock_mono_us();
        if (left <= 0) {
            return false;
        }
        clock_sleep_us(left < LOOK_US ? left : LOOK_US);
    }
}
