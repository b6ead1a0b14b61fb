/* kinesis_data.c - records in and out of streams. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "api/kinesis_int.h"
#include "core/clock.h"
#include "core/digest.h"
#include "core/num.h"
#include "core/text.h"

enum {
    ITERATOR_US = 300000000, /* how long one is good */
};

/* ---- put ---- */

static int put_place(struct buf *b, const struct work *w, size_t i)
{
    char id[KINESIS_SHARD_TEXT];
    char sequence[KINESIS_SEQUENCE_TEXT];
    const struct broker_report *rep = &w->reports[i];

    kinesis_shard_print(rep->partition, id);
    kinesis_sequence_print(w->epoch, rep->partition, rep->offset, sequence);
    return buf_putf(b, NULL, "{\"SequenceNumber\":\"%s\",\"ShardId\":\"%s\"}",
                    sequence, id);
}

static void answer_one(struct work *w, struct http_request *r)
{
    struct err e;

    if (w->reports[0].code != ERR_NONE) {
        (void)err_set(&e, w->reports[0].code, "%s",
                      err_text(w->reports[0].code));
        kinesis_err(r, w->topic->name, &e);
    } else if (put_place(kinesis_begin(r), w, 0) != 0) {
        answer_broken(r);
    }
}

static int put_failed(struct buf *b, enum err_code code)
{
    return buf_putf(b, NULL, "{\"ErrorCode\":\"%s\",\"ErrorMessage\":\"%s\"}",
                    code == ERR_BUSY ? "ProvisionedThroughputExceededException"
                                     : "InternalFailure",
                    err_text(code));
}

static void answer_many(struct work *w, struct http_request *r)
{
    struct buf *b = kinesis_begin(r);
    int64_t failed = 0;
    int rc = buf_puts(b, "{\"Records\":[", NULL);

    for (size_t i = 0; rc == 0 && i < w->n; i++) {
        enum err_code code = w->reports[i].code;

        rc = i > 0 ? buf_putc(b, ',', NULL) : 0;
        failed += code != ERR_NONE ? 1 : 0;
        if (rc == 0) {
            rc = code != ERR_NONE ? put_failed(b, code) : put_place(b, w, i);
        }
    }
    if (rc != 0 || buf_putf(b, NULL, "],\"FailedRecordCount\":%" PRId64 "}",
                            failed) != 0) {
        answer_broken(r);
    }
}

/* Characters of a text; a byte that is no UTF-8 counts as one. */
static size_t characters(struct slice s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80 ? 1 : 0;
    }
    return n;
}

static bool check_put(struct kinesis *k, const struct kinesis_put *p)
{
    kinesis_hash h;

    if (p->key.len == 0 || characters(p->key) > KINESIS_KEY_MAX) {
        kinesis_fault(k->r, "ValidationException",
                      "1 validation error detected: Value at 'partitionKey' "
                      "failed to satisfy constraint: Member must have length "
                      "between 1 and %d",
                      KINESIS_KEY_MAX);
        return false;
    }
    if (p->data.len > KINESIS_DATA_MAX) {
        kinesis_fault(k->r, "ValidationException",
                      "1 validation error detected: Value at 'data' failed to "
                      "satisfy constraint: Member must have length less than "
                      "or equal to %d",
                      KINESIS_DATA_MAX);
        return false;
    }
    if (p->hash_key.len > 0 && !kinesis_hash_parse(p->hash_key, &h)) {
        kinesis_fault(k->r, "InvalidArgumentException",
                      "Invalid ExplicitHashKey. ExplicitHashKey must be in the "
                      "range: [0, 2^128-1].");
        return false;
    }
    return true;
}

