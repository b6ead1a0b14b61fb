/* A pipeline as a member of its group: partitions come and go. */
#include <inttypes.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "flow/pipeline_int.h"

enum {
    JOIN_US = 120000000, /* until the group has shared its partitions */
    SESSION_US = 10000000,
    PREFETCH_BYTES = 16 << 20, /* of each partition; less makes it wait */
    PATTERN_BYTES = 1000,
    FENCED_MAX = 20, /* in a row, before it is told */
};

/* "*.pin" as an expression: \. and .* */
static int put_glob(struct buf *b, const char *glob, struct err *e)
{
    for (const char *c = glob; *c != '\0'; c++) {
        if ((*c == '*'   ? buf_puts(b, ".*", e)
             : *c == '.' ? buf_puts(b, "\\.", e)
                         : buf_putc(b, *c, e)) < 0) {
            return -1;
        }
    }
    return 0;
}

int pipeline_share_join(struct pipeline *p, struct err *e)
{
    struct member_conf conf = {.group = p->group,
                               .session_us = SESSION_US,
                               .prefetch_bytes = PREFETCH_BYTES};
    struct buf b;
    int rc = 0;

    buf_init(&b, PATTERN_BYTES);
    for (size_t i = 0; rc == 0 && i < p->conf.ntopics; i++) {
        rc = i > 0 ? buf_putc(&b, '|', e) : 0;
        rc = rc == 0 ? put_glob(&b, p->conf.topics[i], e) : rc;
    }
    rc = rc == 0 ? buf_text(&b, &conf.pattern, e) : rc;
    rc = rc == 0 ? member_join(&p->member, p->conf.broker, &conf, e) : rc;
    buf_release(&b);
    return rc;
}

static void forget(struct pipeline *p, size_t i)
{
    struct pipeline_part *part = &p->parts[i];
    struct span s = {.topic = part->at.topic,
                     .epoch = part->at.epoch,
                     .partition = part->at.partition};

    sink_forget(p->sink, &s);
    member_fetch_release(p->member, &part->fetch);
    p->nparts--;
    memmove(part, part + 1, (p->nparts - i) * sizeof(*part));
}

static void forget_all(struct pipeline *p, const struct member_partition *list,
                       size_t n)
{
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < p->nparts; i++) {
            if (p->parts[i].at.partition == list[k].partition &&
                strcmp(p->parts[i].at.topic, list[k].topic) == 0) {
                forget(p, i);
                break;
            }
        }
    }
}

void pipeline_share_leave(struct pipeline *p)
{
    while (p->member != NULL && p->nparts > 0) {
        forget(p, p->nparts - 1);
    }
    mem_free(p->parts);
    member_leave(p->member);
    p->member = NULL;
}

static int add(struct pipeline *p, const struct member_partition *at,
               struct err *e)
{
    if (p->nparts == p->parts_cap) {
        size_t cap = p->parts_cap ? p->parts_cap * 2 : 16;
        void *list = mem_resize(p->parts, cap, sizeof(*p->parts));

        if (list == NULL) {
            return err_nomem(e, cap * sizeof(*p->parts));
        }
        p->parts = list;
        p->parts_cap = cap;
    }
    p->parts[p->nparts++] =
        (struct pipeline_part){.at = *at, .next = -1, .until = -1};
    return 0;
}

/*
 * Somebody else may have what was ours: nothing of it was published, or the
 * next owner publishes the same bytes.  Begin again where the group stands.
 */
static void start_over(struct pipeline *p)
{
    for (size_t i = 0; i < p->nparts; i++) {
        struct span s = {.topic = p->parts[i].at.topic,
                         .epoch = p->parts[i].at.epoch,
                         .partition = p->parts[i].at.partition};

        sink_forget(p->sink, &s);
        p->parts[i].next = -1;
    }
}

/* What is full or not, it is published while it is still ours; what a former
 * run planned and this one has not read to its end stays planned. */
static int finish_revoked(struct pipeline *p, const struct member_change *c,
                          struct err *e)
{
    int rc = 0;

    if (c->nrevoked > 0) {
        rc = sink_commit(p->sink, true, e);
        if (rc < 0 && e->code == ERR_FENCED) {
            start_over(p);
            rc = 0;
        }
        forget_all(p, c->revoked, c->nrevoked);
    }
    return rc;
}

/* Take part in the group: give, and be given. */
static int poll_group(struct pipeline *p, int64_t timeout_us, struct err *e)
{
    struct member_change c;
    int rc = member_poll(p->member, timeout_us, &c, e);

    if (rc < 0) {
        return -1;
    }
    p->settled = c.settled;
    forget_all(p, c.lost, c.nlost);
    rc = finish_revoked(p, &c, e);
    for (size_t i = 0; rc == 0 && i < c.nassigned; i++) {
        rc = add(p, &c.assigned[i], e);
    }
    return rc;
}

