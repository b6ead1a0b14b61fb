#include "flow/into_kafka.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/outbox.h"
#include "core/mem.h"
#include "flow/catalog.h"
#include "flow/group.h"

enum {
    LOOK_BYTES = 1 << 16,
};

/* Of the rows of every table of the exercise. */
#define KEY_COLUMN "ind"

struct into_kafka {
    struct broker *broker;
    struct outbox *outbox;
    struct sink_outbox hooks;
    char topic[TOPIC_NAME_MAX + 1];
    char group[TOPIC_NAME_MAX + 1];
};

/* --- hooks of the sink -------------------------------------------------------- */

/* Whether a partition holds a record that was committed; offsets alone do not
 * tell, since what was dropped has some too. */
static int holds_any(struct into_kafka *k, int32_t partition, bool *ret,
                     struct err *e)
{
    struct broker_fetch f = {0};
    int64_t at;
    int64_t end;
    int rc = broker_offsets(k->broker, k->topic, partition, &at, &end, e);

    *ret = false;
    while (rc == 0 && at < end && !*ret) {
        rc =
            broker_fetch(k->broker, k->topic, partition, at, LOOK_BYTES, &f, e);
        *ret = rc == 0 && f.n > 0;
        at = rc == 0 && f.next > at ? f.next : end;
    }
    broker_fetch_release(k->broker, &f);
    return rc;
}

/* A group that knows nothing of a topic begins at its beginning.  Where rows
 * are there already it is not new: then its positions were forgotten. */