/* The bytes are copied: what a put points at goes with the request's tree. */
static int fill(struct work *w, const struct kinesis_put *puts, size_t n,
                int32_t shards)
{
    for (size_t i = 0; i < n; i++) {
        kinesis_hash h;
        size_t at = w->text.len;

        if (puts[i].hash_key.len == 0 ||
            !kinesis_hash_parse(puts[i].hash_key, &h)) {
            h = kinesis_hash_of(puts[i].key);
        }
        if (buf_append(&w->text, puts[i].key, NULL) != 0 ||
            buf_append(&w->text, puts[i].data, NULL) != 0) {
            return -1;
        }
        w->records[i] = (struct broker_record){
            .partition = kinesis_place(h, shards),
            .key = {w->text.ptr + at, puts[i].key.len},
            .value = {w->text.ptr + at + puts[i].key.len, puts[i].data.len},
            .has_key = true,
            .has_value = true};
    }
    return 0;
}

/* Ask the broker about a stream that was not used yet. */
static void meet_stream(struct api *a, struct http_request *r)
{
    struct err e = {.code = ERR_NONE};
    char name[KINESIS_NAME_MAX + 1];
    struct topic *t;

    if (topics_find(a, r->params[0], &t, &e) != 0) {
        (void)snprintf(name, sizeof(name), "%.*s", SLICE_FMT(r->params[0]));
        kinesis_err(r, name, &e);
    }
}

/* Then the request begins again. */
static void meet(struct kinesis *k, const char *stream)
{
    const struct route *route = k->r->route;

    if (arena_copy(&k->r->arena, slice_of(stream), &k->r->params[0], NULL) !=
        0) {
        answer_broken(k->r);
        return;
    }
    slow_do(k->a->slow, k->r, meet_stream,
            route->family == FAMILY_KINESIS ? kinesis_act : route->handle);
}

void kinesis_store(struct kinesis *k, const char *stream,
                   const struct kinesis_put *puts, size_t n, bool many)
{
    const struct route *route = k->r->route;
    struct err e = {.code = ERR_NONE};
    struct broker_topic info;
    struct topic *t;
    struct work *w;
    size_t bytes = 0;

    for (size_t i = 0; i < n; i++) {
        if (!check_put(k, &puts[i])) {
            return;
        }
        bytes += puts[i].key.len + puts[i].data.len;
    }
    if (!topics_met(k->a, slice_of(stream))) {
        meet(k, stream);
        return;
    }
    if (topics_find(k->a, slice_of(stream), &t, &e) != 0 ||
        broker_topic_get(k->a->broker, stream, &info, &e) != 0) {
        kinesis_err(k->r, stream, &e);
        return;
    }
    w = work_new(k->a, k->r, n, bytes + 1, &e); /* so that it never moves */
    if (w == NULL || work_key(w, k->r, &e) != 0) {
        kinesis_err(k->r, stream, &e);
        return;
    }
    if (fill(w, puts, n, info.partitions) != 0) {
        answer_broken(k->r);
        return;
    }
    w->topic = t;
    w->epoch = info.epoch;
    w->family = route->family;
    w->answer = many ? answer_many : answer_one;
    work_start(w, k->r);
}

/* Members of a record; its data are decoded into `text`.  False: answered. */
static bool read_put(struct kinesis *k, yyjson_val *o, struct buf *text,
                     struct kinesis_put *ret)
{
    struct slice data;
    size_t at = text->len;

    *ret = (struct kinesis_put){.key = {NULL, 0}};
    if (!json_get_text(o, "Data", &data) ||
        !json_get_text(o, "PartitionKey", &ret->key)) {
        kinesis_fault(k->r, "ValidationException",
                      "1 validation error detected: Value null at '%s' failed "
                      "to satisfy constraint: Member must not be null",
                      json_get_text(o, "Data", &data) ? "partitionKey"
                                                      : "data");
        return false;
    }
    (void)json_get_text(o, "ExplicitHashKey", &ret->hash_key);
    if (digest_unbase64(data, text, NULL) != 0) {
        kinesis_fault(k->r, "SerializationException", "Data is not base64");
        return false;
    }
    ret->data = (struct slice){text->ptr + at, text->len - at};
    return true;
}

