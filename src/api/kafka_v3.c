/* kafka_v3.c - clusters and topics of Kafka REST v3. */
#include <stdio.h>
#include <string.h>

#include "api/kafka_v3_int.h"
#include "core/mem.h"
#include "core/num.h"

enum {
    SETTINGS_MAX = 100,
};

/* ---- clusters ---- */

static void put_cluster(struct v3_out *o)
{
    v3_put(o, "{");
    v3_kind(o, "KafkaCluster", "");
    v3_put(o, ",");
    v3_text(o, "cluster_id", o->cluster);
    v3_put(o, ",");
    v3_related(o, "consumer_groups", "/consumer-groups");
    v3_put(o, ",");
    v3_related(o, "topics", "/topics");
    v3_put(o, "}");
}

void kafka_v3_clusters(struct api *a, struct http_request *r)
{
    struct v3_out o;
    char *id;

    if (!v3_begin(&o, a, r)) {
        return;
    }
    v3_answer(&o, 200);
    id = strrchr(o.base, '/');
    *id = '\0'; /* the list is above the clusters */
    v3_list(&o, "KafkaClusterList", "");
    *id = '/';
    put_cluster(&o);
    v3_put(&o, "]}");
    v3_end(&o);
}

void kafka_v3_cluster(struct api *a, struct http_request *r)
{
    struct v3_out o;

    if (v3_begin(&o, a, r)) {
        v3_answer(&o, 200);
        put_cluster(&o);
        v3_end(&o);
    }
}

/* ---- topics ---- */

static void put_topic(struct v3_out *o, const struct broker_topic *t,
                      size_t replicas)
{
    char path[TOPIC_NAME_MAX + 40];

    (void)snprintf(path, sizeof(path), "/topics/%s", t->name);
    v3_put(o, "{");
    v3_kind(o, "KafkaTopic", path);
    v3_put(o, ",");
    v3_text(o, "cluster_id", o->cluster);
    v3_put(o,
           ",\"topic_name\":\"%s\",\"is_internal\":false,"
           "\"replication_factor\":%zu,\"partitions_count\":%d,",
           t->name, replicas, (int)t->partitions);
    (void)snprintf(path, sizeof(path), "/topics/%s/partitions", t->name);
    v3_related(o, "partitions", path);
    v3_put(o, ",");
    (void)snprintf(path, sizeof(path), "/topics/%s/configs", t->name);
    v3_related(o, "configs", path);
    v3_put(o, ",\"authorized_operations\":[]}");
}

/* How many copies the first partition has. */
static size_t replicas_of(struct api *a, const char *topic)
{
    struct cluster_place *list = NULL;
    size_t replicas = 1;
    size_t n = 0;

    if (cluster_places(a->broker, topic, &list, &n, NULL) == 0) {
        replicas = n > 0 ? list[0].n : 1;
        mem_free(list);
    }
    return replicas;
}

void kafka_v3_topics(struct api *a, struct http_request *r)
{
    struct err e = {.code = ERR_NONE};
    struct broker_topic *list = NULL;
    struct v3_out o;
    size_t n = 0;

    if (!v3_begin(&o, a, r)) {
        return;
    }
    if (broker_topic_list(a->broker, &list, &n, &e) != 0) {
        v3_err(r, &e);
        return;
    }
    v3_answer(&o, 200);
    v3_list(&o, "KafkaTopicList", "/topics");
    for (size_t i = 0; i < n; i++) {
        v3_put(&o, "%s", i > 0 ? "," : "");
        put_topic(&o, &list[i], replicas_of(a, list[i].name));
    }
    v3_put(&o, "]}");
    v3_end(&o);
    mem_free(list);
}

void kafka_v3_topic(struct api *a, struct http_request *r)
{
    struct broker_topic t;
    struct v3_out o;

    if (v3_begin(&o, a, r) && v3_topic(a, r, &t)) {
        v3_answer(&o, 200);
        put_topic(&o, &t, replicas_of(a, t.name));
        v3_end(&o);
    }
}

void kafka_v3_topic_delete(struct api *a, struct http_request *r)
{
    struct err e = {.code = ERR_NONE};
    struct broker_topic t;
    struct v3_out o;

    if (!v3_begin(&o, a, r) || !v3_topic(a, r, &t)) {
        return;
    }
    if (broker_topic_delete(a->broker, t.name, &e) != 0) {
        v3_err(r, &e);
        return;
    }
    topics_forget(a, t.name);
    (void)answer_begin(r, 204, NULL);
}

