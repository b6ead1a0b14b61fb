/*
 * kinesis_gateway.c - the paths of an API Gateway in front of Kinesis, with
 * the mapping templates that the exercise builds there.
 *
 * A body is read whatever its Content-Type; StreamName in it is ignored, the
 * path names the stream.  Data is stored as `$input.json` writes it: an object
 * as compact JSON, a string with its quotes.  In /records `data` goes through
 * `$elem.data`: a string as it is, an object as Java writes a map, {k=v}.
 */
#include <string.h>

#include "api/kinesis_int.h"

enum {
    GATEWAY_SHARDS = 5, /* when the body does not say */
    JAVA_DEPTH = 64,
};

/* An action with a body made here. */
static void call(struct api *a, struct http_request *r,
                 void (*run)(struct kinesis *k), const struct buf *text)
{
    struct kinesis k = {.a = a, .r = r, .region = "us-east-1"};
    struct json_doc doc;

    if (json_parse(&doc, buf_slice(text), 0, NULL, NULL) != 0) {
        answer_broken(r);
        return;
    }
    k.body = doc.root;
    run(&k);
    json_release(&doc);
}

/* {"StreamName":..., the rest is the caller's. */
static int begin_body(struct buf *b, struct http_request *r)
{
    buf_init(b, 1 << 16);
    return buf_puts(b, "{\"StreamName\":", NULL) != 0 ||
                   json_print_text(b, r->params[0], NULL) != 0
               ? -1
               : 0;
}

static int add_text(struct buf *b, const char *member, struct slice value)
{
    return buf_putf(b, NULL, "%s\"%s\":", b->len > 1 ? "," : "", member) != 0 ||
                   json_print_text(b, value, NULL) != 0
               ? -1
               : 0;
}

/* A broken character in a path or a header is no name of anything. */
static void finish(struct api *a, struct http_request *r, int rc,
                   void (*run)(struct kinesis *k), struct buf *b)
{
    if (rc != 0 || buf_putc(b, '}', NULL) != 0) {
        kinesis_fault(r, "SerializationException",
                      "a name in the request is not UTF-8 or too long");
    } else {
        call(a, r, run, b);
    }
    buf_release(b);
}

void gateway_list(struct api *a, struct http_request *r)
{
    struct slice limit;
    struct slice start;
    struct buf b;
    int rc;

    buf_init(&b, 1 << 16);
    rc = buf_putc(&b, '{', NULL);
    if (rc == 0 &&
        router_query(r->query, "ExclusiveStartStreamName", &r->arena, &start)) {
        rc = add_text(&b, "ExclusiveStartStreamName", start);
    }
    if (rc == 0 && router_query(r->query, "Limit", &r->arena, &limit) &&
        limit.len > 0 && limit.len < 10 &&
        strspn(limit.ptr, "0123456789") >= limit.len) {
        rc = buf_putf(&b, NULL, "%s\"Limit\":%.*s", b.len > 1 ? "," : "",
                      SLICE_FMT(limit));
    }
    finish(a, r, rc, kinesis_list_streams, &b);
}

static void by_name(struct api *a, struct http_request *r,
                    void (*run)(struct kinesis *k))
{
    struct buf b;
    int rc = begin_body(&b, r);

    finish(a, r, rc, run, &b);
}

void gateway_describe(struct api *a, struct http_request *r)
{
    by_name(a, r, kinesis_describe_stream);
}

void gateway_delete(struct api *a, struct http_request *r)
{
    by_name(a, r, kinesis_delete_stream);
}

void gateway_create(struct api *a, struct http_request *r)
{
    int64_t shards = GATEWAY_SHARDS;
    struct json_doc doc;
    struct buf b;
    int rc = begin_body(&b, r);

    if (r->body.len > 0 && json_parse(&doc, r->body, 0, NULL, NULL) == 0) {
        (void)json_get_i64(doc.root, "ShardCount", &shards);
        json_release(&doc);
    }
    rc = rc != 0
             ? rc
             : buf_putf(&b, NULL, ",\"ShardCount\":%lld", (long long)shards);
    finish(a, r, rc, kinesis_create_stream, &b);
}

/* Mapped to TRIM_HORIZON, whatever is asked for. */
void gateway_iterator(struct api *a, struct http_request *r)
{
    struct slice shard = {NULL, 0};
    struct buf b;
    int rc = begin_body(&b, r);

    (void)router_query(r->query, "shard-id", &r->arena, &shard);
    rc = rc != 0 ? rc : add_text(&b, "ShardId", shard);
    rc =
        rc != 0 ? rc : add_text(&b, "ShardIteratorType", SLICE("TRIM_HORIZON"));
    finish(a, r, rc, kinesis_get_iterator, &b);
}

void gateway_get(struct api *a, struct http_request *r)
{
    struct slice iterator = {NULL, 0};
    struct buf b;
    int rc = begin_body(&b, r);

    (void)server_header(r, "Shard-Iterator", &iterator);
    rc = rc != 0 ? rc : add_text(&b, "ShardIterator", iterator);
    finish(a, r, rc, kinesis_get_records, &b);
}

/* ---- put ---- */

static int put_java(struct buf *b, yyjson_val *v, int depth);

