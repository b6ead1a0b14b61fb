#include "flow/account.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "flow/catalog.h"
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
        if (conf.dir == NULL || sink_open(&sinks[i], &conf, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int add_partition(struct account *a, struct broker *b, struct ledger *l,
                         struct sink *sink, struct span *s, struct err *e)
{
    const char *owner = sink != NULL ? sink_owner(sink) : NULL;
    struct ledger_counts c = {0};
    int64_t begin;
    int64_t end;
    int64_t at = 0;

    if (broker_offsets(b, s->topic, s->partition, &begin, &end, e) < 0) {
        return -1;
    }
    a->stored += end;
    if (sink == NULL) {
        return 0;
    }
    if (sink_position(sink, s, &at, e) < 0 ||
        (owner != NULL && ledger_sum(l, owner, s, at, &c, e) < 0)) {
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
                struct broker *b, struct ledger *l, struct sink *sink,
                struct err *e)
{
    (void)snprintf(a->topic, sizeof(a->topic), "%s", t->name);
    a->received = -1;
    for (int32_t k = 0; k < t->partitions; k++) {
        struct span s = {.topic = t->name, .epoch = t->epoch, .partition = k};

        if (add_partition(a, b, l, sink, &s, e) < 0) {
            return -1;
        }
    }
    judge(a);
    return 0;
}

int account_all(struct project *p, const struct spec *spec, struct broker *b,
                struct account **ret, size_t *n, struct err *e)
{
    struct sink *sinks[SPEC_TABLES_MAX] = {0};
    struct broker_topic *topics = NULL;
    struct account *a = NULL;
    struct ledger *l = NULL;
    size_t ntopics = 0;
    int rc = -1;

    *n = 0;
    if (ledger_open(&l, p->data, e) < 0 || open_sinks(p, spec, sinks, e) < 0 ||
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
        if (fill(&a[*n], &topics[i], b, l, t ? sinks[t - spec->tables] : NULL,
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
        sink_close(sinks[i]);
    }
    mem_free(a);
    mem_free(topics);
    ledger_close(l);
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