void kafka_v3_configs(struct api *a, struct http_request *r)
{
    struct err e = {.code = ERR_NONE};
    struct cluster_setting *list = NULL;
    char path[TOPIC_NAME_MAX + 200];
    struct broker_topic t;
    struct v3_out o;
    size_t n = 0;

    if (!v3_begin(&o, a, r) || !v3_topic(a, r, &t)) {
        return;
    }
    if (cluster_settings(a->broker, t.name, &list, &n, &e) != 0) {
        v3_err(r, &e);
        return;
    }
    v3_answer(&o, 200);
    (void)snprintf(path, sizeof(path), "/topics/%s/configs", t.name);
    v3_list(&o, "KafkaTopicConfigList", path);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(path, sizeof(path), "/topics/%s/configs/%s", t.name,
                       list[i].name);
        v3_put(&o, "%s{", i > 0 ? "," : "");
        v3_kind(&o, "KafkaTopicConfig", path);
        v3_put(&o, ",");
        v3_text(&o, "cluster_id", o.cluster);
        v3_put(&o, ",\"topic_name\":\"%s\",\"name\":\"%s\",", t.name,
               list[i].name);
        v3_text(&o, "value", list[i].value);
        v3_put(&o,
               ",\"is_default\":%s,\"is_read_only\":false,"
               "\"is_sensitive\":false,\"source\":\"%s\",\"synonyms\":[]}",
               list[i].standard ? "true" : "false",
               list[i].standard ? "DEFAULT_CONFIG" : "DYNAMIC_TOPIC_CONFIG");
    }
    v3_put(&o, "]}");
    v3_end(&o);
    mem_free(list);
}

void kafka_v3_partitions(struct api *a, struct http_request *r)
{
    struct err e = {.code = ERR_NONE};
    struct cluster_place *list = NULL;
    char path[TOPIC_NAME_MAX + 60];
    struct broker_topic t;
    struct v3_out o;
    size_t n = 0;

    if (!v3_begin(&o, a, r) || !v3_topic(a, r, &t)) {
        return;
    }
    if (cluster_places(a->broker, t.name, &list, &n, &e) != 0) {
        v3_err(r, &e);
        return;
    }
    v3_answer(&o, 200);
    (void)snprintf(path, sizeof(path), "/topics/%s/partitions", t.name);
    v3_list(&o, "KafkaPartitionList", path);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(path, sizeof(path), "/topics/%s/partitions/%d", t.name,
                       (int)list[i].partition);
        v3_put(&o, "%s{", i > 0 ? "," : "");
        v3_kind(&o, "KafkaPartition", path);
        v3_put(&o, ",");
        v3_text(&o, "cluster_id", o.cluster);
        v3_put(&o, ",\"topic_name\":\"%s\",\"partition_id\":%d}", t.name,
               (int)list[i].partition);
    }
    v3_put(&o, "]}");
    v3_end(&o);
    mem_free(list);
}

/* ---- POST topics ---- */

struct wanted {
    struct broker_topic t;
    int replication;
    bool only_check;
    struct cluster_setting *settings;
    size_t n;
};

static bool refuse(struct http_request *r, int status, int code,
                   const char *words)
{
    answer_error(r, FAMILY_PLAIN, status, code, "%s", words);
    return false;
}

static bool number(yyjson_val *v, int64_t low, int64_t high, int64_t *ret)
{
    return yyjson_is_raw(v) &&
           num_i64((struct slice){yyjson_get_raw(v), yyjson_get_len(v)}, ret) &&
           *ret >= low && *ret <= high;
}

static bool read_settings(struct http_request *r, yyjson_val *list,
                          struct wanted *w)
{
    yyjson_arr_iter it = yyjson_arr_iter_with(list);
    yyjson_val *one;

    if (!yyjson_is_arr(list) || yyjson_arr_size(list) > SETTINGS_MAX) {
        return refuse(r, 400, 400, "configs must be an array of at most 100");
    }
    w->settings = arena_alloc(
        &r->arena, (yyjson_arr_size(list) + 1) * sizeof(*w->settings), NULL);
    if (w->settings == NULL) {
        return refuse(r, 413, 413, "the configs are too large");
    }
    while ((one = yyjson_arr_iter_next(&it)) != NULL) {
        struct cluster_setting *s = &w->settings[w->n++];
        yyjson_val *value = yyjson_obj_get(one, "value");
        struct slice name;

        *s = (struct cluster_setting){.standard = false};
        if (!json_get_text(one, "name", &name) || name.len >= sizeof(s->name) ||
            !(yyjson_is_str(value) || yyjson_is_raw(value)) ||
            yyjson_get_len(value) >= sizeof(s->value)) {
            return refuse(r, 400, 400,
                          "a config must be {\"name\":text,\"value\":text}");
        }
        memcpy(s->name, name.ptr, name.len);
        memcpy(s->value,
               yyjson_is_str(value) ? yyjson_get_str(value)
                                    : yyjson_get_raw(value),
               yyjson_get_len(value));
    }
    return true;
}