static int put_java_map(struct buf *b, yyjson_val *v, int depth)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(v);
    yyjson_val *key;
    bool first = true;

    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        struct slice name = {yyjson_get_str(key), yyjson_get_len(key)};

        if (buf_puts(b, first ? "{" : ", ", NULL) != 0 ||
            buf_append(b, name, NULL) != 0 || buf_putc(b, '=', NULL) != 0 ||
            put_java(b, yyjson_obj_iter_get_val(key), depth + 1) != 0) {
            return -1;
        }
        first = false;
    }
    return buf_puts(b, first ? "{}" : "}", NULL);
}

/* As Object.toString() prints what a JSON parser for Java made of it. */
static int put_java(struct buf *b, yyjson_val *v, int depth)
{
    size_t n = yyjson_arr_size(v);

    if (depth > JAVA_DEPTH) {
        return -1;
    }
    if (yyjson_is_obj(v)) {
        return put_java_map(b, v, depth);
    }
    if (yyjson_is_str(v)) {
        return buf_append(
            b, (struct slice){yyjson_get_str(v), yyjson_get_len(v)}, NULL);
    }
    if (!yyjson_is_arr(v)) {
        return json_print(b, v, 0, NULL);
    }
    for (size_t i = 0; i < n; i++) {
        if (buf_puts(b, i > 0 ? ", " : "[", NULL) != 0 ||
            put_java(b, yyjson_arr_get(v, i), depth + 1) != 0) {
            return -1;
        }
    }
    return buf_puts(b, n > 0 ? "]" : "[]", NULL);
}

/* Where each record's data and key lie within the text. */
struct part {
    size_t data, key, end;
};

static int map_record(struct buf *text, yyjson_val *data, yyjson_val *key,
                      bool many, struct part *ret)
{
    int rc;

    ret->data = text->len;
    rc = many ? put_java(text, data, 0) : json_print(text, data, 0, NULL);
    ret->key = text->len;
    rc = rc != 0 || key == NULL ? rc : put_java(text, key, 0);
    ret->end = text->len;
    return rc;
}

/* The text does not move any more: parts become slices. */
static void store(struct kinesis *k, const char *stream, struct slice text,
                  const struct part *parts, size_t n)
{
    struct kinesis_put *puts =
        arena_alloc(&k->r->arena, n * sizeof(*puts), NULL);
    const struct route *route = k->r->route;

    if (puts == NULL) {
        answer_broken(k->r);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        puts[i] = (struct kinesis_put){
            .data = {text.ptr + parts[i].data, parts[i].key - parts[i].data},
            .key = {text.ptr + parts[i].key, parts[i].end - parts[i].key}};
    }
    kinesis_store(k, stream, puts, n, route->handle == gateway_put_records);
}

static void missing(struct http_request *r, const char *what)
{
    kinesis_fault(r, "ValidationException",
                  "the body has no %s; nothing was stored", what);
}

/* The body as it was sent, whatever type it was said to have. */
static void put_mapped(struct api *a, struct http_request *r,
                       void (*map)(struct kinesis *k, struct buf *text,
                                   const char *stream))
{
    struct kinesis k = {.a = a, .r = r};
    char name[KINESIS_NAME_MAX + 1];
    struct json_doc doc;
    struct buf text;

    if (r->params[0].len > KINESIS_NAME_MAX ||
        !broker_topic_name_ok(r->params[0])) {
        kinesis_fault(r, "ValidationException",
                      "the path does not name a stream");
        return;
    }
    if (json_parse(&doc, r->body, 0, NULL, NULL) != 0) {
        kinesis_fault(r, "SerializationException", "the body is not JSON");
        return;
    }
    memcpy(name, r->params[0].ptr, r->params[0].len);
    name[r->params[0].len] = '\0';
    k.body = doc.root;
    buf_init(&text, 2 * r->body.len + 64);
    map(&k, &text, name);
    buf_release(&text);
    json_release(&doc);
}

static void map_one(struct kinesis *k, struct buf *text, const char *stream)
{
    yyjson_val *data = json_get(k->body, "Data");
    struct part part;

    if (data == NULL) {
        missing(k->r, "Data");
    } else if (map_record(text, data, json_get(k->body, "PartitionKey"), false,
                          &part) != 0) {
        answer_broken(k->r);
    } else {
        store(k, stream, buf_slice(text), &part, 1);
    }
}

void gateway_put_record(struct api *a, struct http_request *r)
{
    put_mapped(a, r, map_one);
}

static void map_many(struct kinesis *k, struct buf *text, const char *stream)
{
    yyjson_val *records = json_get(k->body, "records");
    size_t n = yyjson_arr_size(records);
    struct part *parts;

    if (n < 1 || n > KINESIS_RECORDS_MAX) {
        kinesis_fault(k->r, "ValidationException",
                      "records must be a list of 1 to %d", KINESIS_RECORDS_MAX);
        return;
    }
    parts = arena_alloc(&k->r->arena, n * sizeof(*parts), NULL);
    for (size_t i = 0; i < n; i++) {
        yyjson_val *record = yyjson_arr_get(records, i);
        yyjson_val *data = json_get(record, "data");

        if (data == NULL) {
            missing(k->r, "data in one of its records");
            return;
        }
        if (parts == NULL ||
            map_record(text, data, json_get(record, "partition-key"), true,
                       &parts[i]) != 0) {
            answer_broken(k->r);
            return;
        }
    }
    store(k, stream, buf_slice(text), parts, n);
}

void gateway_put_records(struct api *a, struct http_request *r)
{
    put_mapped(a, r, map_many);
}
