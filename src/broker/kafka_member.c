/*
 * Membership in a consumer group of Kafka: the cooperative protocol.
 *
 * librdkafka tells of changes inside consumer_poll().  What is revoked stays
 * ours until the next member_poll(): only then is it given away, so that its
 * output can be finished and committed first.  Each partition has a queue of
 * its own, which member_fetch() reads.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/coordinator_int.h"
#include "broker/kafka_api_int.h"
#include "broker/kafka_read_int.h"
#include "core/clock.h"
#include "core/mem.h"

enum {
    STEP_MS = 20,
    COMMIT_US = 10000000, /* while the group is being shared anew */
    SEEK_US = 10000000,
    SEEK_MS = 500, /* of one try: it is lost when the group shares anew */
    LEAVE_US = 5000000,
    RETRY_US = 50000,
    STUCK_US = 3000000,
    POLL_MS = 300000, /* Kafka's own default for max.poll.interval.ms */
    PREFETCH = 1 << 20,
    FETCH_MIN = 1 << 20, /* of a large one */
};

struct owned {
    struct member_partition at;
    struct kafka_reader reader;
    bool leaving;     /* revoked: given away by the next poll */
    int64_t since_us; /* nothing comes although there is more; 0: it does */
    struct owned *next;
};

struct kafka_member {
    struct member base;
    struct kafka *k;
    rd_kafka_t *rk;
    struct owned *owned;
    struct member_partition *list; /* the change told last: three stretches */
    size_t n[3], cap;
    bool subscribed, settled, closing, failed;
    struct kafka_member *next; /* of the broker handle */
};

enum {
    ASSIGNED,
    REVOKED,
    LOST,
};

static struct kafka_member *member_of(struct member *m)
{
    return (struct kafka_member *)m;
}

/* ---- what changed ---- */

/* Stretches stand behind each other: make room at the end of one. */
static void tell(struct kafka_member *m, int what,
                 const struct member_partition *p)
{
    size_t at = 0;
    size_t all = m->n[ASSIGNED] + m->n[REVOKED] + m->n[LOST];

    for (int i = 0; i <= what; i++) {
        at += m->n[i];
    }
    if (all == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 16;
        void *grown = mem_resize(m->list, cap, sizeof(*m->list));

        if (grown == NULL) {
            m->failed = true;
            return;
        }
        m->list = grown;
        m->cap = cap;
    }
    memmove(&m->list[at + 1], &m->list[at], (all - at) * sizeof(*m->list));
    m->list[at] = *p;
    m->n[what]++;
}

static struct owned **find(struct kafka_member *m, const char *topic,
                           int32_t partition)
{
    struct owned **at = &m->owned;

    while (*at != NULL && ((*at)->at.partition != partition ||
                           strcmp((*at)->at.topic, topic) != 0)) {
        at = &(*at)->next;
    }
    return at;
}

static void drop(struct kafka_member *m, struct owned **at)
{
    struct owned *o = *at;

    *at = o->next;
    kafka_read_release(m->k, &o->reader);
    m->k->rd->queue_destroy(o->reader.queue);
    mem_free(o);
}

/* Its messages must come by its own queue from the first on. */
static void take(struct kafka_member *m, const rd_kafka_topic_partition_t *p)
{
    struct owned *o = mem_zero(1, sizeof(*o));
    struct broker_topic t = {.epoch = 0};
    rd_kafka_queue_t *q;

    q = m->k->rd->queue_get_partition(m->rk, p->topic, p->partition);
    if (o == NULL || q == NULL) {
        mem_free(o);
        m->failed = true;
        return;
    }
    m->k->rd->queue_forward(q, NULL);
    if (kafka_topic_op_get(&m->k->base, p->topic, &t, NULL) < 0) {
        t.epoch = 0; /* the next fetch or commit will say what is wrong */
    }
    (void)snprintf(o->at.topic, sizeof(o->at.topic), "%s", p->topic);
    o->at.partition = p->partition;
    o->at.epoch = t.epoch;
    kafka_read_init(&o->reader);
    o->reader.queue = q;
    o->reader.next = -1;
    o->next = m->owned;
    m->owned = o;
    tell(m, ASSIGNED, &o->at);
}

