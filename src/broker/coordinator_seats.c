#include <string.h>

#include "broker/coordinator_int.h"
#include "core/mem.h"

enum {
    TOPICS_US = 500000 /* topics are listed anew after */
};

bool coordinator_wants(const struct local *m, const char *topic)
{
    const char *name = m->topics;
    regmatch_t all;

    if (m->has_pattern) {
        return regexec(&m->pattern, topic, 1, &all, 0) == 0 && all.rm_so == 0 &&
               (size_t)all.rm_eo == strlen(topic);
    }
    for (size_t i = 0; i < m->n_topics; i++) {
        if (strcmp(name, topic) == 0) {
            return true;
        }
        name += strlen(name) + 1;
    }
    return false;
}

/* ---- topics and seats ---- */

static bool same_topics(const struct coordinator *c,
                        const struct broker_topic *list, size_t n)
{
    if (n != c->n_topics) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i].name, c->topics[i].name) != 0 ||
            list[i].epoch != c->topics[i].epoch ||
            list[i].partitions != c->topics[i].partitions) {
            return false;
        }
    }
    return true;
}

int coordinator_topics(struct coordinator *c, int64_t now, struct err *e)
{
    struct broker_topic *list = NULL;
    size_t n = 0;

    if (c->version > 0 && now < c->read_us + TOPICS_US) {
        return 0;
    }
    if (broker_topic_list(c->broker, &list, &n, e) != 0) {
        return -1;
    }
    if (c->version == 0 || !same_topics(c, list, n)) {
        mem_free(c->topics);
        c->topics = list;
        c->n_topics = n;
        c->version++;
    } else {
        mem_free(list);
    }
    c->read_us = now;
    return 0;
}

static bool wanted(const struct room *g, const char *topic)
{
    for (const struct local *m = g->members; m != NULL; m = m->next) {
        if (coordinator_wants(m, topic)) {
            return true;
        }
    }
    return false;
}

int coordinator_cmp(const struct member_partition *a,
                    const struct member_partition *b)
{
    int c = strcmp(a->topic, b->topic);

    if (c != 0) {
        return c;
    }
    if (a->epoch != b->epoch) {
        return a->epoch < b->epoch ? -1 : 1;
    }
    return a->partition < b->partition ? -1 : a->partition > b->partition;
}

struct seat *coordinator_find(const struct room *g,
                              const struct member_partition *at)
{
    size_t low = 0;
    size_t high = g->n_seats;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = coordinator_cmp(&g->seats[mid].at, at);

        if (c == 0) {
            return &g->seats[mid];
        }
        if (c < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return NULL;
}

int coordinator_seats(struct coordinator *c, struct room *g, struct err *e)
{
    struct seat *seats = NULL;
    size_t n = 0;
    size_t at = 0;

    for (size_t i = 0; i < c->n_topics; i++) {
        n += wanted(g, c->topics[i].name) ? (size_t)c->topics[i].partitions : 0;
    }
    seats = mem_zero(n + 1, sizeof(*seats));
    if (seats == NULL) {
        return err_nomem(e, (n + 1) * sizeof(*seats));
    }
    for (size_t i = 0; i < c->n_topics; i++) {
        const struct broker_topic *t = &c->topics[i];

        for (int32_t p = 0; wanted(g, t->name) && p < t->partitions; p++) {
            struct seat *s = &seats[at++];
            const struct seat *old;

            memcpy(s->at.topic, t->name, sizeof(t->name));
            s->at.epoch = t->epoch;
            s->at.partition = p;
            old = coordinator_find(g, &s->at);
            if (old != NULL) {
                *s = *old;
            }
        }
    }
    mem_free(g->seats);
    g->seats = seats;
    g->n_seats = at;
    g->version = c->version;
    g->dirty = true;
    return 0;
}

/* ---- sharing ---- */

/* The members that may have seats of one topic. */
struct eligible {
    struct local **list;
    size_t n;
};

static void find_eligible(const struct room *g, const char *topic,
                          struct eligible *ret)
{
    ret->n = 0;
    for (struct local *m = g->members; m != NULL; m = m->next) {
        if (!m->expelled && coordinator_wants(m, topic)) {
            ret->list[ret->n++] = m;
        }
    }
}

static bool is_eligible(const struct eligible *el, const struct local *m)
{
    for (size_t i = 0; m != NULL && i < el->n; i++) {
        if (el->list[i] == m) {
            return true;
        }
    }
    return false;
}

static struct local *least(const struct eligible *el)
{
    struct local *ret = NULL;

    for (size_t i = 0; i < el->n; i++) {
        if (ret == NULL || el->list[i]->count < ret->count) {
            ret = el->list[i];
        }
    }
    return ret;
}

static void aim(struct seat *s, struct local *m)
{
    if (s->target != NULL) {
        s->target->count--;
    }
    s->target = m;
    if (m != NULL) {
        m->count++;
    }
}

/* Seats stay where they are, or where they are going to, if they may. */
static void keep(struct seat *s, const struct eligible *el)
{
    struct local *was = s->target;

    s->target = NULL;
    if (is_eligible(el, was)) {
        aim(s, was);
    } else if (!s->revoking && is_eligible(el, s->owner)) {
        aim(s, s->owner);
    }
}

/* What to do with the seat in one round; true: something moved. */
static bool step(struct seat *s, const struct eligible *el, int round)
{
    struct local *m;

    if (round == 0) {
        keep(s, el);
        return true;
    }
    m = least(el);
    if (s->target == NULL && m != NULL) {
        aim(s, m);
        return true;
    }
    if (m != NULL && s->target->count > m->count + 1) {
        aim(s, m);
        return true;
    }
    return false;
}

int coordinator_share(struct room *g, struct err *e)
{
    struct eligible el = {.n = 0};
    bool moved = true;

    el.list = mem_zero(g->n_members + 1, sizeof(*el.list));
    if (el.list == NULL) {
        return err_nomem(e, (g->n_members + 1) * sizeof(*el.list));
    }
    for (struct local *m = g->members; m != NULL; m = m->next) {
        m->count = 0;
    }
    for (int round = 0; moved; round++) {
        const char *topic = "";

        moved = false;
        for (size_t i = 0; i < g->n_seats; i++) {
            struct seat *s = &g->seats[i];

            if (strcmp(topic, s->at.topic) != 0) {
                topic = s->at.topic;
                find_eligible(g, topic, &el);
            }
            moved = step(s, &el, round) || moved;
        }
    }
    mem_free(el.list);
    g->dirty = false;
    return 0;
}
