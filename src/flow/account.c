#include "flow/account.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "flow/catalog.h"
#include "flow/group.h"
#include "sink/sink.h"

static void judge(struct account *a)
{
    int64_t taken = a->stored - a->pending - a->lost;

    a->closes =
        (a->received < 0 || a->received == a->stored) && a->lost == 0 &&
        (a->table == NULL ||
         taken + a->expanded == a->cleaned + a->rejected + a->duplicate);
}

void account_received(struct account *a, int64_t received)
{
    a->received = received;
    judge(a);
}

/* The tables' positions, opened for reading only. */
static int open_sinks(struct project *p, const struct spec *spec,
                      struct sink **sinks, struct err *e)
{
    for (size_t i = 0; i < spec->ntables; i++) {
        const struct spec_table *t = &spec->tables[i];
        struct sink_conf conf = {.kind = "delta",
                                 .defs = t->defs,
                                 .columns = t->ndefs,
                                 .table = t->name,
                                 .spec_hash = t->hash,
                                 .read_only = true};

        conf.dir = catalog_table_dir(p, t->name, e);
        conf.store = conf.dir != NULL ? project_store(p, conf.dir, e) : NULL;
        if (conf.store == NULL || sink_open(&sinks[i], &conf, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Where the numbers come from. */
struct books {
    struct broker *broker;
    struct ledger *ledger;
    struct sink *sinks[SPEC_TABLES_MAX]; /* Delta tables, by table */
    bool elsewhere; /* the stream writes to other places than these */
    char group[TOPIC_NAME_MAX + 1]; /* of the stream */
};

/* How far a table is, and by whom: a Delta table says so itself; of other
 * places we know where the stream's group stands. */
static int where_table_is(const struct books *k, struct sink *sink,
                          const struct span *s, const char **ret_owner,
                          int64_t *ret, struct err *e)
{
    struct broker_position at;

    *ret_owner = sink_owner(sink);
    if (*ret_owner != NULL || !k->elsewhere) {
        return sink_position(sink, s, ret, e);
    }
    *ret_owner = "stream";
    *ret = 0;
    if (broker_group_get(k->broker, k->group, s->topic, s->partition, &at, e) <
        0) {
        return e->code == ERR_NOTFOUND ? 0 : -1;
    }
    *ret = at.epoch == s->epoch ? at.offset : 0;
    return 0;
}

static int add_partition(struct account *a, const struct books *k,
                         struct sink *sink, struct span *s, struct err *e)
{
    struct ledger_counts c = {0};
    const char *owner;
    int64_t begin;
    int64_t end;
    int64_t at = 0;

    if (broker_offsets(k->broker, s->topic, s->partition, &begin, &end, e) <
        0) {
        return -1;
    }
    a->stored += end;
    if (sink == NULL) {
        return 0;
    }
    if (where_table_is(k, sink, s, &owner, &at, e) < 0 ||
        (owner != NULL && ledger_sum(k->ledger, owner, s, at, &c, e) < 0)) {
        return -1;
    }
    a->pending += end - at;
    a->expanded += c.expanded;
    a->cleaned += c.cleaned;
    a->rejected += c.rejected;
    a->duplicate += c.duplicate;
    a->lost += at - c.messages;
    return 0;
}

static int fill(struct account *a, const struct broker_topic *t,
                const struct books *k, struct sink *sink, struct err *e)
{
    (void)snprintf(a->topic, sizeof(a->topic), "%s", t->name);
    a->received = -1;
    for (int32_t i = 0; i < t->partitions; i++) {
        struct span s = {.topic = t->name, .epoch = t->epoch, .partition = i};

        if (add_partition(a, k, sink, &s, e) < 0) {
            return -1;
        }
    }
    judge(a);
    return 0;
}

int account_all(struct project *p, const struct spec *spec, struct broker *b,
                struct account **ret, size_t *n, struct err *e)
{
    struct books k = {.broker = b,
                      .elsewhere = p->stream_sink != PROJECT_STREAM_DELTA};
    struct broker_topic *topics = NULL;
    struct account *a = NULL;
    size_t ntopics = 0;
    int rc = -1;

    *n = 0;
    group_name(p, "stream", k.group);
    if (ledger_open(&k.ledger, p->data, e) < 0 ||
        open_sinks(p, spec, k.sinks, e) < 0 ||
        broker_topic_list(b, &topics, &ntopics, e) < 0) {
        goto out;
    }
    a = mem_zero(ntopics + 1, sizeof(*a));
    if (a == NULL) {
        err_nomem(e, ntopics * sizeof(*a));
        goto out;
    }
    for (size_t i = 0; i < ntopics; i++) {
        const struct spec_table *t =
            catalog_topic_table(p, spec, topics[i].name);

        if (t == NULL && !broker_is_here(p->broker)) {
            continue; /* of somebody else on the cluster */
        }
        a[*n].table = t ? t->name : NULL;
        if (fill(&a[*n], &topics[i], &k, t ? k.sinks[t - spec->tables] : NULL,
                 e) < 0) {
            goto out;
        }
        (*n)++;
    }
    *ret = a;
    a = NULL;
    rc = 0;
out:
    for (size_t i = 0; i < spec->ntables; i++) {
        sink_close(k.sinks[i]);
    }
    mem_free(a);
    mem_free(topics);
    ledger_close(k.ledger);
    return rc;
}

int account_check(const struct account *a, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (!a[i].closes) {
            return err_set(
                e, ERR_DATA,
                "the sum of topic \"%s\" does not close: received %" PRId64
                ", stored %" PRId64 ", pending %" PRId64 ", lost %" PRId64
                ", expanded %" PRId64 ", cleaned %" PRId64 ", rejected %" PRId64
                ", duplicate %" PRId64,
                a[i].topic, a[i].received, a[i].stored, a[i].pending, a[i].lost,
                a[i].expanded, a[i].cleaned, a[i].rejected, a[i].duplicate);
        }
    }
    return 0;
}