void kinesis_put_record(struct kinesis *k)
{
    char name[KINESIS_NAME_MAX + 1];
    struct kinesis_put put;
    struct buf text;

    buf_init(&text, k->r->body.len + 1);
    if (buf_reserve(&text, k->r->body.len, NULL) != 0) {
        answer_broken(k->r);
    } else if (kinesis_name(k, name) && read_put(k, k->body, &text, &put)) {
        kinesis_store(k, name, &put, 1, false);
    }
    buf_release(&text);
}

void kinesis_put_records(struct kinesis *k)
{
    yyjson_val *records = json_get(k->body, "Records");
    size_t n = yyjson_arr_size(records);
    char name[KINESIS_NAME_MAX + 1];
    struct kinesis_put *puts;
    struct buf text;
    bool good = true;

    if (n < 1 || n > KINESIS_RECORDS_MAX) {
        kinesis_fault(k->r, "ValidationException",
                      "1 validation error detected: Value at 'records' failed "
                      "to satisfy constraint: Member must have length between "
                      "1 and %d",
                      KINESIS_RECORDS_MAX);
        return;
    }
    puts = arena_alloc(&k->r->arena, n * sizeof(*puts), NULL);
    buf_init(&text, k->r->body.len + 1);
    if (puts == NULL || buf_reserve(&text, k->r->body.len, NULL) != 0) {
        answer_broken(k->r);
        good = false;
    }
    good = good && kinesis_name(k, name);
    for (size_t i = 0; good && i < n; i++) {
        good = read_put(k, yyjson_arr_get(records, i), &text, &puts[i]);
    }
    if (good) {
        kinesis_store(k, name, puts, n, true);
    }
    buf_release(&text);
}

/* ---- get ---- */

static bool find_shard(struct kinesis *k, const struct broker_topic *t,
                       int32_t *ret)
{
    struct slice text = {NULL, 0};

    (void)json_get_text(k->body, "ShardId", &text);
    if (!kinesis_shard_parse(text, ret) || *ret >= t->partitions) {
        kinesis_fault(k->r, "ResourceNotFoundException",
                      "Shard %.*s in stream %s under account " KINESIS_ACCOUNT
                      " does not exist",
                      (int)(text.len > 60 ? 60 : text.len), text.ptr, t->name);
        return false;
    }
    return true;
}

/* The offset that a sequence number means; false: answered. */
static bool at_sequence(struct kinesis *k, const struct broker_topic *t,
                        int32_t shard, int64_t *ret)
{
    struct slice text = {NULL, 0};
    char id[KINESIS_SHARD_TEXT];
    char other[KINESIS_SHARD_TEXT];

    (void)json_get_text(k->body, "StartingSequenceNumber", &text);
    kinesis_shard_print(shard, id);
    switch (kinesis_sequence_parse(text, t->epoch, shard, ret)) {
    case KINESIS_SEQUENCE_GOOD:
        return true;
    case KINESIS_SEQUENCE_NEIGHBOUR:
        kinesis_shard_print((int32_t)*ret, other);
        kinesis_fault(k->r, "InvalidArgumentException",
                      "Invalid StartingSequenceNumber. It encodes %s, while it "
                      "was used in a call to a shard with %s",
                      other, id);
        return false;
    case KINESIS_SEQUENCE_OTHER:
    case KINESIS_SEQUENCE_BAD:
        break;
    }
    kinesis_fault(
        k->r, "InvalidArgumentException",
        "StartingSequenceNumber %.*s used in GetShardIterator on "
        "shard %s in stream %s under account " KINESIS_ACCOUNT " is invalid.",
        (int)(text.len > 130 ? 130 : text.len), text.ptr, id, t->name);
    return false;
}

