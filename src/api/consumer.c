#include "api/consumer.h"

#include <stdio.h>
#include <string.h>

#include "api/consumer_int.h"
#include "core/clock.h"
#include "core/mem.h"
#include "json/json.h"

enum {
    AUTO_COMMIT_US = 5000000, /* as auto.commit.interval.ms */
};

static bool subscribed(const struct consumer *c)
{
    return c->member != NULL;
}

int consumer_new(struct consumer **ret, struct broker *b,
                 const struct consumer_conf *conf, struct err *e)
{
    struct consumer *c = mem_zero(1, sizeof(*c));

    if (c == NULL) {
        return err_nomem(e, sizeof(*c));
    }
    c->broker = b;
    c->conf = *conf;
    (void)snprintf(c->group, sizeof(c->group), "%s", conf->group);
    (void)snprintf(c->name, sizeof(c->name), "%s", conf->name);
    c->conf.group = c->group;
    c->conf.name = c->name;
    c->committed_us = clock_mono_us();
    *ret = c;
    return 0;
}

static void free_topics(struct consumer *c)
{
    for (size_t i = 0; i < c->n_topics; i++) {
        mem_free(c->topics[i]);
    }
    mem_free(c->topics);
    c->topics = NULL;
    c->n_topics = 0;
}

/* Nothing is read any more. */
static void forget(struct consumer *c)
{
    mem_free(c->parts);
    mem_free(c->last);
    free_topics(c);
    c->parts = NULL;
    c->last = NULL;
    c->n_parts = 0;
    c->n_last = 0;
    c->key_len = 0;
    c->given = false;
    c->assigned = false;
    c->settled = false;
    c->by_pattern = false;
}

static void stop_reading(struct consumer *c, bool received)
{
    if (c->conf.auto_commit) {
        /* who comes next reads again what could not be stored */
        (void)!consumer_store(c, received, NULL, 0, NULL);
    }
    member_leave(c->member);
    c->member = NULL;
    forget(c);
}

void consumer_free(struct consumer *c, bool received)
{
    if (c != NULL) {
        stop_reading(c, received);
        mem_free(c);
    }
}

void consumer_unsubscribe(struct consumer *c)
{
    stop_reading(c, true);
}

struct consumer_part *consumer_find(const struct consumer *c, const char *topic,
                                    int32_t partition)
{
    for (size_t i = 0; i < c->n_parts; i++) {
        struct consumer_part *p = &c->parts[i];

        if (p->at.partition == partition && strcmp(p->at.topic, topic) == 0) {
            return p;
        }
    }
    return NULL;
}

/* ---- subscribing ---- */

static int copy_topics(char ***ret, const struct member_conf *conf,
                       struct err *e)
{
    char **list = mem_zero(conf->ntopics + 1, sizeof(*list));

    for (size_t i = 0; list != NULL && i < conf->ntopics; i++) {
        list[i] = mem_text(conf->topics[i], strlen(conf->topics[i]));
        if (list[i] == NULL) {
            while (i > 0) {
                mem_free(list[--i]);
            }
            mem_free(list);
            list = NULL;
            break;
        }
    }
    if (list == NULL) {
        return err_nomem(e, conf->ntopics);
    }
    *ret = list;
    return 0;
}

int consumer_subscribe(struct consumer *c, const struct member_conf *conf,
                       struct err *e)
{
    struct member_conf own = *conf;
    char **list = NULL;
    int rc;

    if (c->assigned ||
        (subscribed(c) && c->by_pattern != (conf->pattern != NULL))) {
        return err_set(e, ERR_CONFLICT,
                       "Subscription to topics, partitions and pattern are "
                       "mutually exclusive");
    }
    own.group = c->group;
    own.client = c->name;
    own.prefetch_bytes = c->conf.prefetch_bytes;
    if (copy_topics(&list, conf, e) != 0) {
        return -1;
    }
    rc = subscribed(c) ? member_subscribe(c->member, &own, e)
                       : member_join(&c->member, c->broker, &own, e);
    if (rc != 0) {
        for (size_t i = 0; list != NULL && i < conf->ntopics; i++) {
            mem_free(list[i]);
        }
        mem_free(list);
        return -1;
    }
    free_topics(c);
    c->topics = list;
    c->n_topics = conf->ntopics;
    c->by_pattern = conf->pattern != NULL;
    c->settled = false;
    return 0;
}

/* The partition that is there now; ERR_NOTFOUND. */
static int look_up(struct consumer *c, const struct consumer_place *p,
                   struct consumer_part *ret, struct err *e)
{
    struct broker_topic t;

    if (!broker_topic_name_ok(slice_of(p->topic)) ||
        broker_topic_get(c->broker, p->topic, &t, e) != 0) {
        if (e != NULL && e->code != ERR_NOTFOUND && e->code != ERR_NONE) {
            return -1;
        }
        return err_set(e, ERR_NOTFOUND, "Topic %.100s not found", p->topic);
    }
    if (p->partition < 0 || p->partition >= t.partitions) {
        return err_set(e, ERR_NOTFOUND,
                       "Topic %s has no partition %d: it has %d", t.name,
                       (int)p->partition, (int)t.partitions);
    }
    *ret = (struct consumer_part){.next = -1, .committed = -1, .end = -1};
    memcpy(ret->at.topic, t.name, sizeof(t.name));
    ret->at.epoch = t.epoch;
    ret->at.partition = p->partition;
    return 0;
}

static bool listed(const struct consumer_part *parts, size_t n,
                   const struct consumer_part *p)
{
    for (size_t i = 0; i < n; i++) {
        if (parts[i].at.partition == p->at.partition &&
            strcmp(parts[i].at.topic, p->at.topic) == 0) {
            return true;
        }
    }
    return false;
}