static int check_new(struct into_kafka *k, const char *from, struct err *e)
{
    struct broker_position *at = NULL;
    struct broker_topic t;
    size_t n = 0;
    bool any = false;

    if (broker_group_positions(k->broker, k->group, &at, &n, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n && !any; i++) {
        any = strcmp(at[i].topic, from) == 0;
    }
    mem_free(at);
    if (any) {
        return 0; /* a partition that was added */
    }
    if (broker_topic_get(k->broker, k->topic, &t, e) < 0) {
        return -1;
    }
    for (int32_t i = 0; i < t.partitions && !any; i++) {
        if (holds_any(k, i, &any, e) < 0) {
            return -1;
        }
    }
    return any ? err_set(e, ERR_EXISTS,
                         "topic \"%s\" holds rows, and group \"%s\" has no "
                         "position in \"%s\": it would write them once more; "
                         "name another topic in kafka.topics, or delete this "
                         "one",
                         k->topic, k->group, from)
               : 0;
}

static int position(void *arg, const struct span *where, int64_t *ret,
                    struct err *e)
{
    struct into_kafka *k = arg;
    struct broker_position at;
    struct err why = {.code = ERR_NONE};

    if (broker_group_get(k->broker, k->group, where->topic, where->partition,
                         &at, &why) == 0) {
        *ret = at.epoch == where->epoch ? at.offset : 0;
        return 0;
    }
    if (why.code != ERR_NOTFOUND) {
        if (e != NULL) {
            *e = why;
        }
        return -1;
    }
    if (check_new(k, where->topic, e) < 0) {
        return -1;
    }
    *ret = 0;
    return 0;
}

static int put(void *arg, struct slice key, bool has_key, struct slice value,
               struct err *e)
{
    struct into_kafka *k = arg;
    struct broker_record r = {.partition = -1,
                              .key = key,
                              .has_key = has_key,
                              .value = value,
                              .has_value = true};

    return outbox_put(k->outbox, k->topic, &r, 1, e);
}

/* Of a topic that was made anew since: its successor has the position. */
static bool is_past(const struct span *spans, size_t n, const struct span *s)
{
    for (size_t i = 0; i < n; i++) {
        if (spans[i].epoch > s->epoch && spans[i].partition == s->partition &&
            strcmp(spans[i].topic, s->topic) == 0) {
            return true;
        }
    }
    return false;
}

static int commit(void *arg, const struct span *spans, size_t n, struct err *e)
{
    struct into_kafka *k = arg;
    struct broker_position *list = mem_zero(n + 1, sizeof(*list));
    size_t count = 0;
    int rc;

    if (list == NULL) {
        return err_nomem(e, n * sizeof(*list));
    }
    for (size_t i = 0; i < n; i++) {
        struct broker_position *at = &list[count];

        if (is_past(spans, n, &spans[i])) {
            continue;
        }
        (void)snprintf(at->topic, sizeof(at->topic), "%s", spans[i].topic);
        at->epoch = spans[i].epoch;
        at->partition = spans[i].partition;
        at->offset = spans[i].to;
        count++;
    }
    rc = outbox_commit(k->outbox, list, count, e);
    mem_free(list);
    return rc;
}

/* --- open and close ------------------------------------------------------------- */

/* kafka.topics, else PREFIX.clean.TABLE, else clean.TABLE. */
static int name_topic(struct into_kafka *k, const struct project *p,
                      const struct spec *spec, const char *table, struct err *e)
{
    struct slice given = {0};
    const struct spec_table *fed;
    int n;

    if (project_item(&p->kafka_topics, table, &given)) {
        n = snprintf(k->topic, sizeof(k->topic), "%s", given.ptr);
    } else {
        n = snprintf(k->topic, sizeof(k->topic), "%s%sclean.%s", p->prefix,
                     p->prefix[0] != '\0' ? "." : "", table);
    }
    if (n < 0 || (size_t)n >= sizeof(k->topic) ||
        !broker_topic_name_ok(slice_of(k->topic))) {
        return err_set(e, ERR_INVALID,
                       "kafka.topics: \"%.80s\" is no name of a topic",
                       k->topic);
    }
    fed = catalog_topic_table(p, spec, k->topic);
    return fed == NULL ? 0
                       : err_set(e, ERR_INVALID,
                                 "kafka.topics: \"%s\" feeds the table "
                                 "\"%s\", its rows cannot go there",
                                 k->topic, fed->name);
}

static int make_topic(const struct into_kafka *k, const struct project *p,
                      struct err *e)
{
    struct broker_topic t;
    struct err why = {.code = ERR_NONE};
    int rc = broker_topic_get(k->broker, k->topic, &t, &why);

    if (rc < 0 && why.code == ERR_NOTFOUND) {
        t = (struct broker_topic){.partitions = (int32_t)p->partitions,
                                  .retention_us = -1,
                                  .retention_bytes = -1};
        (void)snprintf(t.name, sizeof(t.name), "%s", k->topic);
        rc = broker_topic_create(k->broker, &t, &why);
        rc = rc < 0 && why.code == ERR_EXISTS ? 0 : rc;
    }
    if (rc < 0 && e != NULL) {
        *e = why;
    }
    return rc;
}

static int find_key(struct project *p, const struct spec_table *t,
                    struct sink_conf *conf, struct err *e)
{
    static const char *const usual[] = {KEY_COLUMN};

    if (project_columns(p, &p->kafka_key, t->name, &conf->key, &conf->nkey, e) <
        0) {
        return -1;
    }
    for (size_t i = 0; i < t->ndefs && conf->nkey == 0; i++) {
        if (strcmp(t->defs[i].name, KEY_COLUMN) == 0) {
            conf->key = usual;
            conf->nkey = ARRAY_LEN(usual);
        }
    }
    return 0;
}

static int take_over(struct into_kafka *k, const char *table, struct err *e)
{
    char name[2 * TOPIC_NAME_MAX];
    struct outbox_conf conf = {.name = name, .group = k->group};

    (void)snprintf(name, sizeof(name), "%s.%s", k->group, table);
    return outbox_open(&k->outbox, k->broker, &conf, e);
}

static int check_place(const struct project *p, const struct sink_conf *conf,
                       struct err *e)
{
    if (broker_is_here(p->broker)) {
        return err_set(e, ERR_INVALID,
                       "stream.sink kafka reads topics of the same cluster "
                       "(broker: kafka://HOST:PORT): positions in topics of "
                       "the data directory cannot be part of Kafka's "
                       "transactions");
    }
    return conf->replace
               ? err_set(e, ERR_INVALID,
                         "rows in a topic cannot be replaced (--full): name "
                         "another topic in kafka.topics, or delete topic and "
                         "group")
               : 0;
}

int into_kafka_open(struct into_kafka **ret, struct project *p,
                    const struct spec *spec, const struct spec_table *t,
                    struct broker *b, struct sink_conf *conf, struct err *e)
{
    struct into_kafka *k;

    if (check_place(p, conf, e) < 0) {
        return -1;
    }
    k = mem_zero(1, sizeof(*k));
    if (k == NULL) {
        return err_nomem(e, sizeof(*k));
    }
    k->broker = b;
    k->hooks = (struct sink_outbox){
        .arg = k, .position = position, .put = put, .commit = commit};
    group_name(p, conf->pipeline, k->group);
    if (name_topic(k, p, spec, t->name, e) < 0 || find_key(p, t, conf, e) < 0 ||
        make_topic(k, p, e) < 0 || take_over(k, t->name, e) < 0) {
        into_kafka_close(k);
        return -1;
    }
    conf->outbox = &k->hooks;
    *ret = k;
    return 0;
}

void into_kafka_close(struct into_kafka *k)
{
    if (k != NULL) {
        outbox_close(k->outbox);
        mem_free(k);
    }
}
