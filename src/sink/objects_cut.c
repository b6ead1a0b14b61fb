/*
 * objects_cut.c - ranges of a topic partition: begun, cut, planned, put by the
 * crew, and done in order.
 */
#include <string.h>

#include "core/inject.h"
#include "sink/objects_int.h"

int objects_begin(struct objects_part *p, struct err *e)
{
    p->open = objects_job_new(e);
    if (p->open == NULL) {
        return -1;
    }
    p->open->from = p->next;
    p->open->to = p->next;
    p->place[0] = '\0';
    return 0;
}

/* --- ranges that were cut ------------------------------------------------------------ */

static struct span range(const struct objects_part *p,
                         const struct objects_job *j)
{
    return (struct span){p->topic, p->epoch, p->partition, j->from, j->to};
}

static void add_to_plan(struct sink_plan *plan, int64_t to, int64_t wall_us)
{
    if (plan->n < SINK_PLAN_MAX) {
        plan->to[plan->n] = to;
        plan->wall_us[plan->n] = wall_us;
        plan->n++;
    }
}

/* What is planned behind `first`: cut ranges, then a former run's. */
static struct sink_plan plan_from(const struct objects_part *p,
                                  const struct objects_job *first)
{
    struct sink_plan plan = {0};

    for (; first != NULL; first = first->next) {
        add_to_plan(&plan, first->to, first->wall_us);
    }
    for (size_t i = 0; i < p->plan.n; i++) {
        add_to_plan(&plan, p->plan.to[i], p->plan.wall_us[i]);
    }
    return plan;
}

/* The oldest range is in the store: store the position behind it. */
static int finish(struct objects *o, struct objects_part *p, struct err *e)
{
    const struct sink_hooks *h = &o->conf.hooks;
    struct objects_job *j = p->head;
    struct span s = range(p, j);
    struct sink_plan rest;

    if (j->rc < 0) {
        if (e != NULL) {
            *e = j->err;
        }
        return -1;
    }
    INJECT(objects_before_commit);
    rest = plan_from(p, j->next);
    if (h->done(h->arg, &s, &j->counts, &rest, e) < 0) {
        return -1;
    }
    p->head = j->next;
    if (p->head == NULL) {
        p->tail = &p->head;
    }
    p->cut--;
    objects_job_free(j);
    return 0;
}

/* Those that are finished; wait: the oldest first, until `left` remain. */
int objects_reap(struct objects *o, struct objects_part *p, bool wait,
                 size_t left, struct err *e)
{
    while (p->head != NULL && p->head->given) {
        bool must = wait && p->cut > left;

        if (!objects_crew_finished(o->crew, p->head, must)) {
            break;
        }
        if (finish(o, p, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int name_texts(const struct objects *o, const struct objects_part *p,
                      struct objects_job *j, struct err *e)
{
    struct span s = range(p, j);

    for (size_t i = 0; i < j->n; i++) {
        struct objects_text *t = &j->texts[i];

        if (o->conf.array) {
            if (buf_puts(&t->bytes, "]\n", e) < 0) {
                return -1;
            }
            j->bytes += 2;
        }
        s.from = t->first;
        if (sink_objects_key(&o->namer.o, &s, t->encoded, o->conf.gzip, t->key,
                             e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Plan what is not planned, and give all of it to the crew. */
int objects_send(struct objects *o, struct objects_part *p, struct err *e)
{
    const struct sink_hooks *h = &o->conf.hooks;
    bool planned = true;

    for (const struct objects_job *j = p->head; j != NULL; j = j->next) {
        planned = planned && j->planned;
    }
    if (!planned) {
        struct sink_plan plan = plan_from(p, p->head);
        struct span s = range(p, p->head);

        INJECT(objects_before_plan);
        if (h->plan(h->arg, &s, &plan, e) < 0) {
            return -1;
        }
    }
    for (struct objects_job *j = p->head; j != NULL; j = j->next) {
        j->planned = true;
        if (!j->given) {
            objects_crew_give(o->crew, j);
        }
    }
    return 0;
}

/* Forget what is planned up to p->next; whether that ended right there. */
bool objects_pass_plan(struct objects_part *p)
{
    bool hit = false;

    while (p->plan.n > 0 && p->plan.to[0] <= p->next) {
        hit = p->plan.to[0] == p->next;
        p->plan.n--;
        memmove(p->plan.to, p->plan.to + 1, p->plan.n * sizeof(*p->plan.to));
        memmove(p->plan.wall_us, p->plan.wall_us + 1,
                p->plan.n * sizeof(*p->plan.wall_us));
    }
    return hit;
}

/* End the open range at p->next and begin the next one. */
int objects_cut(struct objects *o, struct objects_part *p, struct err *e)
{
    struct objects_job *j = p->open;

    if (p->cut >= SINK_PLAN_MAX - 1 &&
        (objects_send(o, p, e) < 0 ||
         objects_reap(o, p, true, SINK_PLAN_MAX - 2, e) < 0)) {
        return -1;
    }
    j->to = p->next;
    o->open_bytes -= objects_job_held(j);
    if (name_texts(o, p, j, e) < 0 || objects_begin(p, e) < 0) {
        return -1;
    }
    j->planned = objects_pass_plan(p);
    *p->tail = j;
    p->tail = &j->next;
    p->cut++;
    return 0;
}

static struct objects_part *largest(const struct objects *o)
{
    struct objects_part *p = NULL;

    for (size_t i = 0; i < o->n; i++) {
        struct objects_part *at = o->parts[i];

        /* a range that a former run planned ends where that said */
        if (at->plan.n == 0 && at->open->bytes > 0 &&
            (p == NULL || at->open->bytes > p->open->bytes)) {
            p = at;
        }
    }
    return p;
}

/* Half of it is for open ranges: of more the largest end early, which is
 * planned as any other end.  Then the store is waited for. */
int objects_make_room(struct objects *o, struct err *e)
{
    size_t most = (size_t)o->namer.o.memory_bytes;

    while (o->open_bytes + objects_crew_bytes(o->crew, SIZE_MAX) > most) {
        struct objects_part *p = o->open_bytes > most / 2 ? largest(o) : NULL;

        if (p != NULL &&
            (objects_cut(o, p, e) < 0 || objects_send(o, p, e) < 0)) {
            return -1;
        }
        (void)objects_crew_bytes(
            o->crew, o->open_bytes < most ? most - o->open_bytes : 0);
        if (p == NULL) {
            break;
        }
    }
    return 0;
}