static bool at_time(struct kinesis *k, const struct broker_topic *t,
                    int32_t shard, int64_t *ret)
{
    yyjson_val *v = json_get(k->body, "Timestamp");
    struct err e = {.code = ERR_NONE};
    double seconds;

    if (!yyjson_is_raw(v) ||
        !num_double((struct slice){yyjson_get_raw(v), yyjson_get_len(v)},
                    &seconds) ||
        fabs(seconds) > 1e11) {
        kinesis_fault(k->r, "InvalidArgumentException",
                      "Must specify timestampInMillis parameter for iterator "
                      "of type AT_TIMESTAMP. Current request has no timestamp "
                      "parameter.");
        return false;
    }
    if (broker_offset_at(k->a->broker, t->name, shard,
                         (int64_t)floor(seconds * 1e6), ret, &e) != 0) {
        kinesis_err(k->r, t->name, &e);
        return false;
    }
    return true;
}

static bool start_offset(struct kinesis *k, const struct broker_topic *t,
                         int32_t shard, int64_t *ret)
{
    struct slice type = {NULL, 0};
    struct err e = {.code = ERR_NONE};
    int64_t begin;
    int64_t end;

    (void)json_get_text(k->body, "ShardIteratorType", &type);
    if (slice_is(type, "AT_SEQUENCE_NUMBER") ||
        slice_is(type, "AFTER_SEQUENCE_NUMBER")) {
        if (!at_sequence(k, t, shard, ret)) {
            return false;
        }
        *ret += slice_is(type, "AFTER_SEQUENCE_NUMBER") || *ret < 0 ? 1 : 0;
        return true;
    }
    if (slice_is(type, "AT_TIMESTAMP")) {
        return at_time(k, t, shard, ret);
    }
    if (!slice_is(type, "TRIM_HORIZON") && !slice_is(type, "LATEST")) {
        kinesis_fault(k->r, "ValidationException",
                      "1 validation error detected: Value '%.*s' at "
                      "'shardIteratorType' failed to satisfy constraint: "
                      "Member must satisfy enum value set: "
                      "[AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, "
                      "AT_SEQUENCE_NUMBER, TRIM_HORIZON]",
                      (int)(type.len > 60 ? 60 : type.len), type.ptr);
        return false;
    }
    if (broker_offsets(k->a->broker, t->name, shard, &begin, &end, &e) != 0) {
        kinesis_err(k->r, t->name, &e);
        return false;
    }
    *ret = slice_is(type, "LATEST") ? end : begin;
    return true;
}

static int put_iterator(struct kinesis *k, struct buf *b,
                        const struct kinesis_iterator *it)
{
    (void)k;
    return buf_putc(b, '"', NULL) != 0 ||
                   kinesis_iterator_print(it, b, NULL) != 0 ||
                   buf_putc(b, '"', NULL) != 0
               ? -1
               : 0;
}

void kinesis_get_iterator(struct kinesis *k)
{
    struct kinesis_iterator it = {.time_us = clock_wall_us()};
    struct broker_topic t;
    struct buf *b;

    if (!kinesis_stream(k, &t) || !find_shard(k, &t, &it.shard) ||
        !start_offset(k, &t, it.shard, &it.offset)) {
        return;
    }
    it.epoch = t.epoch;
    memcpy(it.stream, t.name, strlen(t.name) + 1);
    b = kinesis_begin(k->r);
    if (buf_puts(b, "{\"ShardIterator\":", NULL) != 0 ||
        put_iterator(k, b, &it) != 0 || buf_putc(b, '}', NULL) != 0) {
        answer_broken(k->r);
    }
}

/* The iterator of the request, still good; false: answered. */
static bool read_iterator(struct kinesis *k, struct kinesis_iterator *it,
                          struct broker_topic *t)
{
    struct slice text = {NULL, 0};
    struct err e = {.code = ERR_NONE};
    int64_t now = clock_wall_us();