static void unassign(struct kafka_member *m,
                     const rd_kafka_topic_partition_list_t *l)
{
    rd_kafka_error_t *e = m->k->rd->incremental_unassign(m->rk, l);

    if (e != NULL) {
        m->failed = true;
        m->k->rd->error_destroy(e);
    }
}

static void give_back(struct kafka_member *m,
                      const rd_kafka_topic_partition_t *t, bool lost)
{
    struct owned **at = find(m, t->topic, t->partition);

    if (*at != NULL) {
        tell(m, lost ? LOST : REVOKED, &(*at)->at);
        (*at)->leaving = true;
        if (lost || m->closing) {
            drop(m, at);
        }
    }
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err,
                         rd_kafka_topic_partition_list_t *l, void *opaque)
{
    struct kafka *k = opaque;
    struct kafka_member *m;
    rd_kafka_error_t *e;
    bool lost = k->rd->assignment_lost(rk);

    mutex_lock(&k->lock);
    m = k->members;
    while (m->rk != rk) {
        m = m->next;
    }
    mutex_unlock(&k->lock);
    if (err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        for (int i = 0; i < l->cnt; i++) {
            take(m, &l->elems[i]);
        }
        e = k->rd->incremental_assign(rk, l);
        if (e != NULL) {
            m->failed = true;
            k->rd->error_destroy(e);
        }
        m->settled = true;
    } else {
        for (int i = 0; i < l->cnt; i++) {
            give_back(m, &l->elems[i], lost);
        }
        if (lost || m->closing || l->cnt == 0) {
            unassign(m, l);
        }
    }
    k->rd->yield(rk);
}

/* What was told to be revoked is given away now. */
static void give_away(struct kafka_member *m)
{
    rd_kafka_topic_partition_list_t *l = NULL;
    struct owned **at = &m->owned;

    while (*at != NULL) {
        if ((*at)->leaving) {
            l = l ? l : m->k->rd->topic_partition_list_new(4);
            (void)m->k->rd->topic_partition_list_add(l, (*at)->at.topic,
                                                     (*at)->at.partition);
            drop(m, at);
        } else {
            at = &(*at)->next;
        }
    }
    if (l != NULL) {
        unassign(m, l);
        m->k->rd->topic_partition_list_destroy(l);
    }
}

/* An event of the group: most pass by themselves. */
static int take_event(struct kafka_member *m, rd_kafka_message_t *msg,
                      struct err *e)
{
    enum err_code code = kafka_code(msg->err);
    int rc = 0;

    if (code == ERR_DENIED || code == ERR_FENCED || code == ERR_INVALID) {
        rc = kafka_fail(m->k, e, msg->err, m->k->rd->message_errstr(msg),
                        "take part in the group");
    }
    m->k->rd->message_destroy(msg);
    return rc;
}

static int poll_change(struct member *base, int64_t timeout_us,
                       struct member_change *ret, struct err *e)
{
    struct kafka_member *m = member_of(base);
    int64_t until = clock_mono_us() + timeout_us;
    int rc = 0;

    memset(m->n, 0, sizeof(m->n));
    give_away(m);
    do {
        int64_t left = (until - clock_mono_us()) / 1000;
        rd_kafka_message_t *msg =
            m->k->rd->consumer_poll(m->rk, left < 0         ? 0
                                           : left > STEP_MS ? STEP_MS
                                                            : (int)left);

        rc = msg ? take_event(m, msg, e) : 0;
    } while (rc == 0 && m->n[ASSIGNED] + m->n[REVOKED] + m->n[LOST] == 0 &&
             clock_mono_us() < until);
    if (rc == 0 && m->failed) {
        rc = err_set(e, ERR_NOMEM,
                     "could not follow the changes of the group: join again");
    }
    *ret =
        (struct member_change){.assigned = m->list,
                               .nassigned = m->n[ASSIGNED],
                               .revoked = m->list + m->n[ASSIGNED],
                               .nrevoked = m->n[REVOKED],
                               .lost = m->list + m->n[ASSIGNED] + m->n[REVOKED],
                               .nlost = m->n[LOST],
                               .settled = m->settled};
    return rc;
}

