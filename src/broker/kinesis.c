/* kinesis.c - AWS Kinesis Data Streams: the handle. */
#include <stdio.h>
#include <string.h>

#include "broker/kinesis_known_int.h"
#include "broker/kinesis_meta_int.h"
#include "core/mem.h"
#include "net/url.h"

enum {
    BODY_MAX = 64 << 20,
    ANSWER_MAX = 32 << 20,
    HEADS_MAX = 16384,
    CALL_US = 30000000,
};

/*
 * "kinesis://us-east-1": AWS there; "kinesis+http://host:port",
 * "kinesis+https://host:port": what speaks like it.
 */
static int set_url(struct kinesis *k, const char *text, struct err *e)
{
    struct slice rest = slice_of(text);
    struct slice plain = SLICE("kinesis://");
    struct slice other = SLICE("kinesis+");
    struct url u;

    if (slice_starts(rest, plain)) {
        rest = slice_from(rest, plain.len);
        if (!broker_topic_name_ok(rest) || rest.len > 40) {
            return err_set(e, ERR_INVALID,
                           "cannot use broker \"%.80s\": want kinesis://REGION "
                           "or kinesis+http://HOST:PORT",
                           text);
        }
        (void)snprintf(k->url, sizeof(k->url),
                       "https://kinesis.%.*s.amazonaws.com/", SLICE_FMT(rest));
        (void)snprintf(k->region, sizeof(k->region), "%.*s", SLICE_FMT(rest));
        k->login.region = k->region;
        return 0;
    }
    rest = slice_from(rest, other.len);
    if (url_parse(&u, rest, e) != 0) {
        return err_wrap(e, "broker \"%.80s\"", text);
    }
    if (u.user.len > 0 || u.has_query || u.path.len > 1 ||
        rest.len + 2 > sizeof(k->url)) {
        return err_set(e, ERR_INVALID,
                       "cannot use broker \"kinesis+...\": want "
                       "kinesis+http://HOST:PORT; keys come from the "
                       "environment");
    }
    (void)snprintf(k->url, sizeof(k->url), "%.*s%s", SLICE_FMT(rest),
                   u.path.len > 0 ? "" : "/");
    return 0;
}

static void close_kinesis(struct broker *b)
{
    struct kinesis *k = (struct kinesis *)b;

    http_client_free(k->http);
    kinesis_meta_close(k);
    kinesis_known_free(k);
    window_close(k->window);
    buf_release(&k->heads);
    buf_release(&k->body);
    mem_free(k->cursors);
    mutex_release(&k->told);
    mutex_release(&k->lock);
    mem_free(k);
}

static int set_up(struct kinesis *k, const struct broker_conf *conf,
                  struct err *e)
{
    struct http_client_conf http = {
        .connections = 1, .timeout_us = CALL_US, .answer_max = ANSWER_MAX};
    int64_t us = conf->idempotency_us ? conf->idempotency_us : 600000000;
    int64_t keys = conf->idempotency_keys ? conf->idempotency_keys : 1000000;

    if (aws_login_env(&k->login, e) != 0 || set_url(k, conf->url, e) != 0) {
        return -1;
    }
    if (conf->noptions > 0) {
        return err_set(e, ERR_INVALID,
                       "broker \"kinesis\" has no option \"%.60s\"",
                       conf->options[0]);
    }
    k->cursors = mem_zero(KINESIS_CURSORS, sizeof(*k->cursors));
    if (k->cursors == NULL) {
        return err_nomem(e, KINESIS_CURSORS * sizeof(*k->cursors));
    }
    http.base = k->url;
    return http_client_new(&k->http, &http, e) != 0 ||
                   window_open(&k->window, us, keys, e) != 0
               ? -1
               : kinesis_meta_open(k, conf->dir, e);
}

static int open_kinesis(struct broker **ret, const struct broker_conf *conf,
                        struct err *e)
{
    struct kinesis *k = mem_zero(1, sizeof(*k));

    if (k == NULL) {
        return err_nomem(e, sizeof(*k));
    }
    k->base.ops = &broker_kinesis;
    k->health.ok = true;
    mutex_init(&k->lock);
    mutex_init(&k->told);
    buf_init(&k->heads, HEADS_MAX);
    buf_init(&k->body, BODY_MAX);
    if (set_up(k, conf, e) != 0) {
        close_kinesis(&k->base);
        return -1;
    }
    *ret = &k->base;
    return 0;
}

static void count(struct broker *b, struct broker_stats *ret)
{
    struct kinesis *k = (struct kinesis *)b;

    mutex_lock(&k->told);
    *ret = k->stats;
    mutex_unlock(&k->told);
}

static void health(struct broker *b, struct broker_health *ret)
{
    struct kinesis *k = (struct kinesis *)b;

    mutex_lock(&k->told);
    *ret = k->health;
    mutex_unlock(&k->told);
}

const struct broker_ops broker_kinesis = {
    .name = "kinesis",
    .help = "AWS Kinesis Data Streams, kinesis://REGION, or what speaks like "
            "it, kinesis+http://HOST:PORT",
    .open = open_kinesis,
    .close = close_kinesis,
    .topic_create = kinesis_topic_create,
    .topic_delete = kinesis_topic_delete,
    .topic_get = kinesis_topic_get,
    .topic_list = kinesis_topic_list,
    .offsets = kinesis_offsets,
    .offset_at = kinesis_offset_at,
    .produce = kinesis_produce,
    .fetch = kinesis_fetch,
    .fetch_release = kinesis_fetch_release,
    .wait = kinesis_wait,
    .group_commit = kinesis_group_commit,
    .group_get = kinesis_group_get,
    .group_list = kinesis_group_list,
    .group_positions = kinesis_group_positions,
    .group_delete = kinesis_group_delete,
    .stats = count,
    .health = health,
};