    (void)json_get_text(k->body, "ShardIterator", &text);
    if (!kinesis_iterator_parse(text, it)) {
        kinesis_fault(k->r, "InvalidArgumentException",
                      "Invalid ShardIterator.");
        return false;
    }
    if (it->time_us < now - ITERATOR_US) {
        kinesis_fault(k->r, "ExpiredIteratorException",
                      "Iterator expired. It was created more than 300 seconds "
                      "ago; ask for a new one.");
        return false;
    }
    if (broker_topic_get(k->a->broker, it->stream, t, &e) != 0) {
        kinesis_err(k->r, it->stream, &e);
        return false;
    }
    if (t->epoch != it->epoch || it->shard >= t->partitions) {
        kinesis_fault(k->r, "ResourceNotFoundException",
                      "Stream %s under account " KINESIS_ACCOUNT
                      " was made anew; ask for a new iterator.",
                      it->stream);
        return false;
    }
    return true;
}

/* A partition key has a character at least: what came without a key through
 * other contracts has this one. */
static int put_key(struct buf *b, const struct message *m)
{
    if (!m->has_key || m->key.len == 0) {
        return buf_puts(b, "\"-\"", NULL);
    }
    if (text_utf8_valid(m->key, NULL)) {
        return json_print_text(b, m->key, NULL);
    }
    return buf_putc(b, '"', NULL) != 0 || digest_base64(m->key, b, NULL) != 0 ||
                   buf_putc(b, '"', NULL) != 0
               ? -1
               : 0;
}

static int put_message(struct buf *b, const struct kinesis_iterator *it,
                       const struct message *m)
{
    char sequence[KINESIS_SEQUENCE_TEXT];

    kinesis_sequence_print(it->epoch, it->shard, m->offset, sequence);
    if (buf_putf(b, NULL,
                 "{\"SequenceNumber\":\"%s\",\"ApproximateArrivalTimestamp\":"
                 "%" PRId64 ".%03d,\"PartitionKey\":",
                 sequence, m->time_us / 1000000,
                 (int)(m->time_us / 1000 % 1000)) != 0 ||
        put_key(b, m) != 0 || buf_puts(b, ",\"Data\":\"", NULL) != 0 ||
        (m->has_value && digest_base64(m->value, b, NULL) != 0)) {
        return -1;
    }
    return buf_puts(b, "\"}", NULL);
}

static void answer_records(struct kinesis *k, struct kinesis_iterator *it,
                           const struct broker_fetch *f, size_t limit)
{
    struct buf *b = kinesis_begin(k->r);
    size_t n = f->n < limit ? f->n : limit;
    int64_t now = clock_wall_us();
    int64_t behind = 0;
    int rc = buf_puts(b, "{\"Records\":[", NULL);

    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = i > 0 ? buf_putc(b, ',', NULL) : 0;
        rc = rc != 0 ? rc : put_message(b, it, &f->messages[i]);
    }
    it->offset = n < f->n ? f->messages[n].offset : f->next;
    if (n > 0 && it->offset < f->end && f->messages[n - 1].time_us < now) {
        behind = (now - f->messages[n - 1].time_us) / 1000;
        behind = behind > 0 ? behind : 1;
    }
    it->time_us = now;
    if (rc != 0 || buf_puts(b, "],\"NextShardIterator\":", NULL) != 0 ||
        put_iterator(k, b, it) != 0 ||
        buf_putf(b, NULL, ",\"MillisBehindLatest\":%" PRId64 "}", behind) !=
            0) {
        answer_broken(k->r);
    }
}

void kinesis_get_records(struct kinesis *k)
{
    struct broker_fetch f = {.state = NULL};
    struct err e = {.code = ERR_NONE};
    struct kinesis_iterator it;
    struct broker_topic t;
    int64_t limit;

    if (!kinesis_number(k, "Limit", 1, KINESIS_GET_MAX, KINESIS_GET_MAX,
                        &limit) ||
        !read_iterator(k, &it, &t)) {
        return;
    }
    if (broker_fetch(k->a->broker, it.stream, it.shard, it.offset,
                     KINESIS_ANSWER_BYTES, &f, &e) != 0) {
        kinesis_err(k->r, it.stream, &e);
    } else {
        answer_records(k, &it, &f, (size_t)limit);
    }
    broker_fetch_release(k->a->broker, &f);
}
