#include "flow/pipeline_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/inject.h"
#include "core/lock.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/text.h"
#include "sink/objects.h"

/* As a member, else as the only owner. */
static int store(const struct pipeline *p, const struct broker_position *at,
                 struct err *e)
{
    return p->member != NULL
               ? member_commit(p->member, at, 1, e)
               : broker_group_commit(p->conf.broker, p->group, at, 1, NULL, e);
}

/* "to=END[@SECONDS],..." of what is planned behind it (NULL: nothing). */
static struct broker_position position_of(const struct span *s, int64_t offset,
                                          const struct sink_plan *plan)
{
    struct broker_position p = {
        .epoch = s->epoch, .partition = s->partition, .offset = offset};
    size_t at = 0;

    (void)snprintf(p.topic, sizeof(p.topic), "%s", s->topic);
    for (size_t i = 0; plan != NULL && i < plan->n; i++) {
        int n = snprintf(p.metadata + at, sizeof(p.metadata) - at,
                         "%s%" PRId64 "@%" PRId64, i == 0 ? "to=" : ",",
                         plan->to[i], plan->wall_us[i] / 1000000);

        at += (size_t)n; /* 6 of at most 40 bytes: there is room */
    }
    return p;
}

static bool read_plan(struct slice text, struct sink_plan *ret)
{
    struct sink_plan plan = {0};
    bool more = text.len > 0;

    if (more && !slice_starts(text, SLICE("to="))) {
        return false;
    }
    text = slice_from(text, 3);
    while (more) {
        struct slice item;
        struct slice to;
        int64_t seconds = 0;

        more = slice_cut(&text, ',', &item);
        if (plan.n == SINK_PLAN_MAX ||
            (slice_cut(&item, '@', &to) && !num_i64(item, &seconds)) ||
            !num_i64(to, &plan.to[plan.n])) {
            return false;
        }
        plan.wall_us[plan.n++] = seconds * 1000000;
    }
    *ret = plan;
    return true;
}

/* ERR_NOTFOUND is an answer here: *ret_known false. */
static int stored(const struct pipeline *p, const struct span *s,
                  struct broker_position *ret, bool *ret_known, struct err *e)
{
    if (broker_group_get(p->conf.broker, p->group, s->topic, s->partition, ret,
                         e) < 0) {
        *ret_known = false;
        return e->code == ERR_NOTFOUND ? 0 : -1;
    }
    *ret_known = ret->epoch == s->epoch;
    return 0;
}

static int hook_position(void *arg, const struct span *s, int64_t *ret,
                         struct err *e)
{
    struct broker_position at;
    bool known;

    if (stored(arg, s, &at, &known, e) < 0) {
        return -1;
    }
    *ret = known ? at.offset : -1;
    return 0;
}

static int hook_planned(void *arg, const struct span *s, struct sink_plan *ret,
                        struct err *e)
{
    const struct pipeline *p = arg;
    struct broker_position at;
    bool known;

    if (stored(arg, s, &at, &known, e) < 0) {
        return -1;
    }
    *ret = (struct sink_plan){0};
    if (known && !read_plan(slice_of(at.metadata), ret)) {
        return err_set(e, ERR_CORRUPT,
                       "group \"%s\", topic \"%s\": metadata \"%s\" is not of "
                       "this pipeline; reset the group",
                       p->group, s->topic, at.metadata);
    }
    return 0;
}

static int hook_plan(void *arg, const struct span *s,
                     const struct sink_plan *plan, struct err *e)
{
    const struct pipeline *p = arg;
    struct broker_position at = position_of(s, s->from, plan);

    return store(p, &at, e);
}

static int hook_done(void *arg, const struct span *s,
                     const struct sink_counts *c, const struct sink_plan *rest,
                     struct err *e)
{
    struct pipeline *p = arg;
    struct broker_position at = position_of(s, s->to, rest);
    struct ledger_row row = {
        .pipeline = p->conf.name,
        .span = *s,
        .counts = {.messages = c->written + c->rejected + c->skipped,
                   .cleaned = c->written,
                   .rejected = c->rejected,
                   .skipped = c->skipped}};

    (void)snprintf(row.made_by, sizeof(row.made_by), "%s",
                   !sink_objects_in_order(p->conf.sink.objects) ? "places"
                   : p->conf.sink.array                         ? "array"
                                                                : "lines");
    if (ledger_put(p->ledger, &row, e) < 0) {
        return -1;
    }
    INJECT(pipeline_before_ledger);
    if (store(p, &at, e) < 0) {
        return -1;
    }
    p->counts.written += c->written;
    p->counts.rejected += c->rejected;
    p->counts.skipped += c->skipped;
    return 0;
}

static int hook_reject(void *arg, const struct span *s, const struct message *m,
                       const char *rule, const char *reason, struct err *e)
{
    struct pipeline *p = arg;
    struct deadletter d = {.pipeline = p->conf.name,
                           .topic = s->topic,
                           .epoch = s->epoch,
                           .partition = s->partition,
                           .offset = m->offset,
                           .rule = rule,
                           .reason = reason,
                           .payload = m->value,
                           .has_payload = m->has_value,
                           .spec_hash = "",
                           .time_us = clock_wall_us()};

    return ledger_bury(p->ledger, &d, e);
}

int pipeline_open(struct pipeline **ret, const struct pipeline_conf *conf,
                  struct err *e)
{
    struct pipeline *p = mem_zero(1, sizeof(*p));
    struct sink_conf sink = conf->sink;
    char path[FS_PATH_MAX];
    char role[80];

