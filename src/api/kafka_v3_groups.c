/* kafka_v3_groups.c - consumer groups and their lag of Kafka REST v3. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/kafka_v3_int.h"
#include "core/mem.h"

enum {
    PATH_MAX_BYTES = TOPIC_NAME_MAX * 3 + 80,
};

/* ---- what a group is ---- */

struct group {
    char name[TOPIC_NAME_MAX + 1];
    struct broker_position *positions;
    size_t n;
    struct member_owner *owners;
    size_t n_owners;
};

static void release(struct group *g)
{
    mem_free(g->positions);
    mem_free(g->owners);
}

/* The group of the path: it has positions, or members; false: answered. */
static bool find_group(struct api *a, struct http_request *r, struct group *ret)
{
    struct slice name = r->params[1];
    struct err e = {.code = ERR_NONE};

    *ret = (struct group){.n = 0};
    if (name.len <= TOPIC_NAME_MAX &&
        memchr(name.ptr, '\0', name.len) == NULL) {
        memcpy(ret->name, name.ptr, name.len);
        if ((broker_group_positions(a->broker, ret->name, &ret->positions,
                                    &ret->n, &e) != 0 &&
             e.code != ERR_NOTFOUND) ||
            member_list(a->broker, ret->name, &ret->owners, &ret->n_owners,
                        &e) != 0) {
            release(ret);
            v3_err(r, &e);
            return false;
        }
    }
    if (ret->n + ret->n_owners > 0) {
        return true;
    }
    release(ret);
    answer_error(r, FAMILY_PLAIN, 404, 40405, "Consumer group %.*s not found",
                 (int)(name.len > 60 ? 60 : name.len), name.ptr);
    return false;
}

static const struct member_owner *owner_of(const struct group *g,
                                           const struct broker_position *p)
{
    for (size_t i = 0; i < g->n_owners; i++) {
        if (g->owners[i].partition == p->partition &&
            strcmp(g->owners[i].topic, p->topic) == 0) {
            return &g->owners[i];
        }
    }
    return NULL;
}

/* "/consumer-groups/NAME" and what follows, escaped as JSON and paths want:
 * names of groups are any text. */
static void group_path(char path[PATH_MAX_BYTES], const char *name,
                       const char *rest)
{
    size_t n = (size_t)snprintf(path, PATH_MAX_BYTES, "/consumer-groups/");

    for (; *name != '\0' && n + 4 < PATH_MAX_BYTES - 40; name++) {
        bool plain = (*name >= '0' && *name <= '9') ||
                     (*name >= 'a' && *name <= 'z') ||
                     (*name >= 'A' && *name <= 'Z') ||
                     (*name != '\0' && strchr("-._~", *name) != NULL);

        if (plain) {
            path[n++] = *name;
        } else {
            n += (size_t)snprintf(path + n, PATH_MAX_BYTES - n, "%%%02X",
                                  (unsigned)(unsigned char)*name);
        }
    }
    (void)snprintf(path + n, PATH_MAX_BYTES - n, "%s", rest);
}

static void put_group(struct v3_out *o, const char *name, bool busy)
{
    char path[PATH_MAX_BYTES];

    group_path(path, name, "");
    v3_put(o, "{");
    v3_kind(o, "KafkaConsumerGroup", path);
    v3_put(o, ",");
    v3_text(o, "cluster_id", o->cluster);
    v3_put(o, ",");
    v3_text(o, "consumer_group_id", name);
    v3_put(o,
           ",\"is_simple\":false,\"partition_assignor\":\"%s\",\"state\":"
           "\"%s\",",
           busy ? "cooperative-sticky" : "", busy ? "STABLE" : "EMPTY");
    group_path(path, name, "/lag-summary");
    v3_related(o, "lag_summary", path);
    v3_put(o, "}");
}

static bool is_busy(struct api *a, const char *name)
{
    struct member_owner *owners = NULL;
    size_t n = 0;

    if (member_list(a->broker, name, &owners, &n, NULL) != 0) {
        return false;
    }
    mem_free(owners);
    return n > 0;
}

void kafka_v3_groups(struct api *a, struct http_request *r)
{
    struct err e = {.code = ERR_NONE};
    struct broker_group *list = NULL;
    struct v3_out o;
    size_t n = 0;

    if (!v3_begin(&o, a, r)) {
        return;
    }
    if (broker_group_list(a->broker, &list, &n, &e) != 0) {
        v3_err(r, &e);
        return;
    }
    v3_answer(&o, 200);
    v3_list(&o, "KafkaConsumerGroupList", "/consumer-groups");
    for (size_t i = 0; i < n; i++) {
        v3_put(&o, "%s", i > 0 ? "," : "");
        put_group(&o, list[i].name, is_busy(a, list[i].name));
    }
    v3_put(&o, "]}");
    v3_end(&o);
    mem_free(list);
}

