#include "api/record_body.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/timestamp.h"
#include "core/digest.h"
#include "core/mem.h"
#include "core/num.h"
#include "json/json_scan.h"

enum {
    ID_MAX = 80,
    HEADERS_MAX = 1000,
    WORDS_MAX = 64 << 20, /* of the arena: ids and words of errors */
};

/* One record being read; an error ends it. */
struct reader {
    struct record_body *b;
    struct record_body_item *item;
    struct err e;
};

static bool wrong(struct reader *rd, int code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static bool wrong(struct reader *rd, int code, const char *fmt, ...)
{
    char text[300];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    rd->item->code = code;
    rd->item->words = arena_printf(&rd->b->arena, NULL, "%s", text);
    if (rd->item->words == NULL) {
        rd->item->words = "the record is wrong";
    }
    return false;
}

static struct slice text_of(yyjson_val *v)
{
    return (struct slice){yyjson_get_str(v), yyjson_get_len(v)};
}

static bool unknown_field(struct reader *rd, yyjson_val *name)
{
    size_t len = yyjson_get_len(name);

    return wrong(rd, 400, "Unrecognized field: %.*s",
                 (int)(len > 80 ? 80 : len), yyjson_get_str(name));
}

/* ---- key and value ---- */

static bool put_binary(struct reader *rd, const char *what, yyjson_val *v)
{
    if (!yyjson_is_str(v) ||
        digest_unbase64(text_of(v), &rd->b->text, &rd->e) != 0) {
        return wrong(rd, 400, "%s.data is not base64", what);
    }
    return true;
}

static bool put_json(struct reader *rd, const char *what, yyjson_val *v)
{
    return json_print(&rd->b->text, v, 0, &rd->e) == 0 ||
           wrong(rd, 400, "%s.data cannot be stored: %.200s", what, rd->e.msg);
}

static bool put_string(struct reader *rd, const char *what, yyjson_val *v)
{
    if (!yyjson_is_str(v)) {
        return wrong(rd, 400, "%s.data of type STRING is not a string", what);
    }
    return buf_append(&rd->b->text, text_of(v), &rd->e) == 0 ||
           wrong(rd, 50003, "%.200s", rd->e.msg);
}

static bool no_registry(struct reader *rd, const char *what, yyjson_val *data)
{
    (void)data;
    return wrong(rd, 40801,
                 "%s: schema registration or lookup failed: there is no "
                 "schema registry; send type JSON, STRING or BINARY",
                 what);
}

static const struct {
    const char *name;
    bool (*put)(struct reader *rd, const char *what, yyjson_val *v);
} types[] = {
    {"AVRO", no_registry},     {"BINARY", put_binary},
    {"JSON", put_json},        {"JSONSCHEMA", no_registry},
    {"PROTOBUF", no_registry}, {"STRING", put_string},
};

static bool read_part(struct reader *rd, const char *what, yyjson_val *part,
                      struct record_body_part *ret)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(part);
    size_t before = rd->b->text.len;
    yyjson_val *type = NULL;
    yyjson_val *data = NULL;
    yyjson_val *name;

    if (!json_given(part)) {
        return true;
    }
    if (!yyjson_is_obj(part)) {
        return wrong(rd, 400, "%s must be an object {\"type\",\"data\"}", what);
    }
    while ((name = yyjson_obj_iter_next(&it)) != NULL) {
        if (yyjson_equals_str(name, "type")) {
            type = yyjson_obj_iter_get_val(name);
        } else if (yyjson_equals_str(name, "data")) {
            data = yyjson_obj_iter_get_val(name);
        } else if (yyjson_equals_str(name, "schema") ||
                   yyjson_equals_str(name, "schema_id") ||
                   yyjson_equals_str(name, "schema_version") ||
                   yyjson_equals_str(name, "subject") ||
                   yyjson_equals_str(name, "subject_name_strategy")) {
            return no_registry(rd, what, NULL);
        } else {
            return unknown_field(rd, name);
        }
    }
    for (size_t i = 0; yyjson_is_str(type) && i < ARRAY_LEN(types); i++) {
        if (yyjson_equals_str(type, types[i].name)) {
            ret->given = true;
            ret->type = types[i].name;
            ret->has = json_given(data);
            if (!ret->has) {
                return true;
            }
            if (!types[i].put(rd, what, data)) {
                return false;
            }
            ret->len = rd->b->text.len - before;
            return true;
        }
    }
    return wrong(rd, 42206,
                 "Payload error. %s.type must be BINARY, JSON or STRING", what);
}