    if (p == NULL) {
        return err_nomem(e, sizeof(*p));
    }
    p->conf = *conf;
    p->group = conf->group != NULL ? conf->group : conf->name;
    p->lock.fd = -1;
    sink.hooks = (struct sink_hooks){.arg = p,
                                     .planned = hook_planned,
                                     .plan = hook_plan,
                                     .done = hook_done,
                                     .position = hook_position,
                                     .reject = hook_reject};
    (void)snprintf(role, sizeof(role), "pipeline-%.60s.lock", conf->name);
    if (ledger_open(&p->ledger, conf->data, e) < 0 ||
        sink_open(&p->sink, &sink, e) < 0) {
        goto fail;
    }
    if (conf->shared && sink_shares(p->sink)) {
        if (pipeline_share_join(p, e) < 0) {
            goto fail;
        }
    } else if (fs_join(path, conf->data, role, e) < 0 ||
               lock_take(&p->lock, path, "pipeline", e) < 0) {
        goto fail;
    }
    *ret = p;
    return 0;

fail:
    pipeline_close(p);
    return err_wrap(e, "pipeline \"%s\"", conf->name);
}

void pipeline_close(struct pipeline *p)
{
    if (p == NULL) {
        return;
    }
    broker_fetch_release(p->conf.broker, &p->fetch);
    pipeline_share_leave(p);
    sink_close(p->sink);
    ledger_close(p->ledger);
    lock_drop(&p->lock);
    mem_free(p);
}

static bool wanted(const struct pipeline *p, const char *topic)
{
    for (size_t i = 0; i < p->conf.ntopics; i++) {
        if (text_glob(p->conf.topics[i], slice_of(topic))) {
            return true;
        }
    }
    return false;
}

/* Retention spares what a group has not read, once the group has a position:
 * give it one before the first record lands. */
static int take_position(const struct pipeline *p, const struct span *s,
                         struct err *e)
{
    struct broker_position at = position_of(s, 0, NULL);
    bool known;

    if (stored(p, s, &at, &known, e) < 0) {
        return -1;
    }
    if (known) {
        return 0;
    }
    at = position_of(s, 0, NULL);
    return store(p, &at, e);
}

/* Read one partition up to `until`; *ret_any when something was new. */
static int drain(struct pipeline *p, struct span *s, int64_t until,
                 bool *ret_any, struct err *e)
{
    if (sink_position(p->sink, s, &s->from, e) < 0 ||
        (s->from == 0 && until > 0 && take_position(p, s, e) < 0)) {
        return -1;
    }
    while (s->from < until) {
        struct broker_fetch *f = &p->fetch;

        if (broker_fetch(p->conf.broker, s->topic, s->partition, s->from,
                         PIPELINE_FETCH_BYTES, f, e) < 0) {
            return -1;
        }
        if (f->n == 0) {
            break;
        }
        s->to = f->next;
        if (sink_write_messages(p->sink, s, f->messages, f->n, e) < 0) {
            return -1;
        }
        p->counts.messages += (int64_t)f->n;
        for (size_t i = 0; i < f->n; i++) {
            p->counts.bytes += (int64_t)f->messages[i].value.len;
        }
        s->from = s->to;
        *ret_any = true;
    }
    return 0;
}

/* Once over every partition of every wanted topic. */
static int sweep(struct pipeline *p, bool *ret_any, struct err *e)
{
    struct broker_topic *topics = NULL;
    size_t n = 0;
    int rc = 0;

    if (broker_topic_list(p->conf.broker, &topics, &n, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n && rc == 0; i++) {
        for (int32_t k = 0; k < topics[i].partitions && rc == 0; k++) {
            struct span s = {.topic = topics[i].name,
                             .epoch = topics[i].epoch,
                             .partition = k};
            int64_t begin;
            int64_t end;

            if (!wanted(p, topics[i].name)) {
                break;
            }
            rc = broker_offsets(p->conf.broker, s.topic, k, &begin, &end, e);
            if (rc == 0) {
                rc = drain(p, &s, end, ret_any, e);
            }
            if (rc < 0) {
                err_wrap(e, "topic \"%s\" partition %" PRId32, s.topic, k);
            }
        }
    }
    mem_free(topics);
    return rc;
}

static int report(const struct pipeline *p, int rc, struct pipeline_counts *ret,
                  struct err *e)
{
    if (rc < 0) {
        return err_wrap(e, "pipeline \"%s\"", p->conf.name);
    }
    *ret = p->counts;
    return 0;
}

static int finish(struct pipeline *p, int rc, struct pipeline_counts *ret,
                  struct err *e)
{
    return report(p, rc == 0 ? sink_commit(p->sink, true, e) : rc, ret, e);
}

int pipeline_once(struct pipeline *p, struct pipeline_counts *ret,
                  struct err *e)
{
    bool any = false;

    return p->member != NULL ? report(p, pipeline_share_once(p, e), ret, e)
                             : finish(p, sweep(p, &any, e), ret, e);
}

int pipeline_follow(struct pipeline *p, bool (*stop)(void),
                    struct pipeline_counts *ret, struct err *e)
{
    int64_t committed = clock_mono_us();
    int rc = 0;

    if (p->member != NULL) {
        return report(p, pipeline_share_follow(p, stop, e), ret, e);
    }
    while (rc == 0 && !stop()) {
        bool any = false;
        int64_t now;

        rc = sweep(p, &any, e);
        now = clock_mono_us();
        if (rc == 0 && (!any || now - committed >= p->conf.trigger_us)) {
            rc = sink_commit(p->sink, false, e);
            committed = now;
        }
        if (rc == 0 && !any) {
            clock_sleep_us(PIPELINE_IDLE_US);
        }
    }
    return finish(p, rc, ret, e);
}