/* ---- joining and leaving ---- */

static int subscribe(struct member *base, const struct member_conf *conf,
                     struct err *e)
{
    struct kafka_member *m = member_of(base);
    struct kafka *k = m->k;
    rd_kafka_topic_partition_list_t *l = k->rd->topic_partition_list_new(1);
    rd_kafka_resp_err_t rc;
    char pattern[1100];
    regex_t compiled;

    for (size_t i = 0; i < conf->ntopics; i++) {
        (void)k->rd->topic_partition_list_add(l, conf->topics[i], -1);
    }
    if (conf->pattern != NULL) {
        if (coordinator_pattern(&compiled, conf->pattern, e) < 0) {
            k->rd->topic_partition_list_destroy(l);
            return -1;
        }
        regfree(&compiled); /* librdkafka takes the text */
        (void)snprintf(pattern, sizeof(pattern), "^(%s)$", conf->pattern);
        (void)k->rd->topic_partition_list_add(l, pattern, -1);
    }
    rc = k->rd->subscribe(m->rk, l);
    k->rd->topic_partition_list_destroy(l);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_fail(k, e, rc, NULL, "subscribe to topics");
    }
    m->subscribed = true;
    return 0;
}

static rd_kafka_t *client(struct kafka *k, const struct member_conf *conf,
                          struct err *e)
{
    int64_t session = conf->session_us > 0 ? conf->session_us / 1000 : 45000;
    size_t prefetch = conf->prefetch_bytes ? conf->prefetch_bytes : PREFETCH;
    char session_ms[24], beat_ms[24], poll_ms[24], kbytes[24], bytes[24];
    const struct kafka_pair base[] = {
        {"auto.offset.reset", "earliest"},
        {"client.id", conf->client ? conf->client : "pinline"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"enable.partition.eof", "true"},
        {"fetch.error.backoff.ms", "10"},
        {"fetch.message.max.bytes", bytes},
        {"fetch.wait.max.ms", "100"},
        {"group.id", conf->group},
        {"heartbeat.interval.ms", beat_ms},
        {"max.poll.interval.ms", poll_ms},
        {"partition.assignment.strategy", "cooperative-sticky"},
        {"queued.max.messages.kbytes", kbytes},
        {"session.timeout.ms", session_ms},
        {"topic.blacklist", "^__.*"}, /* of Kafka itself */
        {"topic.metadata.refresh.interval.ms", "5000"},
    };
    rd_kafka_conf_t *c;

    (void)snprintf(session_ms, sizeof(session_ms), "%" PRId64, session);
    (void)snprintf(beat_ms, sizeof(beat_ms), "%" PRId64,
                   session < 9000 ? session / 3 : 3000);
    (void)snprintf(poll_ms, sizeof(poll_ms), "%" PRId64,
                   session > POLL_MS ? session : POLL_MS);
    (void)snprintf(kbytes, sizeof(kbytes), "%zu",
                   prefetch < 1024 ? 1 : prefetch / 1024);
    /* a fetch takes a part of it, so that one comes while another is read */
    (void)snprintf(bytes, sizeof(bytes), "%zu",
                   prefetch < 4096              ? 4096
                   : prefetch < FETCH_MIN       ? prefetch
                   : prefetch < 4UL * FETCH_MIN ? FETCH_MIN
                                                : prefetch / 4);
    c = kafka_conf_make(k, base, ARRAY_LEN(base), e);
    if (c == NULL) {
        return NULL;
    }
    k->rd->conf_set_rebalance_cb(c, on_rebalance);
    return kafka_conf_client(k, RD_KAFKA_CONSUMER, c, e);
}

