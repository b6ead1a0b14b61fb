#include "broker/coordinator.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/coordinator_int.h"
#include "core/clock.h"
#include "core/mem.h"

enum {
    MEMBERS_MAX = 4096, /* of all groups */
    SESSION_US = 10000000,
    WAIT_US = 100000,
    COUNTED_MAX = 4 /* "{n}" in a pattern: nested ones take memory */
};

static struct local *local_of(struct member *m)
{
    return (struct local *)m;
}

int coordinator_new(struct coordinator **ret, struct broker *b, struct err *e)
{
    struct coordinator *c = mem_zero(1, sizeof(*c));

    if (c == NULL) {
        return err_nomem(e, sizeof(*c));
    }
    c->broker = b;
    mutex_init(&c->lock);
    cond_init(&c->changed);
    *ret = c;
    return 0;
}

static void free_room(struct room *g)
{
    mem_free(g->seats);
    mem_free(g);
}

void coordinator_free(struct coordinator *c)
{
    if (c == NULL) {
        return;
    }
    mem_free(c->topics);
    mutex_release(&c->lock);
    cond_release(&c->changed);
    mem_free(c);
}

/* ---- members ---- */

static void drop_seats(struct room *g, const struct local *m)
{
    for (size_t i = 0; i < g->n_seats; i++) {
        struct seat *s = &g->seats[i];

        if (s->owner == m) {
            s->owner = NULL;
            s->revoking = false;
        }
        if (s->target == m) {
            s->target = NULL;
        }
    }
    g->dirty = true;
}

static bool late(const struct local *m, int64_t now)
{
    return !m->committing && now - m->seen_us > m->session_us;
}

/* Who did not poll in time loses what it has. Returns when the next is due. */
static int64_t expel(struct coordinator *c, struct room *g, int64_t now)
{
    int64_t next = INT64_MAX;

    for (struct local *m = g->members; m != NULL; m = m->next) {
        if (m->expelled) {
            continue;
        }
        if (late(m, now)) {
            m->expelled = true;
            drop_seats(g, m);
            cond_broadcast(&c->changed);
        } else if (m->seen_us + m->session_us < next) {
            next = m->seen_us + m->session_us;
        }
    }
    return next;
}

static struct room *find_room(struct coordinator *c, const char *group)
{
    struct room *g = c->rooms;

    while (g != NULL && strcmp(g->name, group) != 0) {
        g = g->next;
    }
    return g;
}

static struct room *make_room(struct coordinator *c, const char *group,
                              struct err *e)
{
    struct room *g = find_room(c, group);

    if (g != NULL) {
        return g;
    }
    g = mem_zero(1, sizeof(*g));
    if (g == NULL) {
        (void)err_nomem(e, sizeof(*g));
        return NULL;
    }
    memcpy(g->name, group, strlen(group) + 1);
    g->next = c->rooms;
    c->rooms = g;
    return g;
}

static void close_room(struct coordinator *c, struct room *g)
{
    struct room **at = &c->rooms;

    while (*at != g) {
        at = &(*at)->next;
    }
    *at = g->next;
    free_room(g);
}

/* What a member subscribes to. */
struct wish {
    char *topics;
    size_t n_topics;
    regex_t pattern;
    bool has_pattern;
};

static void free_wish(struct wish *w)
{
    mem_free(w->topics);
    if (w->has_pattern) {
        regfree(&w->pattern);
    }
}

/* Nested counts and back-references can take any time and memory. */
int coordinator_pattern(regex_t *ret, const char *pattern, struct err *e)
{
    char why[100];
    int counts = 0;
    int rc;

    for (const char *p = pattern; *p != '\0'; p++) {
        counts += *p == '{';
        if (*p == '\\' && p[1] >= '1' && p[1] <= '9') {
            counts = COUNTED_MAX + 1;
        }
        p += *p == '\\' && p[1] != '\0';
    }
    if (counts > COUNTED_MAX) {
        return err_set(e, ERR_INVALID,
                       "cannot subscribe to pattern \"%.100s\": it has "
                       "back-references or more than %d counts",
                       pattern, COUNTED_MAX);
    }
    rc = regcomp(ret, pattern, REG_EXTENDED);
    if (rc != 0) {
        (void)regerror(rc, ret, why, sizeof(why));
        return err_set(e, ERR_INVALID,
                       "cannot subscribe to pattern \"%.100s\": %s", pattern,
                       why);
    }
    return 0;
}

