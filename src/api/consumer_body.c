#include "api/consumer_body.h"

#include <string.h>

#include "api/timestamp.h"
#include "core/num.h"
#include "core/text.h"

enum {
    NAME_MAX_BYTES = 200,
    MIN_BYTES_MAX = 10000000,
    TIMEOUT_MS_MAX = 300000,
};

static bool no_memory(struct produce_fault *f)
{
    return produce_fault_set(f, 413, 413, "the request is too large");
}

/* A number or a text of one. */
static bool scalar(yyjson_val *v, struct slice *ret)
{
    if (yyjson_is_raw(v)) {
        *ret = (struct slice){yyjson_get_raw(v), yyjson_get_len(v)};
        return true;
    }
    if (yyjson_is_str(v)) {
        *ret = (struct slice){yyjson_get_str(v), yyjson_get_len(v)};
        return true;
    }
    return false;
}

static bool number(yyjson_val *v, int64_t *ret)
{
    struct slice s;

    return scalar(v, &s) && num_i64(s, ret);
}

static bool boolean(yyjson_val *v, bool *ret)
{
    if (yyjson_is_bool(v)) {
        *ret = yyjson_get_bool(v);
        return true;
    }
    return yyjson_is_str(v) &&
           num_bool((struct slice){yyjson_get_str(v), yyjson_get_len(v)}, ret);
}

/* A text without NUL, copied. */
static bool text(yyjson_val *v, const char *what, struct arena *a,
                 const char **ret, struct produce_fault *f)
{
    struct slice copy;
    struct slice s;

    if (!yyjson_is_str(v) ||
        memchr(yyjson_get_str(v), '\0', yyjson_get_len(v))) {
        return produce_fault_set(f, 400, 400, "%s must be a text", what);
    }
    s = (struct slice){yyjson_get_str(v), yyjson_get_len(v)};
    if (arena_copy(a, s, &copy, NULL) != 0) {
        return no_memory(f);
    }
    *ret = copy.ptr;
    return true;
}

/* The object; false also for an empty body unless *ret_empty is asked for. */
static bool parse(struct slice body, struct json_doc *doc, bool *ret_empty,
                  struct produce_fault *f)
{
    struct err e = {.code = ERR_NONE};

    if (slice_trim(body).len == 0 && ret_empty != NULL) {
        *ret_empty = true;
        return true;
    }
    if (slice_trim(body).len == 0) {
        return produce_fault_set(f, 422, 422,
                                 "body is empty: want a JSON object");
    }
    if (json_parse(doc, body, 0, NULL, &e) != 0) {
        return e.code == ERR_NOMEM
                   ? produce_fault_set(f, 500, 50003, "%s", e.msg)
                   : produce_fault_set(f, 400, 400, "body is not JSON: %s",
                                       e.msg);
    }
    if (!yyjson_is_obj(doc->root)) {
        json_release(doc);
        return produce_fault_set(f, 400, 400, "body must be a JSON object");
    }
    return true;
}

/* ---- create ---- */

static bool read_format(yyjson_val *v, enum media_format *ret,
                        struct produce_fault *f)
{
    static const char *const names[] = {
        [MEDIA_BINARY] = "binary",     [MEDIA_JSON_VALUES] = "json",
        [MEDIA_AVRO] = "avro",         [MEDIA_JSONSCHEMA] = "jsonschema",
        [MEDIA_PROTOBUF] = "protobuf",
    };
    struct slice s;

    for (size_t i = 0; yyjson_is_str(v) && i < ARRAY_LEN(names); i++) {
        s = (struct slice){yyjson_get_str(v), yyjson_get_len(v)};
        if (text_ascii_ieq(s, slice_of(names[i]))) {
            *ret = (enum media_format)i;
            return true;
        }
    }
    return produce_fault_set(f, 422, 42204, "Invalid format type");
}

static bool read_reset(yyjson_val *v, enum consumer_reset *ret,
                       struct produce_fault *f)
{
    const char *s = yyjson_is_str(v) ? yyjson_get_str(v) : "";

