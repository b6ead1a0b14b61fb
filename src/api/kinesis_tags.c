/*
 * kinesis_tags.c - tags of streams.
 *
 * Topics have no place for them, so the topic KINESIS_TAGS keeps them: each
 * change stores the whole set of its stream, the last one counts.  Asked for
 * rarely and by people, so nothing is cached.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/kinesis_int.h"

enum {
    TAGS_MAX = 50,
    TAGS_BYTES_MAX = 1 << 20,
    READ_BYTES = 1 << 20,
    TAG_KEY_MAX = 128,
    TAG_VALUE_MAX = 256,
};

/* A set of tags, borrowed from the request's arena. */
struct tags {
    struct {
        struct slice key, value;
    } tag[TAGS_MAX];
    size_t n;
};

static bool put_tag(struct tags *t, struct slice key, struct slice value)
{
    size_t i = 0;

    while (i < t->n && slice_cmp(t->tag[i].key, key) < 0) {
        i++;
    }
    if (i < t->n && slice_eq(t->tag[i].key, key)) {
        t->tag[i].value = value;
        return true;
    }
    if (t->n == TAGS_MAX) {
        return false;
    }
    memmove(&t->tag[i + 1], &t->tag[i], (t->n - i) * sizeof(t->tag[0]));
    t->tag[i].key = key;
    t->tag[i].value = value;
    t->n++;
    return true;
}

static void drop_tag(struct tags *t, struct slice key)
{
    for (size_t i = 0; i < t->n; i++) {
        if (slice_eq(t->tag[i].key, key)) {
            t->n--;
            memmove(&t->tag[i], &t->tag[i + 1], (t->n - i) * sizeof(t->tag[0]));
            return;
        }
    }
}

/* A set that was stored, when it is this stream's. */
static int take_set(struct kinesis *k, const struct broker_topic *t,
                    struct slice value, struct tags *ret, struct err *e)
{
    struct json_doc doc;
    yyjson_obj_iter it;
    yyjson_val *key;
    int64_t epoch = 0;
    int rc = 0;

    if (json_parse(&doc, value, 0, NULL, e) != 0) {
        return -1;
    }
    if (json_get_i64(doc.root, "epoch", &epoch) && epoch == t->epoch) {
        ret->n = 0;
        it = yyjson_obj_iter_with(json_get(doc.root, "tags"));
        while (rc == 0 && (key = yyjson_obj_iter_next(&it)) != NULL) {
            yyjson_val *v = yyjson_obj_iter_get_val(key);
            struct slice name = {yyjson_get_str(key), yyjson_get_len(key)};
            struct slice text = {yyjson_get_str(v), yyjson_get_len(v)};

            rc = arena_copy(&k->r->arena, name, &name, e) != 0 ||
                         arena_copy(&k->r->arena, text, &text, e) != 0
                     ? -1
                     : 0;
            (void)put_tag(ret, name, text);
        }
    }
    json_release(&doc);
    return rc;
}