static int make_wish(struct wish *w, const struct member_conf *conf,
                     struct err *e)
{
    size_t size = 1;
    char *at;

    *w = (struct wish){.n_topics = conf->ntopics};
    if (conf->pattern != NULL) {
        w->has_pattern =
            coordinator_pattern(&w->pattern, conf->pattern, e) == 0;
        return w->has_pattern ? 0 : -1;
    }
    for (size_t i = 0; i < conf->ntopics; i++) {
        size += strlen(conf->topics[i]) + 1;
    }
    w->topics = mem_zero(1, size);
    if (w->topics == NULL) {
        return err_nomem(e, size);
    }
    at = w->topics;
    for (size_t i = 0; i < conf->ntopics; i++) {
        size_t len = strlen(conf->topics[i]) + 1;

        memcpy(at, conf->topics[i], len);
        at += len;
    }
    return 0;
}

static void swap_wish(struct local *m, struct wish *w)
{
    struct wish old = {m->topics, m->n_topics, m->pattern, m->has_pattern};

    m->topics = w->topics;
    m->n_topics = w->n_topics;
    m->pattern = w->pattern;
    m->has_pattern = w->has_pattern;
    *w = old;
}

static void free_local(struct local *m)
{
    struct wish w = {.n_topics = 0};

    swap_wish(m, &w);
    free_wish(&w);
    mem_free(m->held);
    mem_free(m->told);
    mem_free(m);
}

static int enter(struct coordinator *c, struct local *m, const char *group,
                 struct err *e)
{
    struct local **at;
    struct room *g;

    if (c->n_members >= MEMBERS_MAX) {
        return err_set(e, ERR_LIMIT, "there are %d members of groups already",
                       MEMBERS_MAX);
    }
    g = make_room(c, group, e);
    if (g == NULL) {
        return -1;
    }
    (void)snprintf(m->id, sizeof(m->id), "%.100s-%" PRId64, m->client,
                   ++c->ids);
    m->room = g;
    m->seen_us = clock_mono_us();
    for (at = &g->members; *at != NULL; at = &(*at)->next) {
    }
    *at = m;
    g->n_members++;
    c->n_members++;
    g->version = 0;
    g->dirty = true;
    cond_broadcast(&c->changed);
    return 0;
}

static int join(struct member **ret, struct broker *b,
                const struct member_conf *conf, struct err *e)
{
    struct coordinator *c = b->coordinator;
    struct local *m = mem_zero(1, sizeof(*m));
    struct wish w;
    int rc;

    if (m == NULL) {
        return err_nomem(e, sizeof(*m));
    }
    m->base = (struct member){&coordinator_members, b};
    m->c = c;
    m->session_us = conf->session_us > 0 ? conf->session_us : SESSION_US;
    (void)snprintf(m->client, sizeof(m->client), "%.100s",
                   conf->client != NULL ? conf->client : "pinline");
    if (make_wish(&w, conf, e) != 0) {
        free_local(m);
        return -1;
    }
    swap_wish(m, &w);
    mutex_lock(&c->lock);
    rc = enter(c, m, conf->group, e);
    mutex_unlock(&c->lock);
    if (rc != 0) {
        free_local(m);
        return -1;
    }
    *ret = &m->base;
    return 0;
}

