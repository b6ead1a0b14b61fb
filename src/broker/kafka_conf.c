/* The url and the options of a Kafka broker, as librdkafka takes them. */
#include <stdio.h>
#include <string.h>

#include "broker/kafka_api_int.h"
#include "core/buf.h"
#include "core/mem.h"
#include "core/text.h"
#include "net/url.h"

enum {
    SETTINGS_BYTES = 1 << 20,
    PAIRS_MAX = 200,
    NAMES_MAX = 400,
    WHY_MAX = 256,
};

/* What pinline decides itself: its promises rest on it. */
static const char *const decided[] = {
    "acks",
    "auto.offset.reset",
    "bootstrap.servers",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "message.send.max.retries",
    "message.timeout.ms",
    "metadata.broker.list",
    "partition.assignment.strategy",
    "partitioner",
    "request.required.acks",
    "retries",
    "transactional.id",
};

/* What librdkafka does not list: second names, and what has no value to begin
 * with. */
static const char *const unset_names[] = {
    "linger.ms",
    "max.in.flight",
    "retries",
    "delivery.timeout.ms",
    "sasl.username",
    "sasl.password",
    "sasl.mechanism",
    "sasl.oauthbearer.config",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.cipher.suites",
    "ssl.crl.location",
    "ssl.key.location",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "client.rack",
    "debug",
    "compression.type",
};

static bool is_secret(const char *name)
{
    return strstr(name, "password") != NULL || strstr(name, ".pem") != NULL ||
           strstr(name, "secret") != NULL || strstr(name, "oauth") != NULL;
}

static int unknown(struct kafka *k, const char *name, struct err *e)
{
    rd_kafka_conf_t *c = k->rd->conf_new();
    const char *names[NAMES_MAX + ARRAY_LEN(unset_names)];
    const char **all;
    const char *near;
    size_t n = 0;
    size_t count = 0;
    int rc;

    all = k->rd->conf_dump(c, &count);
    for (size_t i = 0; i < count && n < NAMES_MAX; i += 2) {
        names[n++] = all[i];
    }
    for (size_t i = 0; i < ARRAY_LEN(unset_names); i++) {
        names[n++] = unset_names[i];
    }
    near = text_nearest(slice_of(name), names, n);
    rc = err_set(e, ERR_INVALID,
                 "broker option \"%s\" is not known to librdkafka %s%s%s%s",
                 name, k->rd->version_str(), near ? "; did you mean \"" : "",
                 near ? near : "", near ? "\"?" : "");
    k->rd->conf_dump_free(all, count);
    k->rd->conf_destroy(c);
    return rc;
}

static int set_pair(struct kafka *k, rd_kafka_conf_t *c,
                    const struct kafka_pair *p, struct err *e)
{
    char why[WHY_MAX];

    switch (k->rd->conf_set(c, p->name, p->value, why, sizeof(why))) {
    case RD_KAFKA_CONF_UNKNOWN:
        return unknown(k, p->name, e);
    case RD_KAFKA_CONF_INVALID:
        if (is_secret(p->name)) {
            return err_set(e, ERR_INVALID,
                           "broker option \"%s\" has no value that librdkafka "
                           "can use",
                           p->name);
        }
        return err_set(e, ERR_INVALID, "broker option \"%s\": %s", p->name,
                       why);
    case RD_KAFKA_CONF_OK:
        break;
    }
    return 0;
}

static int add(struct kafka_settings *s, struct slice pair, bool escaped,
               struct err *e)
{
    struct slice value = pair;
    struct slice name;
    struct kafka_pair *to;
    struct buf plain;
    int rc = 0;

    if (!slice_cut(&value, '=', &name) || name.len == 0) {
        return err_set(e, ERR_INVALID,
                       "broker option \"%.*s\" is not of the form NAME=VALUE",
                       SLICE_FMT(name));
    }
    buf_init(&plain, SETTINGS_BYTES);
    if (s->n + s->ncreates >= PAIRS_MAX) {
        rc = err_set(e, ERR_LIMIT, "more than %d broker options", PAIRS_MAX);
    } else if (escaped) {
        rc = url_unescape(&plain, value, e);
        value = buf_slice(&plain);
    }
    if (rc == 0) {
        bool create = slice_starts(name, SLICE("create."));

        name = create ? slice_from(name, sizeof("create.") - 1) : name;
        to = create ? &s->creates[s->ncreates] : &s->pairs[s->n];
        rc = arena_copy(&s->arena, name, &name, e) < 0 ||
                     arena_copy(&s->arena, value, &value, e) < 0
                 ? -1
                 : 0;
        if (rc == 0) {
            *to = (struct kafka_pair){name.ptr, value.ptr};
            s->ncreates += create;
            s->n += !create;
        }
    }
    buf_release(&plain);
    return rc;
}