static int take_all(struct kinesis *k, const struct broker_topic *t,
                    const struct broker_fetch *f, struct tags *ret,
                    struct err *e)
{
    for (size_t i = 0; i < f->n; i++) {
        if (slice_is(f->messages[i].key, t->name) &&
            take_set(k, t, f->messages[i].value, ret, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int load(struct kinesis *k, const struct broker_topic *t,
                struct tags *ret, struct err *e)
{
    struct broker_fetch f = {.next = 0};
    struct broker_topic kept;
    int64_t at = 0;
    int rc = broker_topic_get(k->a->broker, KINESIS_TAGS, &kept, e);

    ret->n = 0;
    if (rc != 0) {
        return e->code == ERR_NOTFOUND ? 0 : -1;
    }
    do {
        rc = broker_fetch(k->a->broker, KINESIS_TAGS, 0, at, READ_BYTES, &f, e);
        rc = rc != 0 ? rc : take_all(k, t, &f, ret, e);
        at = f.next;
    } while (rc == 0 && f.n > 0 && at < f.end);
    broker_fetch_release(k->a->broker, &f);
    return rc;
}

static int print_set(struct buf *b, const struct broker_topic *t,
                     const struct tags *set, struct err *e)
{
    int rc =
        buf_putf(b, e, "{\"stream\":\"%s\",\"epoch\":%" PRId64 ",\"tags\":{",
                 t->name, t->epoch);

    for (size_t i = 0; rc == 0 && i < set->n; i++) {
        rc = i > 0 ? buf_putc(b, ',', e) : 0;
        rc = rc != 0 || json_print_text(b, set->tag[i].key, e) != 0 ||
                     buf_putc(b, ':', e) != 0 ||
                     json_print_text(b, set->tag[i].value, e) != 0
                 ? -1
                 : 0;
    }
    return rc != 0 ? rc : buf_puts(b, "}}", e);
}

static int save(struct kinesis *k, const struct broker_topic *t,
                const struct tags *set, struct err *e)
{
    struct broker_topic keep = {.name = KINESIS_TAGS,
                                .partitions = 1,
                                .retention_us = -1,
                                .retention_bytes = -1};
    struct broker_record record = {
        .key = slice_of(t->name), .has_key = true, .has_value = true};
    struct broker_report report = {.code = ERR_NONE};
    struct broker_produce p = {
        .topic = KINESIS_TAGS, .records = &record, .n = 1, .reports = &report};
    struct buf b;
    int rc;

    buf_init(&b, TAGS_BYTES_MAX);
    rc = print_set(&b, t, set, e);
    record.value = buf_slice(&b);
    if (rc == 0 && broker_topic_create(k->a->broker, &keep, e) != 0 &&
        e->code != ERR_EXISTS) {
        rc = -1;
    }
    rc = rc != 0 ? rc : broker_produce(k->a->broker, &p, e);
    if (rc == 0 && report.code != ERR_NONE) {
        rc = err_set(e, report.code, "%s", err_text(report.code));
    }
    buf_release(&b);
    return rc;
}

/* Load, change, save; one at a time.  The change returns false when it has
 * answered. */
static void change(struct kinesis *k,
                   bool (*edit)(struct kinesis *k, struct tags *set))
{
    struct err e = {.code = ERR_NONE};
    struct broker_topic t;
    struct tags set;

    if (!kinesis_stream(k, &t)) {
        return;
    }
    mutex_lock(&k->a->tags);
    if (load(k, &t, &set, &e) != 0) {
        kinesis_err(k->r, t.name, &e);
    } else if (edit(k, &set)) {
        if (save(k, &t, &set, &e) != 0) {
            kinesis_err(k->r, t.name, &e);
        } else {
            (void)kinesis_begin(k->r);
        }
    }
    mutex_unlock(&k->a->tags);
}

static bool add(struct kinesis *k, struct tags *set)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(json_get(k->body, "Tags"));
    yyjson_val *key;

    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        yyjson_val *v = yyjson_obj_iter_get_val(key);
        struct slice name = {yyjson_get_str(key), yyjson_get_len(key)};
        struct slice text = {yyjson_get_str(v), yyjson_get_len(v)};

        if (name.len == 0 || name.len > TAG_KEY_MAX || !yyjson_is_str(v) ||
            text.len > TAG_VALUE_MAX || !put_tag(set, name, text)) {
            kinesis_fault(k->r, "InvalidArgumentException",
                          "a stream has at most %d tags, keys of 1 to %d and "
                          "values of 0 to %d bytes",
                          TAGS_MAX, TAG_KEY_MAX, TAG_VALUE_MAX);
            return false;
        }
    }
    return true;
}

void kinesis_add_tags(struct kinesis *k)
{
    change(k, add);
}

static bool drop(struct kinesis *k, struct tags *set)
{
    yyjson_val *keys = json_get(k->body, "TagKeys");

    for (size_t i = 0; i < yyjson_arr_size(keys); i++) {
        yyjson_val *v = yyjson_arr_get(keys, i);

        if (yyjson_is_str(v)) {
            drop_tag(set, (struct slice){yyjson_get_str(v), yyjson_get_len(v)});
        }
    }
    return true;
}

void kinesis_remove_tags(struct kinesis *k)
{
    change(k, drop);
}

static int put_tags(struct buf *b, const struct tags *set, struct slice after,
                    int64_t limit)
{
    int64_t told = 0;
    bool more = false;
    int rc = buf_puts(b, "{\"Tags\":[", NULL);

    for (size_t i = 0; rc == 0 && i < set->n; i++) {
        if (slice_cmp(set->tag[i].key, after) <= 0) {
            continue;
        }
        if (told == limit) {
            more = true;
            break;
        }
        rc = buf_puts(b, told++ > 0 ? ",{\"Key\":" : "{\"Key\":", NULL) != 0 ||
                     json_print_text(b, set->tag[i].key, NULL) != 0 ||
                     buf_puts(b, ",\"Value\":", NULL) != 0 ||
                     json_print_text(b, set->tag[i].value, NULL) != 0 ||
                     buf_putc(b, '}', NULL) != 0
                 ? -1
                 : 0;
    }
    return rc != 0 ? rc
                   : buf_putf(b, NULL, "],\"HasMoreTags\":%s}",
                              more ? "true" : "false");
}

void kinesis_list_tags(struct kinesis *k)
{
    struct slice after = {NULL, 0};
    struct err e = {.code = ERR_NONE};
    struct broker_topic t;
    struct tags set;
    int64_t limit;

    (void)json_get_text(k->body, "ExclusiveStartTagKey", &after);
    if (!kinesis_stream(k, &t) ||
        !kinesis_number(k, "Limit", 1, TAGS_MAX, TAGS_MAX, &limit)) {
        return;
    }
    mutex_lock(&k->a->tags);
    if (load(k, &t, &set, &e) != 0) {
        kinesis_err(k->r, t.name, &e);
    } else if (put_tags(kinesis_begin(k->r), &set, after, limit) != 0) {
        answer_broken(k->r);
    }
    mutex_unlock(&k->a->tags);
}