    if (strcmp(s, "earliest") == 0) {
        *ret = CONSUMER_EARLIEST;
        return true;
    }
    if (strcmp(s, "latest") == 0) {
        *ret = CONSUMER_LATEST;
        return true;
    }
    return produce_fault_set(
        f, 422, 42204,
        "Invalid value %.60s for configuration auto.offset.reset: "
        "must be earliest or latest",
        s);
}

static bool read_name(yyjson_val *v, struct arena *a, const char **ret,
                      struct produce_fault *f)
{
    if (!text(v, "name", a, ret, f)) {
        return false;
    }
    for (const char *p = *ret; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == '/' || *p == 127) {
            return produce_fault_set(
                f, 422, 42204, "Invalid name: it cannot hold '/' or a control");
        }
    }
    if ((*ret)[0] == '\0' || strlen(*ret) > NAME_MAX_BYTES) {
        return produce_fault_set(f, 422, 42204,
                                 "Invalid name: it has 1 to %d bytes",
                                 NAME_MAX_BYTES);
    }
    return true;
}

static bool read_limits(const char *name, yyjson_val *v,
                        struct consumer_body_create *ret,
                        struct produce_fault *f)
{
    bool bytes = strcmp(name, "fetch.min.bytes") == 0;
    int64_t low = bytes ? -1 : 1;
    int64_t high = bytes ? MIN_BYTES_MAX : TIMEOUT_MS_MAX;
    int64_t n;

    if (!number(v, &n)) {
        return produce_fault_set(f, 422, 42204,
                                 "Invalid value for configuration %s", name);
    }
    if (n < low || n > high) {
        return produce_fault_set(f, 400, 40001,
                                 "%s must be between %lld and %lld", name,
                                 (long long)low, (long long)high);
    }
    if (bytes) {
        ret->min_bytes = n;
    } else {
        ret->timeout_us = n * 1000;
    }
    return true;
}

static bool read_create(yyjson_val *key, struct arena *a,
                        struct consumer_body_create *ret,
                        struct produce_fault *f)
{
    const char *name = yyjson_get_str(key);
    yyjson_val *v = yyjson_obj_iter_get_val(key);
    bool none = !json_given(v);

    if (strcmp(name, "name") == 0) {
        return none || read_name(v, a, &ret->name, f);
    }
    if (strcmp(name, "id") == 0) {
        return none || ret->name != NULL || read_name(v, a, &ret->name, f);
    }
    if (strcmp(name, "format") == 0) {
        return none || read_format(v, &ret->format, f);
    }
    if (strcmp(name, "auto.offset.reset") == 0) {
        return none || read_reset(v, &ret->reset, f);
    }
    if (strcmp(name, "auto.commit.enable") == 0) {
        return none || boolean(v, &ret->auto_commit) ||
               produce_fault_set(
                   f, 422, 42204,
                   "Invalid value for configuration auto.commit.enable");
    }
    if (strcmp(name, "fetch.min.bytes") == 0 ||
        strcmp(name, "consumer.request.timeout.ms") == 0) {
        return none || read_limits(name, v, ret, f);
    }
    return produce_fault_field(f, key);
}

bool consumer_body_create(struct slice body, struct arena *a,
                          struct consumer_body_create *ret,
                          struct produce_fault *f)
{
    struct json_doc doc = {.doc = NULL};
    yyjson_obj_iter it;
    yyjson_val *key;
    bool empty = false;
    bool ok;

    *ret = (struct consumer_body_create){
        .format = MEDIA_BINARY, .auto_commit = true, .min_bytes = -1};
    ok = parse(body, &doc, &empty, f);
    if (!ok || empty) {
        return ok;
    }
    it = yyjson_obj_iter_with(doc.root);
    while (ok && (key = yyjson_obj_iter_next(&it)) != NULL) {
        ok = read_create(key, a, ret, f);
    }
    json_release(&doc);
    return ok;
}

/* ---- subscription ---- */

static bool read_topics(yyjson_val *v, struct arena *a, struct member_conf *ret,
                        struct produce_fault *f)
{
    yyjson_arr_iter it = yyjson_arr_iter_with(v);
    const char **list;
    yyjson_val *one;
    size_t n = 0;