static int look_up(struct pipeline *p, struct pipeline_part *part,
                   struct span *s, struct err *e)
{
    int64_t begin;
    int64_t end;

    if (part->until < 0) {
        if (broker_offsets(p->conf.broker, s->topic, s->partition, &begin, &end,
                           e) < 0) {
            return -1;
        }
        part->until = end;
    }
    return part->next < 0 ? sink_position(p->sink, s, &part->next, e) : 0;
}

/* One stretch of one partition; *ret_any when there was something. */
static int step(struct pipeline *p, struct pipeline_part *part, bool *ret_any,
                struct err *e)
{
    struct broker_fetch *f = &part->fetch;
    struct span s = {.topic = part->at.topic,
                     .epoch = part->at.epoch,
                     .partition = part->at.partition};

    if ((part->next < 0 || part->until < 0) && look_up(p, part, &s, e) < 0) {
        return -1;
    }
    s.from = part->next;
    if (member_fetch(p->member, s.topic, s.partition, s.from,
                     PIPELINE_FETCH_BYTES, f, e) < 0) {
        return -1;
    }
    if (f->n == 0) {
        part->next = f->next; /* over what is no record */
        return 0;
    }
    s.to = f->next;
    if (sink_write_messages(p->sink, &s, f->messages, f->n, e) < 0) {
        return -1;
    }
    part->next = s.to;
    p->counts.messages += (int64_t)f->n;
    for (size_t i = 0; i < f->n; i++) {
        p->counts.bytes += (int64_t)f->messages[i].value.len;
    }
    *ret_any = true;
    return 0;
}

/* A stretch of each partition, and the group between them. */
static int sweep(struct pipeline *p, bool once, bool *ret_any, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->nparts; i++) {
        struct pipeline_part *part = &p->parts[i];
        size_t had = p->nparts;

        if (once && part->until >= 0 && part->next >= part->until) {
            continue;
        }
        rc = step(p, part, ret_any, e);
        if (rc < 0) {
            err_wrap(e, "topic \"%s\" partition %" PRId32, part->at.topic,
                     part->at.partition);
        } else {
            rc = poll_group(p, 0, e);
        }
        if (p->nparts < had) {
            break; /* they stand elsewhere now */
        }
    }
    return rc;
}

static bool done(const struct pipeline *p)
{
    for (size_t i = 0; i < p->nparts; i++) {
        if (p->parts[i].until < 0 || p->parts[i].next < p->parts[i].until) {
            return false;
        }
    }
    return p->settled;
}

/* Losing a partition is no fault: what it had is read by its next owner. */
static int bear(struct pipeline *p, int rc, int *fenced, struct err *e)
{
    if (rc == 0) {
        *fenced = 0;
        return 0;
    }
    if (e->code != ERR_FENCED || ++*fenced > FENCED_MAX) {
        return -1;
    }
    start_over(p);
    return 0;
}

int pipeline_share_once(struct pipeline *p, struct err *e)
{
    int64_t until = clock_mono_us() + JOIN_US;
    int fenced = 0;
    int rc = 0;

    while (rc == 0 && !done(p)) {
        bool any = false;

        rc = bear(p, sweep(p, true, &any, e), &fenced, e);
        if (rc == 0 && !any) {
            rc = poll_group(p, PIPELINE_IDLE_US, e);
        }
        if (rc == 0 && !p->settled && clock_mono_us() > until) {
            rc = err_set(e, ERR_TIMEOUT,
                         "group \"%s\" has not given its partitions in time",
                         p->group);
        }
        if (rc == 0 && done(p)) {
            rc = bear(p, sink_commit(p->sink, true, e), &fenced, e);
        }
    }
    return rc;
}

int pipeline_share_follow(struct pipeline *p, bool (*stop)(void), struct err *e)
{
    int64_t committed = clock_mono_us();
    int fenced = 0;
    int rc = 0;

    while (rc == 0 && !stop()) {
        bool any = false;
        int64_t now;

        rc = sweep(p, false, &any, e);
        now = clock_mono_us();
        if (rc == 0 && (!any || now - committed >= p->conf.trigger_us)) {
            rc = sink_commit(p->sink, false, e);
            committed = now;
        }
        rc = bear(p, rc, &fenced, e);
        if (rc == 0 && !any) {
            rc = poll_group(p, PIPELINE_IDLE_US, e);
        }
    }
    return rc < 0 ? -1 : bear(p, sink_commit(p->sink, true, e), &fenced, e);
}