static void leave(struct member *base)
{
    struct local *m = local_of(base);
    struct coordinator *c = m->c;
    struct room *g = m->room;
    struct local **at = &g->members;

    mutex_lock(&c->lock);
    while (*at != m) {
        at = &(*at)->next;
    }
    *at = m->next;
    g->n_members--;
    c->n_members--;
    drop_seats(g, m);
    g->version = 0;
    if (g->n_members == 0) {
        close_room(c, g);
    }
    cond_broadcast(&c->changed);
    mutex_unlock(&c->lock);
    free_local(m);
}

static int subscribe(struct member *base, const struct member_conf *conf,
                     struct err *e)
{
    struct local *m = local_of(base);
    struct wish w;

    if (make_wish(&w, conf, e) != 0) {
        return -1;
    }
    mutex_lock(&m->c->lock);
    swap_wish(m, &w);
    m->settled = false;
    m->room->version = 0;
    cond_broadcast(&m->c->changed);
    mutex_unlock(&m->c->lock);
    free_wish(&w);
    return 0;
}

/* ---- poll ---- */

static void drop_held(struct local *m, const struct member_partition *at)
{
    for (size_t i = 0; i < m->n_held; i++) {
        if (coordinator_cmp(&m->held[i], at) == 0) {
            m->held[i] = m->held[--m->n_held];
            return;
        }
    }
}

/* What the last poll told to be revoked is given away. */
static void give_away(struct local *m)
{
    for (size_t i = 0; i < m->room->n_seats; i++) {
        struct seat *s = &m->room->seats[i];

        if (s->owner == m && s->revoking) {
            s->owner = NULL;
            s->revoking = false;
            drop_held(m, &s->at);
            cond_broadcast(&m->c->changed);
        }
    }
}

/* Memory for whatever tell() may have to say. */
static int make_room_to_tell(struct local *m, struct err *e)
{
    size_t n = m->room->n_seats;
    size_t most = n + m->n_held + 1;
    void *held = mem_resize(m->held, most, sizeof(*m->held));
    void *told;

    m->held = held != NULL ? held : m->held;
    told =
        held == NULL ? NULL : mem_resize(m->told, 3 * most, sizeof(*m->told));
    m->told = told != NULL ? told : m->told;
    return told != NULL ? 0 : err_nomem(e, 3 * most * sizeof(*m->told));
}

static void tell_lost(struct local *m, struct member_change *ret)
{
    for (size_t i = 0; i < m->n_held; i++) {
        const struct seat *s = coordinator_find(m->room, &m->held[i]);

        if (s == NULL || s->owner != m) {
            ret->lost[ret->nlost++] = m->held[i];
            m->held[i--] = m->held[--m->n_held];
        }
    }
}

/* The difference between what the member knows and what is; true: any. */
static bool tell(struct local *m, struct member_change *ret)
{
    struct room *g = m->room;
    size_t most = g->n_seats + m->n_held + 1;
    bool was_settled = m->settled;

    *ret = (struct member_change){.assigned = m->told,
                                  .revoked = m->told + most,
                                  .lost = m->told + 2 * most};
    tell_lost(m, ret);
    m->settled = true;
    for (size_t i = 0; i < g->n_seats; i++) {
        struct seat *s = &g->seats[i];

        if (s->owner == m && s->target != m) {
            s->revoking = true;
            ret->revoked[ret->nrevoked++] = s->at;
        } else if (s->owner == NULL && s->target == m) {
            s->owner = m;
            m->held[m->n_held++] = s->at;
            ret->assigned[ret->nassigned++] = s->at;
        } else if (s->target == m && s->owner != m) {
            m->settled = was_settled;
        }
    }
    ret->settled = m->settled;
    return ret->nassigned + ret->nrevoked + ret->nlost > 0 ||
           m->settled != was_settled;
}