int consumer_assign(struct consumer *c, const struct consumer_place *p,
                    size_t n, struct err *e)
{
    struct consumer_part *parts;
    size_t count = 0;

    if (subscribed(c)) {
        return err_set(e, ERR_CONFLICT,
                       "Subscription to topics, partitions and pattern are "
                       "mutually exclusive");
    }
    if (n > CONSUMER_PARTITIONS_MAX) {
        return err_set(e, ERR_LIMIT, "a consumer reads at most %d partitions",
                       CONSUMER_PARTITIONS_MAX);
    }
    parts = mem_zero(n + 1, sizeof(*parts));
    if (parts == NULL) {
        return err_nomem(e, (n + 1) * sizeof(*parts));
    }
    for (size_t i = 0; i < n; i++) {
        struct consumer_part *new = &parts[count];
        const struct consumer_part *old;

        if (look_up(c, &p[i], new, e) != 0) {
            mem_free(parts);
            return -1;
        }
        if (listed(parts, count, new)) {
            continue;
        }
        old = consumer_find(c, new->at.topic, new->at.partition);
        if (old != NULL) {
            *new = *old;
        }
        count++;
    }
    consumer_confirm(c);
    mem_free(c->parts);
    c->parts = parts;
    c->n_parts = count;
    c->assigned = true;
    return 0;
}

/* ---- the group ---- */

static void drop(struct consumer *c, const struct member_partition *at)
{
    struct consumer_part *p = consumer_find(c, at->topic, at->partition);

    if (p != NULL) {
        *p = c->parts[--c->n_parts];
    }
}

static int follow(struct consumer *c, const struct member_change *ch,
                  struct err *e)
{
    struct consumer_part *list;

    for (size_t i = 0; i < ch->nlost; i++) {
        drop(c, &ch->lost[i]);
    }
    if (ch->nrevoked > 0) {
        if (c->conf.auto_commit) {
            (void)!consumer_store(c, false, ch->revoked, ch->nrevoked, NULL);
        }
        for (size_t i = 0; i < ch->nrevoked; i++) {
            drop(c, &ch->revoked[i]);
        }
    }
    list = mem_resize(c->parts, c->n_parts + ch->nassigned + 1, sizeof(*list));
    if (list == NULL) {
        /* a partition that is had but not read would wait for ever */
        member_leave(c->member);
        c->member = NULL;
        forget(c);
        return err_set(e, ERR_NOMEM,
                       "out of memory: consumer \"%s\" has left its group; "
                       "subscribe again",
                       c->name);
    }
    c->parts = list;
    for (size_t i = 0; i < ch->nassigned; i++) {
        drop(c, &ch->assigned[i]);
        c->parts[c->n_parts++] = (struct consumer_part){
            .at = ch->assigned[i], .next = -1, .committed = -1, .end = -1};
    }
    return 0;
}

int consumer_tick(struct consumer *c, struct err *e)
{
    int64_t now = clock_mono_us();
    struct member_change ch;

    if (subscribed(c)) {
        if (member_poll(c->member, 0, &ch, e) != 0 || follow(c, &ch, e) != 0) {
            return -1;
        }
        c->settled = ch.settled;
    }
    for (size_t i = 0; i < c->n_parts; i++) {
        if (c->parts[i].next < 0 && consumer_begin(c, &c->parts[i], e) != 0) {
            return -1;
        }
    }
    if (c->conf.auto_commit && now >= c->committed_us + AUTO_COMMIT_US) {
        c->committed_us = now;
        /* not while the group is sharing anew, say: the next one tells all */
        (void)!consumer_store(c, false, NULL, 0, NULL);
    }
    return 0;
}

bool consumer_settled(const struct consumer *c)
{
    return !subscribed(c) || c->settled;
}

/* ---- telling ---- */

/* Sorted, so that answers do not depend on who gave what when. */
static bool before(const struct consumer_part *a, const struct consumer_part *b)
{
    int c = strcmp(a->at.topic, b->at.topic);

    return c < 0 || (c == 0 && a->at.partition < b->at.partition);
}

static const struct consumer_part *next_part(const struct consumer *c,
                                             const struct consumer_part *last)
{
    const struct consumer_part *ret = NULL;

    for (size_t i = 0; i < c->n_parts; i++) {
        const struct consumer_part *p = &c->parts[i];

        if ((last == NULL || before(last, p)) &&
            (ret == NULL || before(p, ret))) {
            ret = p;
        }
    }
    return ret;
}

int consumer_print_topics(const struct consumer *c, struct buf *b,
                          struct err *e)
{
    const struct consumer_part *p = NULL;
    const char *last = "";
    size_t n = 0;

    for (size_t i = 0; i < c->n_topics; i++) {
        if (buf_putf(b, e, "%s\"%s\"", n++ > 0 ? "," : "", c->topics[i]) != 0) {
            return -1;
        }
    }
    while (c->by_pattern && (p = next_part(c, p)) != NULL) {
        if (strcmp(last, p->at.topic) != 0 &&
            buf_putf(b, e, "%s\"%s\"", n++ > 0 ? "," : "", p->at.topic) != 0) {
            return -1;
        }
        last = p->at.topic;
    }
    return 0;
}

int consumer_print_assignment(const struct consumer *c, struct buf *b,
                              struct err *e)
{
    const struct consumer_part *p = NULL;
    size_t n = 0;

    while ((p = next_part(c, p)) != NULL) {
        if (buf_putf(b, e, "%s{\"topic\":\"%s\",\"partition\":%d}",
                     n++ > 0 ? "," : "", p->at.topic,
                     (int)p->at.partition) != 0) {
            return -1;
        }
    }
    return 0;
}