static void leave(struct member *base)
{
    struct kafka_member *m = member_of(base);
    struct kafka *k = m->k;
    struct kafka_member **at = &k->members;
    int64_t until = clock_mono_us() + (m->subscribed ? LEAVE_US : 0);

    /* librdkafka 2.0.2 aborts when a member leaves while the group is giving
     * it its first partitions (its issue 4312): let it have them first */
    while (!m->settled && clock_mono_us() < until) {
        rd_kafka_message_t *msg = k->rd->consumer_poll(m->rk, STEP_MS);

        if (msg != NULL) {
            k->rd->message_destroy(msg);
        }
    }
    m->closing = true;
    give_away(m);
    if (m->settled || !m->subscribed) {
        (void)k->rd->consumer_close(m->rk);
    }
    while (m->owned != NULL) {
        drop(m, &m->owned);
    }
    if (m->settled || !m->subscribed) {
        k->rd->destroy(m->rk);
    } /* else it stays until the process ends: to end it would be to abort, and
         the group finds out by its session time-out */
    mutex_lock(&k->lock);
    while (*at != m) {
        at = &(*at)->next;
    }
    *at = m->next;
    mutex_unlock(&k->lock);
    mem_free(m->list);
    mem_free(m);
}

static int join(struct member **ret, struct broker *b,
                const struct member_conf *conf, struct err *e)
{
    struct kafka *k = kafka_of(b);
    struct kafka_member *m = mem_zero(1, sizeof(*m));

    if (m == NULL) {
        return err_nomem(e, sizeof(*m));
    }
    m->base.ops = &kafka_members;
    m->base.broker = b;
    m->k = k;
    m->rk = client(k, conf, e);
    if (m->rk == NULL) {
        mem_free(m);
        return -1;
    }
    mutex_lock(&k->lock);
    m->next = k->members;
    k->members = m;
    mutex_unlock(&k->lock);
    (void)k->rd->poll_set_consumer(m->rk);
    if (subscribe(&m->base, conf, e) < 0) {
        leave(&m->base);
        return -1;
    }
    *ret = &m->base;
    return 0;
}

/* ---- commit and fetch ---- */

static int not_ours(const char *topic, int32_t partition, struct err *e)
{
    return err_set(e, ERR_FENCED,
                   "topic \"%s\" partition %" PRId32
                   " is not this member's any more",
                   topic, partition);
}

static rd_kafka_resp_err_t commit_now(struct kafka_member *m,
                                      rd_kafka_topic_partition_list_t *l)
{
    int64_t until = clock_mono_us() + COMMIT_US;
    rd_kafka_resp_err_t rc;

    for (;;) {
        rc = m->k->rd->commit(m->rk, l, 0);
        for (int i = 0; rc == RD_KAFKA_RESP_ERR_NO_ERROR && i < l->cnt; i++) {
            rc = l->elems[i].err;
        }
        /* the group is between two generations: what is ours stays ours
         * until we give it away, and the next one will take this */
        if ((rc != RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS &&
             !err_retriable(kafka_code(rc))) ||
            clock_mono_us() > until) {
            return rc;
        }
        clock_sleep_us(RETRY_US);
    }
}

static int commit(struct member *base, const struct broker_position *p,
                  size_t n, struct err *e)
{
    struct kafka_member *m = member_of(base);
    rd_kafka_topic_partition_list_t *l;
    rd_kafka_resp_err_t rc;
    int ok = 0;

    l = m->k->rd->topic_partition_list_new((int)n);
    for (size_t i = 0; ok == 0 && i < n; i++) {
        const struct owned *o = *find(m, p[i].topic, p[i].partition);
        rd_kafka_topic_partition_t *to;

        if (o == NULL || (p[i].epoch != 0 && p[i].epoch != o->at.epoch)) {
            ok = not_ours(p[i].topic, p[i].partition, e);
            continue;
        }
        to = m->k->rd->topic_partition_list_add(l, p[i].topic, p[i].partition);
        to->offset = p[i].offset;
        ok = kafka_group_metadata(to, &p[i], o->at.epoch, e);
    }
    rc = ok == 0 && n > 0 ? commit_now(m, l) : RD_KAFKA_RESP_ERR_NO_ERROR;
    m->k->rd->topic_partition_list_destroy(l);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        ok = kafka_fail(m->k, e, rc, NULL, "store positions of the group");
    }
    return ok;
}