    if (!yyjson_is_arr(v)) {
        return produce_fault_set(f, 400, 400,
                                 "topics must be an array of names");
    }
    list = arena_alloc(a, (yyjson_arr_size(v) + 1) * sizeof(*list), NULL);
    if (list == NULL) {
        return no_memory(f);
    }
    while ((one = yyjson_arr_iter_next(&it)) != NULL) {
        if (!text(one, "a topic", a, &list[n], f)) {
            return false;
        }
        if (!broker_topic_name_ok(slice_of(list[n]))) {
            return produce_fault_set(
                f, 422, 422, "\"%.60s\" cannot be a topic's name", list[n]);
        }
        n++;
    }
    ret->topics = list;
    ret->ntopics = n;
    return true;
}

bool consumer_body_subscription(struct slice body, struct arena *a,
                                struct member_conf *ret,
                                struct produce_fault *f)
{
    struct json_doc doc = {.doc = NULL};
    yyjson_val *topics = NULL;
    yyjson_val *pattern = NULL;
    yyjson_obj_iter it;
    yyjson_val *key;
    bool ok;

    *ret = (struct member_conf){.ntopics = 0};
    if (!parse(body, &doc, NULL, f)) {
        return false;
    }
    ok = true;
    it = yyjson_obj_iter_with(doc.root);
    while (ok && (key = yyjson_obj_iter_next(&it)) != NULL) {
        if (yyjson_equals_str(key, "topics")) {
            topics = yyjson_obj_iter_get_val(key);
        } else if (yyjson_equals_str(key, "topic_pattern")) {
            pattern = yyjson_obj_iter_get_val(key);
        } else {
            ok = produce_fault_field(f, key);
        }
    }
    if (ok && json_given(topics) == json_given(pattern)) {
        ok = produce_fault_set(
            f, 409, 40903,
            json_given(topics)
                ? "Only one of topics and topic_pattern can be given"
                : "Neither topic_pattern nor topics are present in "
                  "request");
    }
    if (ok && json_given(topics)) {
        ok = read_topics(topics, a, ret, f);
    } else if (ok) {
        ok = text(pattern, "topic_pattern", a, &ret->pattern, f) &&
             (ret->pattern[0] != '\0' ||
              produce_fault_set(f, 422, 422, "topic_pattern may not be empty"));
    }
    json_release(&doc);
    return ok;
}

/* ---- lists of places ---- */

static bool read_time(yyjson_val *v, int64_t *ret)
{
    struct slice s;

    return scalar(v, &s) && timestamp_parse(s, ret);
}

static bool read_offset(yyjson_val *v, int64_t *ret, struct produce_fault *f)
{
    if (!number(v, ret) || *ret < 0 || *ret == INT64_MAX) {
        return produce_fault_set(f, 422, 422,
                                 "offset must be greater than or equal to 0");
    }
    return true;
}

static bool read_field(yyjson_val *key, unsigned list, struct arena *a,
                       struct consumer_place *ret, struct produce_fault *f)
{
    const char *name = yyjson_get_str(key);
    yyjson_val *v = yyjson_obj_iter_get_val(key);
    int64_t n;

    if (strcmp(name, "topic") == 0) {
        return text(v, "topic", a, &ret->topic, f);
    }
    if (strcmp(name, "partition") == 0) {
        if (!number(v, &n) || n < 0 || n > INT32_MAX) {
            return produce_fault_set(
                f, 422, 422, "partition must be greater than or equal to 0");
        }
        ret->partition = (int32_t)n;
        return true;
    }
    if (strcmp(name, "offset") == 0 && list == CONSUMER_BODY_OFFSETS) {
        return read_offset(v, &ret->offset, f);
    }
    if (strcmp(name, "metadata") == 0 && list == CONSUMER_BODY_OFFSETS) {
        return !json_given(v) || text(v, "metadata", a, &ret->metadata, f);
    }
    if (strcmp(name, "timestamp") == 0 && list == CONSUMER_BODY_TIMESTAMPS) {
        ret->by_time = true;
        return read_time(v, &ret->time_us) ||
               produce_fault_set(f, 422, 422,
                                 "timestamp must be like 2026-11-21T10:00:00Z");
    }
    return produce_fault_field(f, key);
}

