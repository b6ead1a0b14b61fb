/*
 * batch_interval.c - a batch of one data interval.
 *
 * A table's positions only grow, and its rows are what the spec makes of the
 * messages below them: so the tables are brought to the interval's end, and
 * the part of the interval that they hold already is cleaned once more
 * without a sink, for its counts and rows.
 */
#include <inttypes.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/mem.h"
#include "flow/batch_int.h"

/* How far a pass goes in each partition. */
enum stop {
    STOP_HERE,       /* nowhere: only see where the table stands */
    STOP_BEGIN,      /* to the interval's first message */
    STOP_END,        /* to its end */
    STOP_TABLE,      /* to its end, or where the table stood */
    STOP_HELD_BEGIN, /* as BEGIN and END, within what the table held */
    STOP_HELD_END,
};

/* One partition. */
struct part {
    struct span span; /* the interval's */
    char topic[TOPIC_NAME_MAX + 1];
    int64_t held; /* the table stood there before */
};

struct pass {
    const struct flow_batch_conf *conf;
    struct intervals *journal;
    struct broker_topic *topics;
    size_t ntopics;
    struct part *parts;
    size_t n;
    enum stop stop;
    int64_t now_us;
};

static int add_part(struct pass *p, const struct span *s, struct part **ret,
                    struct err *e)
{
    struct part *grown = mem_resize(p->parts, p->n + 1, sizeof(*grown));
    struct part *x;

    if (grown == NULL) {
        return err_nomem(e, sizeof(*grown));
    }
    p->parts = grown;
    x = &grown[p->n];
    x->span = *s;
    if (intervals_resolve(p->journal, p->conf->interval, p->conf->broker,
                          p->now_us, &x->span, e) < 0) {
        return -1;
    }
    x->held = s->from;
    (void)snprintf(x->topic, sizeof(x->topic), "%s", s->topic);
    x->span.topic = NULL; /* parts move */
    p->n++;
    *ret = x;
    return 0;
}

static int find_part(struct pass *p, const struct span *s, struct part **ret,
                     struct err *e)
{
    for (size_t i = 0; i < p->n; i++) {
        struct part *x = &p->parts[i];

        if (x->span.epoch == s->epoch && x->span.partition == s->partition &&
            slice_eq(slice_of(x->topic), slice_of(s->topic))) {
            *ret = x;
            return 0;
        }
    }
    return add_part(p, s, ret, e);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* table_job's question how far to go. */
static int reach(void *arg, const struct span *s, int64_t *end, struct err *e)
{
    struct pass *p = arg;
    struct part *x = NULL;
    int64_t to = s->from;

    if (find_part(p, s, &x, e) < 0) {
        return -1;
    }
    switch (p->stop) {
    case STOP_HERE:
        break;
    case STOP_BEGIN:
        to = x->span.from;
        break;
    case STOP_END:
        to = x->span.to;
        break;
    case STOP_TABLE:
        to = most(x->span.to, x->held);
        break;
    case STOP_HELD_BEGIN:
        to = least(x->span.from, x->held);
        break;
    case STOP_HELD_END:
        to = least(x->span.to, x->held);
        break;
    }
    if (to > *end && p->conf->interval->to_us <= p->now_us) {
        return err_set(e, ERR_INVALID,
                       "the interval ends at offset %" PRId64
                       " of topic \"%s\" partition %" PRId32
                       ", but the JSON objects at %" PRId64
                       "; land them first (pinline sink objects), or read "
                       "--from topics",
                       to, s->topic, s->partition, *end);
    }
    *end = least(to, *end);
    return 0;
}

/* Look, take and commit up to a stop. */
static int go(struct pass *p, struct table_job *j, enum stop stop,
              struct clean_counts *clean, struct err *e)
{
    p->stop = stop;
    if (table_job_look(j, p->topics, p->ntopics, -1, e) < 0) {
        return -1;
    }
    return table_job_waiting(j) == 0
               ? 0
               : table_job_take(j, INT64_MAX, INT64_MAX, clean, e);
}

static void add_counts(struct ledger_counts *sum, const struct table_job *j,
                       const struct ledger_counts *before)
{
    struct table_job_totals t;

    table_job_totals(j, &t);
    sum->messages += t.counts.messages - before->messages;
    sum->expanded += t.counts.expanded - before->expanded;
    sum->cleaned += t.counts.cleaned - before->cleaned;
    sum->rejected += t.counts.rejected - before->rejected;
    sum->duplicate += t.counts.duplicate - before->duplicate;
}

/* Two commits: what lies before the interval, then the interval; counts and
 * rows are those of the second. */
static int two_steps(struct pass *p, const struct table_job_conf *conf,
                     enum stop first, enum stop second,
                     struct flow_batch_table *ret, struct err *e)
{
    struct table_job *j = NULL;
    struct table_job_conf c = *conf;
    struct clean_counts before;
    struct table_job_totals t;
    int rc = -1;