static bool read_field(struct http_request *r, yyjson_val *key,
                       struct wanted *w)
{
    yyjson_val *v = yyjson_obj_iter_get_val(key);
    const char *name = yyjson_get_str(key);
    int64_t n;

    if (strcmp(name, "topic_name") == 0) {
        if (!yyjson_is_str(v) || yyjson_get_len(v) > TOPIC_NAME_MAX) {
            return refuse(r, 400, 40002, "topic_name cannot be a topic's name");
        }
        memcpy(w->t.name, yyjson_get_str(v), yyjson_get_len(v));
        return true;
    }
    if (yyjson_is_null(v)) {
        return true;
    }
    if (strcmp(name, "partitions_count") == 0) {
        if (!number(v, 1, INT32_MAX, &n)) {
            return refuse(r, 400, 40002, "partitions_count must be 1 or more");
        }
        w->t.partitions = (int32_t)n;
        return true;
    }
    if (strcmp(name, "replication_factor") == 0) {
        if (!number(v, -1, INT16_MAX, &n)) {
            return refuse(r, 400, 40002,
                          "replication_factor must be 1 or more");
        }
        w->replication = (int)n;
        return true;
    }
    if (strcmp(name, "validate_only") == 0 && yyjson_is_bool(v)) {
        w->only_check = yyjson_get_bool(v);
        return true;
    }
    if (strcmp(name, "configs") == 0) {
        return read_settings(r, v, w);
    }
    answer_error(r, FAMILY_PLAIN, 400, 400, "Unrecognized field: %.80s", name);
    return false;
}

static bool read_wanted(struct api *a, struct http_request *r, struct wanted *w)
{
    const struct api_conf *c = &a->conf;
    struct err e = {.code = ERR_NONE};
    struct json_doc doc;
    yyjson_obj_iter it;
    yyjson_val *key;
    bool ok;

    *w = (struct wanted){
        .t = {.partitions = 1,
              .retention_us = c->retention_us > 0 ? c->retention_us : -1,
              .retention_bytes =
                  c->retention_bytes > 0 ? c->retention_bytes : -1},
        .replication = -1};
    if (slice_trim(r->body).len == 0) {
        return refuse(r, 422, 42206,
                      "Payload error. Null input provided. Data "
                      "is required.");
    }
    if (json_parse(&doc, r->body, 0, NULL, &e) != 0) {
        answer_error(r, FAMILY_PLAIN, 400, 400, "body is not JSON: %s", e.msg);
        return false;
    }
    ok = yyjson_is_obj(doc.root) ||
         refuse(r, 400, 400, "body must be a JSON object");
    it = yyjson_obj_iter_with(doc.root);
    while (ok && (key = yyjson_obj_iter_next(&it)) != NULL) {
        ok = read_field(r, key, w);
    }
    json_release(&doc);
    if (ok && !broker_topic_name_ok(slice_of(w->t.name))) {
        return refuse(r, 400, 40002,
                      "topic_name must be 1 to 249 of a-z, A-Z, 0-9, '.', '_' "
                      "and '-'");
    }
    return ok;
}

void kafka_v3_topic_create(struct api *a, struct http_request *r)
{
    struct err e = {.code = ERR_NONE};
    struct slice type = SLICE("");
    struct wanted w;
    struct v3_out o;

    if (!v3_begin(&o, a, r)) {
        return;
    }
    (void)server_header(r, "Content-Type", &type);
    if (!media_is_json(type)) {
        answer_status(r, FAMILY_PLAIN, 415);
        return;
    }
    if (!read_wanted(a, r, &w)) {
        return;
    }
    if (cluster_topic_create(a->broker, &w.t, w.replication, w.settings, w.n,
                             w.only_check, &e) != 0) {
        if (e.code == ERR_EXISTS) {
            answer_error(r, FAMILY_PLAIN, 400, 40002,
                         "Topic '%s' already exists.", w.t.name);
        } else {
            v3_err(r, &e);
        }
        return;
    }
    v3_answer(&o, 201);
    put_topic(&o, &w.t,
              w.only_check ? (size_t)(w.replication > 0 ? w.replication : 1)
                           : replicas_of(a, w.t.name));
    v3_end(&o);
}
