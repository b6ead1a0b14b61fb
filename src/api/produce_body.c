#include "api/produce_body.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/digest.h"
#include "core/num.h"

struct envelope {
    yyjson_val *records;
    bool has_key_schema, has_value_schema;
};

bool produce_fault_set(struct produce_fault *f, int status, int code,
                       const char *fmt, ...)
{
    va_list ap;

    f->status = status;
    f->code = code;
    va_start(ap, fmt);
    (void)vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
    return false;
}

bool produce_fault_field(struct produce_fault *f, yyjson_val *name)
{
    size_t len = yyjson_get_len(name);

    return produce_fault_set(f, 422, 422, "Unrecognized field: %.*s",
                             (int)(len > 80 ? 80 : len), yyjson_get_str(name));
}

static bool read_envelope(yyjson_val *root, struct envelope *ret,
                          struct produce_fault *f)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(root);
    yyjson_val *name;

    *ret = (struct envelope){.records = NULL};
    while ((name = yyjson_obj_iter_next(&it)) != NULL) {
        yyjson_val *v = yyjson_obj_iter_get_val(name);

        if (yyjson_equals_str(name, "records")) {
            ret->records = v;
        } else if (yyjson_equals_str(name, "key_schema") ||
                   yyjson_equals_str(name, "key_schema_id")) {
            ret->has_key_schema = ret->has_key_schema || json_given(v);
        } else if (yyjson_equals_str(name, "value_schema") ||
                   yyjson_equals_str(name, "value_schema_id")) {
            ret->has_value_schema = ret->has_value_schema || json_given(v);
        } else {
            return produce_fault_field(f, name);
        }
    }
    return true;
}

static bool any_has(const struct produce_body *b, const char *name)
{
    yyjson_arr_iter it;
    yyjson_val *record;

    if (yyjson_is_obj(b->records)) {
        return json_given(yyjson_obj_get(b->records, name));
    }
    it = yyjson_arr_iter_with(b->records);
    while ((record = yyjson_arr_iter_next(&it)) != NULL) {
        if (json_given(yyjson_obj_get(record, name))) {
            return true;
        }
    }
    return false;
}

/* The formats that need a schema registry: there is none, so what a proxy
 * answers whose registry cannot be asked. */
static bool need_schema(const struct produce_body *b, const struct envelope *v,
                        struct produce_fault *f)
{
    const char *lacks = NULL;

    if (!v->has_key_schema && any_has(b, "key")) {
        lacks = "key";
    } else if (!v->has_value_schema && any_has(b, "value")) {
        lacks = "value";
    }
    if (lacks != NULL) {
        return produce_fault_set(
            f, 422, lacks[0] == 'k' ? 42201 : 42202,
            "Request includes %ss and uses a format that requires "
            "schemas but does not include the %s_schema or "
            "%s_schema_id fields",
            lacks, lacks, lacks);
    }
    return produce_fault_set(
        f, 408, 40801,
        "Schema registration or lookup failed: there is no schema "
        "registry; send application/vnd.kafka.json.v2+json or "
        "application/vnd.kafka.binary.v2+json");
}

static bool check(struct produce_body *b, enum media_format format,
                  size_t records_max, struct produce_fault *f)
{
    struct envelope v;

    if (!yyjson_is_obj(b->doc.root)) {
        return produce_fault_set(f, 400, 400,
                                 "body must be an object {\"records\":[...]}");
    }
    if (!read_envelope(b->doc.root, &v, f)) {
        return false;
    }
    if (!json_given(v.records)) {
        return produce_fault_set(f, 422, 422, "records may not be null");
    }
    if (!yyjson_is_arr(v.records) && !yyjson_is_obj(v.records)) {
        return produce_fault_set(f, 400, 400,
                                 "records must be an array of objects");
    }
    b->records = v.records;
    b->n = yyjson_is_obj(v.records) ? 1 : yyjson_arr_size(v.records);
    if (b->n == 0) {
        return produce_fault_set(f, 422, 422, "records may not be empty");
    }
    if (b->n > records_max) {
        return produce_fault_set(
            f, 413, 413, "one request may hold %zu records, this one has %zu",
            records_max, b->n);
    }
    if (format != MEDIA_BINARY && format != MEDIA_JSON_VALUES) {
        return need_schema(b, &v, f);
    }
    return true;
}

bool produce_body_parse(struct produce_body *ret, struct slice body,
                        enum media_format format, size_t records_max,
                        struct produce_fault *f)
{
    struct produce_body b = {.n = 0};
    struct err e = {.code = ERR_NONE};