    c.keep = NULL;
    if (clean_counts_init(&before, conf->table, e) < 0) {
        return -1;
    }
    if (table_job_open(&j, &c, e) < 0 || go(p, j, first, &before, e) < 0 ||
        table_job_commit(j, e) < 0) {
        goto out;
    }
    table_job_totals(j, &t);
    table_job_keep(j, conf->keep);
    if (go(p, j, second, &ret->clean, e) < 0 ||
        clean_counts_check(&ret->clean, conf->table, e) < 0 ||
        table_job_commit(j, e) < 0) {
        goto out;
    }
    add_counts(&ret->counts, j, &t.counts);
    rc = c.dry || t.commits + ret->counts.messages == 0 ? 0
                                                        : table_job_save(j, e);
out:
    table_job_close(j);
    clean_counts_release(&before);
    return rc;
}

/* Tables by key are made anew, to where they were at least. */
static int anew(struct pass *p, const struct table_job_conf *conf,
                struct flow_batch_table *ret, struct err *e)
{
    static const struct ledger_counts none;
    struct table_job *j = NULL;
    int rc = -1;

    if (table_job_open(&j, conf, e) == 0 &&
        go(p, j, STOP_TABLE, &ret->clean, e) == 0 &&
        clean_counts_check(&ret->clean, conf->table, e) == 0 &&
        table_job_commit(j, e) == 0 && table_job_save(j, e) == 0) {
        add_counts(&ret->counts, j, &none);
        rc = 0;
    }
    table_job_close(j);
    return rc;
}

/* Where the table stands, in p->parts. */
static int look_where(struct pass *p, const struct table_job_conf *conf,
                      struct err *e)
{
    struct table_job_conf c = *conf;
    struct table_job *j = NULL;
    int rc;

    c.full = false;
    c.keep = NULL;
    rc = table_job_open(&j, &c, e);
    if (rc == 0) {
        rc = go(p, j, STOP_HERE, NULL, e);
    }
    table_job_close(j);
    return rc;
}

static int run_passes(struct pass *p, const struct table_job_conf *conf,
                      struct flow_batch_table *ret, struct err *e)
{
    struct table_job_conf held = *conf;
    bool any = false;

    if (look_where(p, conf, e) < 0) {
        return -1;
    }
    if (conf->full) {
        return anew(p, conf, ret, e);
    }
    for (size_t i = 0; i < p->n; i++) {
        const struct part *x = &p->parts[i];

        any = any || least(x->span.to, x->held) > x->span.from;
    }
    held.full = true; /* begins without rows that were seen */
    held.dry = true;
    if (any &&
        two_steps(p, &held, STOP_HELD_BEGIN, STOP_HELD_END, ret, e) < 0) {
        return -1;
    }
    return two_steps(p, conf, STOP_BEGIN, STOP_END, ret, e);
}

int batch_interval_table(const struct flow_batch_conf *conf,
                         const struct table_job_conf *job,
                         struct flow_batch_table *ret, struct err *e)
{
    struct pass p = {.conf = conf, .now_us = clock_wall_us()};
    struct table_job_conf c = *job;
    int rc = -1;

    c.arg = &p;
    c.reach = reach;
    if (intervals_open(&p.journal, conf->project->data, e) == 0 &&
        broker_topic_list(conf->broker, &p.topics, &p.ntopics, e) == 0) {
        rc = run_passes(&p, &c, ret, e);
    }
    intervals_close(p.journal);
    mem_free(p.topics);
    mem_free(p.parts);
    return rc;
}