static int look(struct local *m, int64_t now, int64_t *ret_next, struct err *e)
{
    struct coordinator *c = m->c;
    struct room *g = m->room;

    m->seen_us = now;
    if (m->expelled) {
        m->expelled = false;
        m->settled = false;
        g->dirty = true;
    }
    *ret_next = expel(c, g, now);
    if (coordinator_topics(c, now, e) != 0 ||
        (g->version != c->version && coordinator_seats(c, g, e) != 0)) {
        return -1;
    }
    if (g->dirty) {
        if (coordinator_share(g, e) != 0) {
            return -1;
        }
        cond_broadcast(&c->changed);
    }
    return make_room_to_tell(m, e);
}

static int poll(struct member *base, int64_t timeout_us,
                struct member_change *ret, struct err *e)
{
    struct local *m = local_of(base);
    struct coordinator *c = m->c;
    int64_t now = clock_mono_us();
    int64_t until = now + timeout_us;
    int64_t next;
    int rc;

    mutex_lock(&c->lock);
    give_away(m);
    for (;;) {
        rc = look(m, now, &next, e);
        if (rc != 0 || tell(m, ret) || now >= until) {
            break;
        }
        next = next < now + WAIT_US ? next : now + WAIT_US;
        (void)cond_wait_until(&c->changed, &c->lock,
                              next < until ? next : until);
        now = clock_mono_us();
    }
    mutex_unlock(&c->lock);
    return rc;
}

/* ---- commit ---- */

static int check_owned(struct local *m, const struct broker_position *p,
                       struct err *e)
{
    for (size_t i = 0; i < m->room->n_seats; i++) {
        const struct seat *s = &m->room->seats[i];

        if (s->owner == m && s->at.partition == p->partition &&
            strcmp(s->at.topic, p->topic) == 0 &&
            (p->epoch == 0 || p->epoch == s->at.epoch)) {
            return 0;
        }
    }
    return err_set(e, ERR_FENCED,
                   "cannot store a position of group \"%s\" in \"%s\" "
                   "partition %" PRId32 ": it is not this member's any more",
                   m->room->name, p->topic, p->partition);
}

static int commit(struct member *base, const struct broker_position *p,
                  size_t n, struct err *e)
{
    struct local *m = local_of(base);
    int rc = 0;

    mutex_lock(&m->c->lock);
    if (m->expelled || late(m, clock_mono_us())) {
        rc = err_set(e, ERR_FENCED,
                     "member \"%s\" of group \"%s\" did not poll in time, and "
                     "its partitions went to others",
                     m->id, m->room->name);
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = check_owned(m, &p[i], e);
    }
    m->committing = rc == 0;
    mutex_unlock(&m->c->lock);
    if (rc != 0) {
        return -1;
    }
    rc = broker_group_commit(m->base.broker, m->room->name, p, n, NULL, e);
    mutex_lock(&m->c->lock);
    m->committing = false;
    mutex_unlock(&m->c->lock);
    return rc;
}

static int list(struct broker *b, const char *group, struct member_owner **ret,
                size_t *n, struct err *e)
{
    struct coordinator *c = b->coordinator;
    struct member_owner *rows;
    const struct room *g;
    size_t count = 0;

    mutex_lock(&c->lock);
    g = find_room(c, group);
    rows = mem_zero(g != NULL ? g->n_seats + 1 : 1, sizeof(*rows));
    for (size_t i = 0; rows != NULL && g != NULL && i < g->n_seats; i++) {
        const struct seat *s = &g->seats[i];

        if (s->owner != NULL) {
            struct member_owner *row = &rows[count++];

            memcpy(row->member, s->owner->id, sizeof(row->member));
            memcpy(row->client, s->owner->client, sizeof(row->client));
            memcpy(row->topic, s->at.topic, sizeof(row->topic));
            row->partition = s->at.partition;
        }
    }
    mutex_unlock(&c->lock);
    if (rows == NULL) {
        return err_nomem(e, sizeof(*rows));
    }
    *ret = rows;
    *n = count;
    return 0;
}

const struct member_ops coordinator_members = {
    .join = join,
    .leave = leave,
    .poll = poll,
    .subscribe = subscribe,
    .commit = commit,
    .list = list,
};