static int check(struct kafka *k, struct err *e)
{
    rd_kafka_conf_t *c = k->rd->conf_new();
    int rc = 0;

    for (size_t i = 0; i < k->set.n && rc == 0; i++) {
        for (size_t d = 0; d < ARRAY_LEN(decided) && rc == 0; d++) {
            if (strcmp(k->set.pairs[i].name, decided[d]) == 0) {
                rc = err_set(e, ERR_INVALID,
                             "broker option \"%s\" cannot be set: pinline's "
                             "promises rest on it",
                             decided[d]);
            }
        }
        if (rc == 0) {
            rc = set_pair(k, c, &k->set.pairs[i], e);
        }
    }
    k->rd->conf_destroy(c);
    return rc;
}

int kafka_conf_read(struct kafka *k, const struct broker_conf *conf,
                    struct err *e)
{
    struct kafka_settings *s = &k->set;
    struct slice query = slice_of(conf->url);
    struct slice hosts;
    struct slice pair;

    arena_init(&s->arena, SETTINGS_BYTES);
    s->pairs = arena_alloc(&s->arena, PAIRS_MAX * sizeof(*s->pairs), e);
    s->creates = arena_alloc(&s->arena, PAIRS_MAX * sizeof(*s->creates), e);
    if (s->pairs == NULL || s->creates == NULL) {
        return -1;
    }
    (void)slice_cut(&query, '?', &hosts);
    hosts = slice_starts(hosts, SLICE("kafka://"))
                ? slice_from(hosts, sizeof("kafka://") - 1)
                : SLICE("");
    while (slice_ends(hosts, SLICE("/"))) {
        hosts.len--;
    }
    if (hosts.len == 0) {
        hosts = SLICE("localhost:9092");
    }
    if (arena_copy(&s->arena, hosts, &hosts, e) < 0) {
        return -1;
    }
    s->bootstrap = hosts.ptr;
    for (size_t i = 0; i < conf->noptions; i++) {
        if (add(s, slice_of(conf->options[i]), false, e) < 0) {
            return -1;
        }
    }
    while (query.len > 0) {
        (void)slice_cut(&query, '&', &pair);
        if (pair.len > 0 && add(s, pair, true, e) < 0) {
            return -1;
        }
    }
    return check(k, e);
}

/* What goes wrong is told by the calls; nothing is logged here. */
static void be_silent(const rd_kafka_t *rk, int level, const char *fac,
                      const char *text)
{
    (void)rk;
    (void)level;
    (void)fac;
    (void)text;
}

static void note_error(rd_kafka_t *rk, int err, const char *why, void *opaque)
{
    struct kafka *k = opaque;
    char text[WHY_MAX];

    mutex_lock(&k->lock);
    if (err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || k->failed[0] == '\0') {
        (void)snprintf(k->failed, sizeof(k->failed), "%s", why);
    }
    k->refused = k->refused || err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
                 err == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
                 err == RD_KAFKA_RESP_ERR__RESOLVE;
    if (err == RD_KAFKA_RESP_ERR__FATAL && rk == k->producer) {
        k->broken = true;
        k->broken_by = k->rd->fatal_error(rk, text, sizeof(text));
    }
    mutex_unlock(&k->lock);
}

rd_kafka_conf_t *kafka_conf_make(struct kafka *k, const struct kafka_pair *base,
                                 size_t n, struct err *e)
{
    const struct kafka_pair common[] = {
        {"bootstrap.servers", k->set.bootstrap},
        {"client.id", "pinline"},
        {"reconnect.backoff.max.ms", "1000"},
        {"socket.keepalive.enable", "true"},
        {"socket.nagle.disable", "true"},
        {"socket.timeout.ms", "15000"}, /* one that hangs is left then */
    };
    rd_kafka_conf_t *c = k->rd->conf_new();
    int rc = 0;

    for (size_t i = 0; i < ARRAY_LEN(common) && rc == 0; i++) {
        rc = set_pair(k, c, &common[i], e);
    }
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = set_pair(k, c, &base[i], e);
    }
    for (size_t i = 0; i < k->set.n && rc == 0; i++) {
        rc = set_pair(k, c, &k->set.pairs[i], e);
    }
    if (rc < 0) {
        k->rd->conf_destroy(c);
        return NULL;
    }
    k->rd->conf_set_opaque(c, k);
    k->rd->conf_set_log_cb(c, be_silent);
    k->rd->conf_set_error_cb(c, note_error);
    return c;
}

rd_kafka_t *kafka_conf_client(struct kafka *k, rd_kafka_type_t type,
                              rd_kafka_conf_t *conf, struct err *e)
{
    char why[WHY_MAX];
    rd_kafka_t *rk = k->rd->new(type, conf, why, sizeof(why));

    if (rk == NULL) {
        k->rd->conf_destroy(conf);
        (void)err_set(e, ERR_INVALID, "could not make a client of Kafka: %s",
                      why);
    }
    return rk;
}