/* ---- the rest of a record ---- */

static bool put_u32(struct reader *rd, size_t n)
{
    char b[4] = {(char)(n & 255), (char)(n >> 8 & 255), (char)(n >> 16 & 255),
                 (char)(n >> 24 & 255)};

    return buf_append(&rd->b->text, (struct slice){b, 4}, &rd->e) == 0 ||
           wrong(rd, 50003, "%.200s", rd->e.msg);
}

static bool put_header_value(struct reader *rd, yyjson_val *v)
{
    struct buf bytes;
    bool ok;

    if (!json_given(v)) {
        return put_u32(rd, UINT32_MAX);
    }
    buf_init(&bytes, SIZE_MAX);
    ok = yyjson_is_str(v) && digest_unbase64(text_of(v), &bytes, &rd->e) == 0;
    ok = ok ? put_u32(rd, bytes.len) &&
                  (buf_append(&rd->b->text, buf_slice(&bytes), &rd->e) == 0 ||
                   wrong(rd, 50003, "%.200s", rd->e.msg))
            : wrong(rd, 400, "the value of a header is not base64");
    buf_release(&bytes);
    return ok;
}

static bool read_header(struct reader *rd, yyjson_val *header)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(header);
    yyjson_val *label = NULL;
    yyjson_val *value = NULL;
    yyjson_val *name;

    if (!yyjson_is_obj(header)) {
        return wrong(rd, 400,
                     "a header must be an object {\"name\",\"value\"}");
    }
    while ((name = yyjson_obj_iter_next(&it)) != NULL) {
        if (yyjson_equals_str(name, "name")) {
            label = yyjson_obj_iter_get_val(name);
        } else if (yyjson_equals_str(name, "value")) {
            value = yyjson_obj_iter_get_val(name);
        } else {
            return unknown_field(rd, name);
        }
    }
    if (!yyjson_is_str(label)) {
        return wrong(rd, 400, "the name of a header must be a text");
    }
    return put_u32(rd, yyjson_get_len(label)) &&
           (buf_append(&rd->b->text, text_of(label), &rd->e) == 0 ||
            wrong(rd, 50003, "%.200s", rd->e.msg)) &&
           put_header_value(rd, value);
}

static bool read_headers(struct reader *rd, yyjson_val *list)
{
    yyjson_arr_iter it = yyjson_arr_iter_with(list);
    size_t before = rd->b->text.len;
    yyjson_val *one;

    if (!json_given(list)) {
        return true;
    }
    if (!yyjson_is_arr(list) || yyjson_arr_size(list) > HEADERS_MAX) {
        return wrong(rd, 400, "headers must be an array of at most %d",
                     HEADERS_MAX);
    }
    while ((one = yyjson_arr_iter_next(&it)) != NULL) {
        if (!read_header(rd, one)) {
            return false;
        }
    }
    rd->item->headers_len = rd->b->text.len - before;
    return true;
}

static bool read_partition(struct reader *rd, yyjson_val *v)
{
    int64_t n;

    if (!json_given(v)) {
        return true;
    }
    if (!yyjson_is_raw(v) ||
        !num_i64((struct slice){yyjson_get_raw(v), yyjson_get_len(v)}, &n)) {
        return wrong(rd, 400, "partition_id is not a partition number");
    }
    if (n < 0 || n > INT32_MAX) {
        return wrong(rd, 40402,
                     "This server does not host this "
                     "topic-partition.");
    }
    rd->item->partition = (int32_t)n;
    return true;
}

static bool read_time(struct reader *rd, yyjson_val *v)
{
    struct slice s;

    if (!json_given(v)) {
        return true;
    }
    if (yyjson_is_raw(v)) {
        s = (struct slice){yyjson_get_raw(v), yyjson_get_len(v)};
    } else if (yyjson_is_str(v)) {
        s = text_of(v);
    } else {
        return wrong(rd, 400, "timestamp must be like 2026-11-21T10:00:00Z");
    }
    return (timestamp_parse(s, &rd->item->time_us) && rd->item->time_us > 0) ||
           wrong(rd, 400, "timestamp must be like 2026-11-21T10:00:00Z");
}