static bool read_place(yyjson_val *o, unsigned list, struct arena *a,
                       struct consumer_place *ret, struct produce_fault *f)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(o);
    yyjson_val *key;

    *ret = (struct consumer_place){.partition = -1, .offset = -1};
    if (!yyjson_is_obj(o)) {
        return produce_fault_set(f, 400, 400, "a partition must be an object");
    }
    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        if (!read_field(key, list, a, ret, f)) {
            return false;
        }
    }
    if (ret->topic == NULL || ret->topic[0] == '\0') {
        return produce_fault_set(f, 422, 422, "topic may not be empty");
    }
    if (ret->partition < 0) {
        return produce_fault_set(f, 422, 422, "partition may not be null");
    }
    if (list == CONSUMER_BODY_OFFSETS && ret->offset < 0) {
        return produce_fault_set(f, 422, 422, "offset may not be null");
    }
    if (list == CONSUMER_BODY_TIMESTAMPS && !ret->by_time) {
        return produce_fault_set(f, 422, 422, "timestamp may not be null");
    }
    return true;
}

static const struct {
    const char *name;
    unsigned list;
} lists_of[] = {
    {"partitions", CONSUMER_BODY_PARTITIONS},
    {"offsets", CONSUMER_BODY_OFFSETS},
    {"timestamps", CONSUMER_BODY_TIMESTAMPS},
};

/* Which of `lists` a field is; 0: none. */
static unsigned list_of(yyjson_val *key, unsigned lists)
{
    for (size_t i = 0; i < ARRAY_LEN(lists_of); i++) {
        if ((lists & lists_of[i].list) != 0 &&
            yyjson_equals_str(key, lists_of[i].name)) {
            return lists_of[i].list;
        }
    }
    return 0;
}

/* How many places there are in all; false when a field is none of ours. */
static bool measure(yyjson_val *root, unsigned lists, size_t *ret,
                    struct produce_fault *f)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(root);
    yyjson_val *key;
    bool any = false;
    size_t n = 0;

    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        yyjson_val *v = yyjson_obj_iter_get_val(key);

        if (list_of(key, lists) == 0) {
            return produce_fault_field(f, key);
        }
        if (json_given(v) && !yyjson_is_arr(v)) {
            return produce_fault_set(f, 400, 400, "%s must be an array",
                                     yyjson_get_str(key));
        }
        any = any || json_given(v);
        n += yyjson_arr_size(v);
    }
    if (!any) {
        return produce_fault_set(
            f, 422, 422, "%s may not be null",
            (lists & CONSUMER_BODY_PARTITIONS) != 0 ? "partitions" : "offsets");
    }
    if (n > CONSUMER_PARTITIONS_MAX) {
        return produce_fault_set(f, 413, 413,
                                 "at most %d partitions can be named at once",
                                 CONSUMER_PARTITIONS_MAX);
    }
    *ret = n;
    return true;
}

bool consumer_body_places(struct slice body, unsigned lists, struct arena *a,
                          struct consumer_place **ret, size_t *ret_n,
                          struct produce_fault *f)
{
    struct json_doc doc = {.doc = NULL};
    struct consumer_place *places = NULL;
    yyjson_obj_iter it;
    yyjson_val *key;
    size_t n = 0;
    size_t at = 0;
    bool ok;

    if (!parse(body, &doc, NULL, f)) {
        return false;
    }
    ok = measure(doc.root, lists, &n, f);
    if (ok) {
        places = arena_alloc(a, (n + 1) * sizeof(*places), NULL);
        ok = places != NULL || no_memory(f);
    }
    it = yyjson_obj_iter_with(doc.root);
    while (ok && (key = yyjson_obj_iter_next(&it)) != NULL) {
        yyjson_arr_iter items =
            yyjson_arr_iter_with(yyjson_obj_iter_get_val(key));
        yyjson_val *one;

        while (ok && (one = yyjson_arr_iter_next(&items)) != NULL) {
            ok = read_place(one, list_of(key, lists), a, &places[at++], f);
        }
    }
    json_release(&doc);
    if (ok) {
        *ret = places;
        *ret_n = n;
    }
    return ok;
}
