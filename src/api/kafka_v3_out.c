/* kafka_v3_out.c - what every route of Kafka REST v3 begins and writes with. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/kafka_v3_int.h"
#include "api/links.h"
#include "core/mem.h"

/* ---- writing ---- */

void v3_put(struct v3_out *o, const char *fmt, ...)
{
    char text[1400];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (o->rc == 0) {
        o->rc = n < 0 || (size_t)n >= sizeof(text)
                    ? -1
                    : buf_append(o->b, (struct slice){text, (size_t)n}, NULL);
    }
}

void v3_text(struct v3_out *o, const char *name, const char *text)
{
    v3_put(o, "\"%s\":", name);
    if (text == NULL) {
        v3_put(o, "null");
    } else if (o->rc == 0) {
        o->rc = json_print_text(o->b, slice_of(text), NULL);
    }
}

/* BASE + path in quotes. */
static void put_url(struct v3_out *o, const char *path)
{
    v3_put(o, "\"");
    v3_put(o, "%s", o->base);
    v3_put(o, "%s\"", path);
}

void v3_kind(struct v3_out *o, const char *kind, const char *path)
{
    v3_put(o, "\"kind\":\"%s\",\"metadata\":{\"self\":", kind);
    put_url(o, path);
    v3_put(o, ",\"resource_name\":\"crn:///kafka=%s%s\"}", o->cluster, path);
}

void v3_related(struct v3_out *o, const char *name, const char *path)
{
    v3_put(o, "\"%s\":{\"related\":", name);
    put_url(o, path);
    v3_put(o, "}");
}

void v3_list(struct v3_out *o, const char *kind, const char *path)
{
    v3_put(o, "{\"kind\":\"%s\",\"metadata\":{\"self\":", kind);
    put_url(o, path);
    v3_put(o, ",\"next\":null},\"data\":[");
}

void v3_answer(struct v3_out *o, int status)
{
    o->b = answer_begin(o->r, status, MEDIA_JSON);
}

void v3_end(struct v3_out *o)
{
    if (o->rc != 0) {
        answer_broken(o->r);
    }
}

void v3_err(struct http_request *r, const struct err *e)
{
    static const struct {
        enum err_code code;
        int status, error_code;
    } map[] = {
        {ERR_NOTFOUND, 404, 40403},
        {ERR_EXISTS, 400, 40002},
        {ERR_INVALID, 400, 40002},
    };

    for (size_t i = 0; i < ARRAY_LEN(map); i++) {
        if (map[i].code == e->code) {
            answer_error(r, FAMILY_PLAIN, map[i].status, map[i].error_code,
                         "%s", e->msg);
            return;
        }
    }
    answer_err(r, FAMILY_PLAIN, e);
}

/* ---- beginning ---- */

static int set_base(struct v3_out *o, struct err *e)
{
    const char *text;
    struct buf b;
    int rc = -1;

    buf_init(&b, sizeof(o->base) - 1);
    if (links_base(o->a, o->r, "/v3/", &b) == 0 &&
        buf_puts(&b, "clusters/", NULL) == 0 &&
        links_segment(&b, o->cluster) == 0 && buf_text(&b, &text, NULL) == 0) {
        (void)snprintf(o->base, sizeof(o->base), "%s", text);
        rc = 0;
    } else {
        rc = err_set(e, ERR_INVALID, "the Host or the path is too long");
    }
    buf_release(&b);
    return rc;
}

/* The cluster's id as far as it is known: it never changes. */
static struct cluster_info cluster_of(struct api *a)
{
    struct cluster_info info;

    mutex_lock(&a->lock);
    info = a->cluster;
    mutex_unlock(&a->lock);
    return info;
}

bool v3_met(struct api *a)
{
    return cluster_of(a).id[0] != '\0';
}

static int meet_cluster(struct api *a, struct cluster_info *ret, struct err *e)
{
    struct cluster_node *nodes = NULL;
    size_t n;

    *ret = cluster_of(a);
    if (ret->id[0] != '\0') {
        return 0;
    }
    if (cluster_describe(a->broker, ret, &nodes, &n, e) != 0) {
        return -1;
    }
    mem_free(nodes);
    mutex_lock(&a->lock);
    a->cluster = *ret;
    mutex_unlock(&a->lock);
    return 0;
}

bool v3_begin(struct v3_out *o, struct api *a, struct http_request *r)
{
    struct err e = {.code = ERR_NONE};
    struct cluster_info info;

    *o = (struct v3_out){.a = a, .r = r};
    if (!answer_accepts(r, FAMILY_PLAIN)) {
        return false;
    }
    if (meet_cluster(a, &info, &e) != 0) {
        v3_err(r, &e);
        return false;
    }
    o->cluster = arena_printf(&r->arena, &e, "%s", info.id);
    if (o->cluster == NULL || set_base(o, &e) != 0) {
        v3_err(r, &e);
        return false;
    }
    if (r->n_params > 0 && !slice_is(r->params[0], o->cluster)) {
        answer_error(r, FAMILY_PLAIN, 404, 404,
                     "Cluster %.*s cannot be found: this is %s",
                     (int)(r->params[0].len > 60 ? 60 : r->params[0].len),
                     r->params[0].ptr, o->cluster);
        return false;
    }
    return true;
}

bool v3_topic(struct api *a, struct http_request *r, struct broker_topic *ret)
{
    struct slice name = r->params[1];
    char text[TOPIC_NAME_MAX + 1];
    struct err e = {.code = ERR_NONE};

    if (broker_topic_name_ok(name)) {
        memcpy(text, name.ptr, name.len);
        text[name.len] = '\0';
        if (broker_topic_get(a->broker, text, ret, &e) == 0) {
            return true;
        }
    } else {
        e.code = ERR_NOTFOUND;
    }
    if (e.code == ERR_NOTFOUND) {
        answer_error(r, FAMILY_PLAIN, 404, 40403,
                     "This server does not host this topic-partition: there "
                     "is no topic %.*s",
                     (int)(name.len > 60 ? 60 : name.len), name.ptr);
    } else {
        v3_err(r, &e);
    }
    return false;
}