struct fields {
    yyjson_val *key, *value, *headers, *partition, *time, *id;
};

static bool find_fields(struct reader *rd, yyjson_val *o, bool batch,
                        struct fields *ret)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(o);
    yyjson_val *name;

    while ((name = yyjson_obj_iter_next(&it)) != NULL) {
        yyjson_val *v = yyjson_obj_iter_get_val(name);

        if (yyjson_equals_str(name, "key")) {
            ret->key = v;
        } else if (yyjson_equals_str(name, "value")) {
            ret->value = v;
        } else if (yyjson_equals_str(name, "headers")) {
            ret->headers = v;
        } else if (yyjson_equals_str(name, "partition_id")) {
            ret->partition = v;
        } else if (yyjson_equals_str(name, "timestamp")) {
            ret->time = v;
        } else if (yyjson_equals_str(name, "id") && batch) {
            ret->id = v;
        } else {
            return unknown_field(rd, name);
        }
    }
    return true;
}

/* The next item, zeroed; NULL: no memory. */
static struct record_body_item *add(struct record_body *b)
{
    if (b->n == b->cap) {
        size_t cap = b->cap > 0 ? b->cap * 2 : 1;
        void *list = mem_resize(b->items, cap, sizeof(*b->items));

        if (list == NULL) {
            return NULL;
        }
        b->items = list;
        b->cap = cap;
    }
    b->items[b->n] = (struct record_body_item){.partition = -1};
    return &b->items[b->n++];
}

/* False only when out of memory. */
static bool read_record(struct record_body *b, yyjson_val *o, bool batch)
{
    struct reader rd = {.b = b, .item = add(b)};
    size_t before = b->text.len;
    struct fields f = {.key = NULL};
    bool ok;

    if (rd.item == NULL) {
        return false;
    }
    ok = (yyjson_is_obj(o) || wrong(&rd, 400, "a record must be an object")) &&
         find_fields(&rd, o, batch, &f) && read_partition(&rd, f.partition) &&
         read_time(&rd, f.time) &&
         read_part(&rd, "key", f.key, &rd.item->key) &&
         read_part(&rd, "value", f.value, &rd.item->value) &&
         read_headers(&rd, f.headers);
    if (!ok) {
        b->text.len = before;
        rd.item->key.len = 0;
        rd.item->value.len = 0;
        rd.item->headers_len = 0;
    }
    return true;
}

static void init(struct record_body *b)
{
    *b = (struct record_body){.n = 0};
    arena_init(&b->arena, WORDS_MAX);
    buf_init(&b->text, SIZE_MAX);
}

static bool no_memory(struct produce_fault *f)
{
    return produce_fault_set(f, 500, 50003, "out of memory");
}

/* The first value alone: the parser copies all that it is given, and makes
 * room for it, which for each of many records would be all that follow. */
static struct slice front(struct slice s)
{
    struct json_scan scan;

    json_scan_init(&scan);
    return json_scan_step(&scan, s) == JSON_SCAN_DONE
               ? (struct slice){s.ptr, scan.at}
               : s;
}

bool record_body_stream(struct record_body *ret, struct slice body,
                        size_t records_max, struct produce_fault *f)
{
    struct slice rest = slice_trim(body);

    init(ret);
    if (rest.len == 0) {
        return produce_fault_set(f, 422, 42206,
                                 "Payload error. Null input provided. Data "
                                 "is required.");
    }
    while (rest.len > 0) {
        struct err e = {.code = ERR_NONE};
        struct json_doc doc;
        bool ok;

        if (ret->n == records_max) {
            return produce_fault_set(
                f, 413, 413, "one request may hold %zu records", records_max);
        }
        if (json_parse(&doc, front(rest), JSON_PREFIX, NULL, &e) != 0) {
            struct reader rd = {.b = ret, .item = add(ret)};

            if (rd.item == NULL || e.code == ERR_NOMEM) {
                return no_memory(f);
            }
            (void)wrong(&rd, 400, "what follows is not JSON: %.200s", e.msg);
            return ret->n > 1 ||
                   produce_fault_set(f, 400, 400, "body is not JSON: %.300s",
                                     e.msg);
        }
        ok = read_record(ret, doc.root, false);
        rest = slice_trim(slice_from(rest, doc.read));
        json_release(&doc);
        if (!ok) {
            return no_memory(f);
        }
    }
    return true;
}