void kafka_v3_group(struct api *a, struct http_request *r)
{
    struct group g;
    struct v3_out o;

    if (v3_begin(&o, a, r) && find_group(a, r, &g)) {
        v3_answer(&o, 200);
        put_group(&o, g.name, g.n_owners > 0);
        v3_end(&o);
        release(&g);
    }
}

/* ---- lag ---- */

/* How far the group is behind in one partition; a topic that is gone: 0. */
static int64_t lag_of(struct api *a, const struct broker_position *p,
                      int64_t *ret_end)
{
    int64_t begin = 0;
    int64_t end = 0;

    if (broker_offsets(a->broker, p->topic, p->partition, &begin, &end, NULL) !=
        0) {
        end = p->offset;
    }
    *ret_end = end;
    return end > p->offset ? end - p->offset : 0;
}

static void put_who(struct v3_out *o, const char *prefix,
                    const struct member_owner *who)
{
    char name[60];

    (void)snprintf(name, sizeof(name), "%sconsumer_id", prefix);
    v3_text(o, name, who != NULL ? who->member : "");
    (void)snprintf(name, sizeof(name), "%sinstance_id", prefix);
    v3_put(o, ",");
    v3_text(o, name, NULL);
    (void)snprintf(name, sizeof(name), "%sclient_id", prefix);
    v3_put(o, ",");
    v3_text(o, name, who != NULL ? who->client : "");
}

void kafka_v3_lag_summary(struct api *a, struct http_request *r)
{
    const struct broker_position *most = NULL;
    char path[PATH_MAX_BYTES];
    int64_t max = 0;
    int64_t total = 0;
    struct group g;
    struct v3_out o;

    if (!v3_begin(&o, a, r) || !find_group(a, r, &g)) {
        return;
    }
    for (size_t i = 0; i < g.n; i++) {
        int64_t end;
        int64_t lag = lag_of(a, &g.positions[i], &end);

        total += lag;
        if (most == NULL || lag > max) {
            most = &g.positions[i];
            max = lag;
        }
    }
    v3_answer(&o, 200);
    group_path(path, g.name, "/lag-summary");
    v3_put(&o, "{");
    v3_kind(&o, "KafkaConsumerGroupLagSummary", path);
    v3_put(&o, ",");
    v3_text(&o, "cluster_id", o.cluster);
    v3_put(&o, ",");
    v3_text(&o, "consumer_group_id", g.name);
    v3_put(&o, ",");
    put_who(&o, "max_lag_", most != NULL ? owner_of(&g, most) : NULL);
    v3_put(&o, ",");
    v3_text(&o, "max_lag_topic_name", most != NULL ? most->topic : NULL);
    v3_put(&o,
           ",\"max_lag_partition_id\":%d,\"max_lag\":%" PRId64
           ",\"total_lag\":%" PRId64 "}",
           most != NULL ? (int)most->partition : 0, max, total);
    v3_end(&o);
    release(&g);
}

static void put_lag(struct v3_out *o, const struct group *g,
                    const struct broker_position *p)
{
    char path[PATH_MAX_BYTES + TOPIC_NAME_MAX];
    char rest[TOPIC_NAME_MAX + 60];
    int64_t end;
    int64_t lag = lag_of(o->a, p, &end);

    (void)snprintf(rest, sizeof(rest), "/lags/%s/partitions/%d", p->topic,
                   (int)p->partition);
    group_path(path, g->name, "");
    memcpy(path + strlen(path), rest, strlen(rest) + 1);
    v3_put(o, "{");
    v3_kind(o, "KafkaConsumerLag", path);
    v3_put(o, ",");
    v3_text(o, "cluster_id", o->cluster);
    v3_put(o, ",");
    v3_text(o, "consumer_group_id", g->name);
    v3_put(o, ",");
    v3_text(o, "topic_name", p->topic);
    v3_put(o,
           ",\"partition_id\":%d,\"current_offset\":%" PRId64
           ",\"log_end_offset\":%" PRId64 ",\"lag\":%" PRId64 ",",
           (int)p->partition, p->offset, end, lag);
    put_who(o, "", owner_of(g, p));
    v3_put(o, "}");
}

void kafka_v3_lags(struct api *a, struct http_request *r)
{
    char path[PATH_MAX_BYTES];
    struct group g;
    struct v3_out o;

    if (!v3_begin(&o, a, r) || !find_group(a, r, &g)) {
        return;
    }
    v3_answer(&o, 200);
    group_path(path, g.name, "/lags");
    v3_list(&o, "KafkaConsumerLagList", path);
    for (size_t i = 0; i < g.n; i++) {
        v3_put(&o, "%s", i > 0 ? "," : "");
        put_lag(&o, &g, &g.positions[i]);
    }
    v3_put(&o, "]}");
    v3_end(&o);
    release(&g);
}