/* Begin to read at another offset than librdkafka would. */
static int seek(struct kafka_member *m, struct owned *o, int64_t offset,
                struct err *e)
{
    int64_t until = clock_mono_us() + SEEK_US;
    rd_kafka_topic_partition_list_t *l = m->k->rd->topic_partition_list_new(1);
    rd_kafka_resp_err_t rc;

    m->k->rd->topic_partition_list_add(l, o->at.topic, o->at.partition)
        ->offset = offset;
    for (;;) {
        rd_kafka_error_t *bad = m->k->rd->seek_partitions(m->rk, l, SEEK_MS);

        rc = bad ? m->k->rd->error_code(bad) : l->elems[0].err;
        if (bad != NULL) {
            m->k->rd->error_destroy(bad);
        }
        /* assigned a moment ago: it is not being read yet */
        if ((rc != RD_KAFKA_RESP_ERR__STATE &&
             rc != RD_KAFKA_RESP_ERR__TIMED_OUT &&
             rc != RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS) ||
            clock_mono_us() > until) {
            break;
        }
        l->elems[0].err = RD_KAFKA_RESP_ERR_NO_ERROR;
        clock_sleep_us(RETRY_US / 10);
    }
    m->k->rd->topic_partition_list_destroy(l);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_fail(m->k, e, rc, NULL,
                          "read topic \"%s\" partition %" PRId32, o->at.topic,
                          o->at.partition);
    }
    kafka_read_reset(m->k, &o->reader);
    o->reader.next = offset;
    return 0;
}

static int came(struct owned *o)
{
    o->since_us = 0;
    return 0;
}

/* The group's thread must go on, so nobody waits here; but a partition from
 * which nothing comes for long although it has more is begun again. */
static int none_came(struct kafka_member *m, struct owned *o,
                     struct broker_fetch *f, struct err *e)
{
    int64_t begin;
    int64_t now = clock_mono_us();

    if (o->reader.at_end) {
        return came(o);
    }
    if (kafka_ends(m->k, o->at.topic, o->at.partition, &begin, &f->end, e) <
        0) {
        return -1;
    }
    if (f->end <= o->reader.next) {
        return came(o);
    }
    o->since_us = o->since_us ? o->since_us : now;
    if (now - o->since_us > STUCK_US) {
        o->reader.next = -1;
        o->since_us = 0;
    }
    return 0;
}

static int fetch(struct member *base, const char *topic, int32_t partition,
                 int64_t offset, size_t max_bytes, struct broker_fetch *f,
                 struct err *e)
{
    struct kafka_member *m = member_of(base);
    struct kafka_read what = {topic, partition, offset, max_bytes, true};
    struct owned *o = *find(m, topic, partition);
    int64_t begin;
    int64_t end;

    if (o == NULL) {
        return not_ours(topic, partition, e);
    }
    if (o->reader.next < 0 || !kafka_read_skip(m->k, &o->reader, offset)) {
        if (kafka_ends(m->k, topic, partition, &begin, &end, e) < 0) {
            return -1;
        }
        if (offset > end) {
            return err_set(e, ERR_INVALID,
                           "offset %" PRId64
                           " is past the end, which is %" PRId64,
                           offset, end);
        }
        if (seek(m, o, offset < begin ? begin : offset, e) < 0) {
            return -1;
        }
    }
    if (kafka_read(m->k, &o->reader, m->rk, &what, f, e) < 0) {
        return -1;
    }
    return f->n > 0 ? came(o) : none_came(m, o, f, e);
}

/* What it lent belongs to the partition. */
static void fetch_release(struct member *base, struct broker_fetch *f)
{
    (void)base;
    *f = (struct broker_fetch){0};
}

const struct member_ops kafka_members = {
    .join = join,
    .leave = leave,
    .poll = poll_change,
    .subscribe = subscribe,
    .commit = commit,
    .fetch = fetch,
    .fetch_release = fetch_release,
    .list = kafka_member_list,
};