    if (slice_trim(body).len == 0) {
        return produce_fault_set(f, 400, 400,
                                 "body is empty: want {\"records\":[...]}");
    }
    if (json_parse(&b.doc, body, 0, NULL, &e) != 0) {
        return e.code == ERR_NOMEM
                   ? produce_fault_set(f, 500, 50003, "%s", e.msg)
                   : produce_fault_set(f, 400, 400, "body is not JSON: %s",
                                       e.msg);
    }
    if (!check(&b, format, records_max, f)) {
        json_release(&b.doc);
        return false;
    }
    *ret = b;
    return true;
}

void produce_body_release(struct produce_body *b)
{
    json_release(&b->doc);
}

struct reader {
    enum media_format format;
    struct buf *text;
    struct produce_fault *fault;
    size_t at; /* which record, for words */
};

/* The bytes of one key or value behind text; their number to *ret_len. */
static bool put(struct reader *rd, const char *what, yyjson_val *v,
                size_t *ret_len)
{
    size_t before = rd->text->len;
    struct err e = {.code = ERR_NONE};
    int rc;

    if (rd->format == MEDIA_JSON_VALUES) {
        rc = json_print(rd->text, v, 0, &e);
    } else if (yyjson_is_str(v)) {
        rc = digest_unbase64(
            (struct slice){yyjson_get_str(v), yyjson_get_len(v)}, rd->text, &e);
    } else {
        rc = err_set(&e, ERR_MALFORMED, "not a string");
    }
    if (rc != 0 && e.code == ERR_NOMEM) {
        return produce_fault_set(rd->fault, 500, 50003, "%s", e.msg);
    }
    if (rc != 0) {
        return produce_fault_set(
            rd->fault, 400, 400, "records[%zu].%s %s: %s", rd->at, what,
            rd->format == MEDIA_BINARY ? "is not base64" : "cannot be stored",
            e.msg);
    }
    *ret_len = rd->text->len - before;
    return true;
}

static bool read_partition(struct reader *rd, yyjson_val *v, int32_t *ret)
{
    int64_t n;

    if (yyjson_is_null(v)) {
        return true;
    }
    if (!yyjson_is_raw(v) ||
        !num_i64((struct slice){yyjson_get_raw(v), yyjson_get_len(v)}, &n) ||
        n > INT32_MAX || n < INT32_MIN) {
        return produce_fault_set(
            rd->fault, 400, 400,
            "records[%zu].partition is not a partition number", rd->at);
    }
    if (n < 0) {
        return produce_fault_set(
            rd->fault, 422, 422,
            "records[%zu].partition must be greater than or equal "
            "to 0",
            rd->at);
    }
    *ret = (int32_t)n;
    return true;
}

static bool read_record(struct reader *rd, yyjson_val *record,
                        struct broker_record *ret)
{
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    yyjson_val *name;
    yyjson_obj_iter it;

    if (!yyjson_is_obj(record)) {
        return produce_fault_set(rd->fault, 400, 400,
                                 "records[%zu] must be an object", rd->at);
    }
    it = yyjson_obj_iter_with(record);
    while ((name = yyjson_obj_iter_next(&it)) != NULL) {
        yyjson_val *v = yyjson_obj_iter_get_val(name);

        if (yyjson_equals_str(name, "value")) {
            value = v;
        } else if (yyjson_equals_str(name, "key")) {
            key = v;
        } else if (!yyjson_equals_str(name, "partition")) {
            return produce_fault_field(rd->fault, name);
        } else if (!read_partition(rd, v, &ret->partition)) {
            return false;
        }
    }
    ret->has_key = json_given(key);
    ret->has_value = json_given(value);
    return (!ret->has_key || put(rd, "key", key, &ret->key.len)) &&
           (!ret->has_value || put(rd, "value", value, &ret->value.len));
}

/* The text may have moved while it grew: lengths first, pointers last. */
static void point(struct broker_record *recs, size_t n, const char *at)
{
    for (size_t i = 0; i < n; i++) {
        recs[i].key.ptr = at;
        at += recs[i].key.len;
        recs[i].value.ptr = at;
        at += recs[i].value.len;
    }
}

bool produce_body_records(const struct produce_body *b,
                          enum media_format format, int32_t partition,
                          struct broker_record *recs, struct buf *text,
                          struct produce_fault *f)
{
    struct reader rd = {.format = format, .text = text, .fault = f};
    size_t before = text->len;
    yyjson_arr_iter it = yyjson_arr_iter_with(b->records);

    for (rd.at = 0; rd.at < b->n; rd.at++) {
        yyjson_val *record =
            yyjson_is_obj(b->records) ? b->records : yyjson_arr_iter_next(&it);

        recs[rd.at] = (struct broker_record){.partition = partition};
        if (!read_record(&rd, record, &recs[rd.at])) {
            return false;
        }
    }
    point(recs, b->n, text->ptr == NULL ? "" : text->ptr + before);
    return true;
}