/* ---- a batch ---- */

/* The id of an entry: 1 to 80 bytes, as no other's. */
static bool read_id(struct record_body *b, yyjson_val *entry, const char **ret,
                    struct produce_fault *f)
{
    yyjson_val *v = yyjson_is_obj(entry) ? yyjson_obj_get(entry, "id") : NULL;
    struct slice copy;

    if (!yyjson_is_str(v) || yyjson_get_len(v) == 0 ||
        yyjson_get_len(v) > ID_MAX ||
        memchr(yyjson_get_str(v), '\0', yyjson_get_len(v)) != NULL) {
        return produce_fault_set(
            f, 422, 42208,
            "Invalid batch. Each entry must have an id of 1 to %d "
            "characters",
            ID_MAX);
    }
    for (size_t i = 0; i < b->n; i++) {
        if (yyjson_equals_str(v, b->items[i].id)) {
            return produce_fault_set(
                f, 422, 42208,
                "Invalid batch. Entry id \"%.80s\" is not distinct",
                b->items[i].id);
        }
    }
    if (arena_copy(&b->arena, text_of(v), &copy, NULL) != 0) {
        return no_memory(f);
    }
    *ret = copy.ptr;
    return true;
}

static bool read_entries(struct record_body *b, yyjson_val *root,
                         size_t entries_max, struct produce_fault *f)
{
    yyjson_val *entries =
        yyjson_is_obj(root) ? yyjson_obj_get(root, "entries") : NULL;
    yyjson_arr_iter it = yyjson_arr_iter_with(entries);
    yyjson_val *one;

    if (!yyjson_is_arr(entries)) {
        return produce_fault_set(f, 400, 400,
                                 "body must be {\"entries\":[...]}");
    }
    if (yyjson_arr_size(entries) == 0) {
        return produce_fault_set(f, 422, 42208,
                                 "Invalid batch. There are no entries");
    }
    if (yyjson_arr_size(entries) > entries_max) {
        return produce_fault_set(
            f, 422, 42208,
            "Invalid batch. There are %zu entries, and at most %zu "
            "are allowed",
            yyjson_arr_size(entries), entries_max);
    }
    while ((one = yyjson_arr_iter_next(&it)) != NULL) {
        const char *id = NULL;

        if (!read_id(b, one, &id, f)) {
            return false;
        }
        if (!read_record(b, one, true)) {
            return no_memory(f);
        }
        b->items[b->n - 1].id = id;
    }
    return true;
}

bool record_body_batch(struct record_body *ret, struct slice body,
                       size_t entries_max, struct produce_fault *f)
{
    struct err e = {.code = ERR_NONE};
    struct json_doc doc;
    bool ok;

    init(ret);
    if (slice_trim(body).len == 0) {
        return produce_fault_set(f, 422, 42206,
                                 "Payload error. Null input provided. Data "
                                 "is required.");
    }
    if (json_parse(&doc, body, 0, NULL, &e) != 0) {
        return e.code == ERR_NOMEM
                   ? no_memory(f)
                   : produce_fault_set(f, 400, 400, "body is not JSON: %.300s",
                                       e.msg);
    }
    ok = read_entries(ret, doc.root, entries_max, f);
    json_release(&doc);
    return ok;
}

void record_body_release(struct record_body *b)
{
    arena_release(&b->arena);
    buf_release(&b->text);
    mem_free(b->items);
    b->items = NULL;
    b->n = 0;
}

size_t record_body_records(const struct record_body *b, int64_t now_us,
                           struct broker_record *recs)
{
    const char *at = b->text.ptr != NULL ? b->text.ptr : "";
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++) {
        const struct record_body_item *it = &b->items[i];
        struct broker_record *r = &recs[n];

        if (it->code != 0) {
            continue;
        }
        *r = (struct broker_record){.partition = it->partition,
                                    .time_us =
                                        it->time_us > 0 ? it->time_us : now_us,
                                    .has_key = it->key.has,
                                    .has_value = it->value.has};
        r->key = (struct slice){at, it->key.len};
        at += it->key.len;
        r->value = (struct slice){at, it->value.len};
        at += it->value.len;
        r->headers = (struct slice){at, it->headers_len};
        at += it->headers_len;
        n++;
    }
    return n;
}
