#include "api/consumers.h"

#include <stdio.h>
#include <string.h>

#include "api/consumers_int.h"
#include "core/clock.h"
#include "core/mem.h"

enum {
    JOBS_MAX = 64,       /* that wait at one instance */
    ARENA_MAX = 16 << 20 /* of what one request asks for */
};

/* ---- instances ---- */

void consumers_release(struct consumer_instance *i)
{
    if (atomic_fetch_sub(&i->refs, 1) == 1) {
        mem_free(i);
    }
}

static size_t find(const struct consumers *cs, struct slice group,
                   struct slice name)
{
    for (size_t k = 0; k < cs->n; k++) {
        if (slice_is(group, cs->list[k]->group) &&
            slice_is(name, cs->list[k]->name)) {
            return k;
        }
    }
    return cs->n;
}

/* No request finds it any more. */
void consumers_unregister(struct consumers *cs, struct consumer_instance *i)
{
    mutex_lock(&cs->lock);
    for (size_t k = 0; k < cs->n; k++) {
        if (cs->list[k] == i) {
            cs->list[k] = cs->list[--cs->n];
            i->w->n--;
            break;
        }
    }
    mutex_unlock(&cs->lock);
}

static struct consumers_worker *least(struct consumers *cs)
{
    struct consumers_worker *ret = &cs->workers[0];

    for (size_t k = 1; k < CONSUMERS_WORKERS; k++) {
        if (cs->workers[k].n < ret->n) {
            ret = &cs->workers[k];
        }
    }
    return ret;
}

static void wake(struct consumers_worker *w)
{
    mutex_lock(&w->lock);
    w->awake = true;
    cond_signal(&w->woken);
    mutex_unlock(&w->lock);
}

static int add(struct consumers *cs, struct consumer_instance *i, struct err *e)
{
    if (atomic_load(&cs->stopping)) {
        return err_set(e, ERR_BUSY, "the server is stopping");
    }
    if (find(cs, slice_of(i->group), slice_of(i->name)) < cs->n) {
        return err_set(e, ERR_EXISTS,
                       "Consumer with specified consumer ID already exists in "
                       "the specified consumer group.");
    }
    if (cs->n == cs->max) {
        return err_set(e, ERR_LIMIT,
                       "there are %zu consumer instances already, which is "
                       "consumers.max; delete one, or wait until idle ones "
                       "expire",
                       cs->max);
    }
    cs->list[cs->n++] = i;
    i->w = least(cs);
    i->w->n++;
    return 0;
}

int consumers_create(struct consumers *cs, const struct consumer_conf *conf,
                     const struct consumer_body_create *body, struct err *e)
{
    struct consumer_instance *i = mem_zero(1, sizeof(*i));
    int rc;

    if (i == NULL || consumer_new(&i->c, cs->api->broker, conf, e) != 0) {
        mem_free(i);
        return i == NULL ? err_nomem(e, sizeof(*i)) : -1;
    }
    (void)snprintf(i->group, sizeof(i->group), "%s", conf->group);
    (void)snprintf(i->name, sizeof(i->name), "%s", conf->name);
    i->conf = *body;
    i->conf.name = i->name;
    i->used_us = clock_mono_us();
    atomic_init(&i->refs, 1);
    mutex_lock(&cs->lock);
    rc = add(cs, i, e);
    mutex_unlock(&cs->lock);
    if (rc != 0) {
        atomic_fetch_add(&cs->refused, 1);
        consumer_free(i->c, false);
        mem_free(i);
        return -1;
    }
    atomic_fetch_add(&cs->created, 1);
    mutex_lock(&i->w->lock);
    i->next = i->w->first;
    i->w->first = i;
    mutex_unlock(&i->w->lock);
    wake(i->w);
    return 0;
}

/* ---- jobs ---- */

struct consumer_job *consumers_job(struct http_request *r, struct err *e)
{
    struct consumer_job *j = mem_zero(1, sizeof(*j));

    if (j == NULL) {
        (void)err_nomem(e, sizeof(*j));
        return NULL;
    }
    j->r = r;
    arena_init(&j->arena, ARENA_MAX);
    return j;
}

void consumers_job_free(struct consumer_job *j)
{
    if (j != NULL) {
        arena_release(&j->arena);
        mem_free(j);
    }
}

size_t consumers_room(const struct consumers *cs, size_t asked)
{
    long long left = (long long)cs->api->conf.budget - atomic_load(&cs->held);

    /* base64 and names make it more than the bytes of the records */
    left /= 4;
    return left < 1 ? 1 : asked < (size_t)left ? asked : (size_t)left;
}

/* The request is over: a read's instance may go on. */
static void on_end(struct http_request *r)
{
    struct consumer_job *j = r->work;
    struct consumer_instance *i;

    r->work = NULL;
    if (j == NULL) {
        return;
    }
    i = j->i;
    if (i != NULL) {
        atomic_fetch_sub(&i->w->all->held, (long long)j->held);
    }
    if (i != NULL && j->is_read) {
        mutex_lock(&i->w->lock);
        i->sending = false;
        i->unsent = !r->sent;
        i->w->awake = true;
        cond_signal(&i->w->woken);
        mutex_unlock(&i->w->lock);
    }
    if (i != NULL) {
        consumers_release(i);
    }
    consumers_job_free(j);
}

/* Under the server's lock. */
static bool on_expire(struct http_request *r)
{
    struct consumer_job *j = r->work;
    int queued = JOB_QUEUED;

    if (!atomic_compare_exchange_strong(&j->state, &queued, JOB_GIVEN_UP)) {
        return false;
    }
    r->work = NULL; /* the instance's thread frees it */
    answer_header(r, "Retry-After", SLICE("1"));
    answer_error(r, FAMILY_KAFKA, 503, 50302,
                 "the consumer is busy with an earlier request");
    return true;
}

/* Every answer was filled in before the wake. */
static void on_resume(struct http_request *r)
{
    answer_broken(r);
}

static void refuse(struct consumer_job *j, bool gone, bool full)
{
    j->is_read = false;
    if (gone) {
        answer_error(j->r, FAMILY_KAFKA, 404, 40403,
                     "Consumer instance not found.");
        return;
    }
    answer_header(j->r, "Retry-After", SLICE("1"));
    if (full) {
        answer_error(j->r, FAMILY_KAFKA, 429, 42901,
                     "too many requests wait for this consumer");
    } else {
        answer_error(j->r, FAMILY_KAFKA, 503, 50302, "the server is stopping");
    }
}

void consumers_do(struct consumers *cs, struct slice group, struct slice name,
                  struct consumer_job *j)
{
    struct consumer_instance *i = NULL;
    struct http_request *r = j->r;
    struct consumer_job **at;
    size_t k;

    mutex_lock(&cs->lock);
    k = find(cs, group, name);
    if (k < cs->n) {
        i = cs->list[k];
        atomic_fetch_add(&i->refs, 1);
    }
    mutex_unlock(&cs->lock);
    if (i == NULL) {
        consumers_job_free(j);
        answer_error(r, FAMILY_KAFKA, 404, 40403,
                     "Consumer instance not found.");
        return;
    }
    j->i = i;
    j->all = cs;
    atomic_store(&j->state, JOB_QUEUED);
    r->work = j;
    r->receipt = j->is_read;
    r->end = on_end;
    r->resume = on_resume;
    r->expire = on_expire;
    mutex_lock(&i->w->lock);
    if (i->swept || i->n_jobs >= JOBS_MAX || !server_suspend(r)) {
        refuse(j, i->swept, i->n_jobs >= JOBS_MAX);
        mutex_unlock(&i->w->lock);
        return;
    }
    for (at = &i->jobs; *at != NULL; at = &(*at)->next) {
    }
    *at = j;
    i->n_jobs++;
    i->w->awake = true;
    cond_signal(&i->w->woken);
    mutex_unlock(&i->w->lock);
}

void consumers_kick(struct consumers *cs)
{
    for (size_t k = 0; k < CONSUMERS_WORKERS; k++) {
        if (atomic_load(&cs->workers[k].waiting) > 0) {
            wake(&cs->workers[k]);
        }
    }
}

/* ---- start and stop ---- */

int consumers_start(struct consumers **ret, struct api *a, struct err *e)
{
    struct consumers *cs = mem_zero(1, sizeof(*cs));

    if (cs == NULL) {
        return err_nomem(e, sizeof(*cs));
    }
    cs->api = a;
    cs->max = (size_t)a->conf.consumers_max;
    mutex_init(&cs->lock);
    for (size_t k = 0; k < CONSUMERS_WORKERS; k++) {
        cs->workers[k].all = cs;
        mutex_init(&cs->workers[k].lock);
        cond_init(&cs->workers[k].woken);
    }
    cs->list = mem_zero(cs->max, sizeof(struct consumer_instance *));
    if (cs->list == NULL) {
        (void)err_nomem(e, cs->max);
        consumers_free(cs);
        return -1;
    }
    for (size_t k = 0; k < CONSUMERS_WORKERS; k++) {
        if (thread_start(&cs->workers[k].thread, "http-consumer",
                         consumers_work, &cs->workers[k], e) != 0) {
            consumers_free(cs);
            return -1;
        }
    }
    *ret = cs;
    return 0;
}

void consumers_stop(struct consumers *cs)
{
    if (cs == NULL) {
        return;
    }
    atomic_store(&cs->stopping, true);
    for (size_t k = 0; k < CONSUMERS_WORKERS; k++) {
        wake(&cs->workers[k]);
    }
}

void consumers_free(struct consumers *cs)
{
    if (cs == NULL) {
        return;
    }
    for (size_t k = 0; k < CONSUMERS_WORKERS; k++) {
        struct consumers_worker *w = &cs->workers[k];

        mutex_lock(&w->lock);
        w->stop = true;
        cond_signal(&w->woken);
        mutex_unlock(&w->lock);
    }
    for (size_t k = 0; k < CONSUMERS_WORKERS; k++) {
        struct consumers_worker *w = &cs->workers[k];

        thread_join(&w->thread);
        while (w->first != NULL) {
            struct consumer_instance *i = w->first;

            w->first = i->next;
            consumer_free(i->c, false);
            i->c = NULL;
            consumers_release(i);
        }
        mutex_release(&w->lock);
        cond_release(&w->woken);
    }
    mutex_release(&cs->lock);
    mem_free(cs->list);
    mem_free(cs);
}

/* ---- counting ---- */

void consumers_count(struct consumers *cs, const struct consumer_read *r)
{
    atomic_fetch_add(&cs->reads, 1);
    atomic_fetch_add(&cs->records, r->n);
    if (r->repeated) {
        atomic_fetch_add(&cs->repeated, 1);
    }
}

void consumers_stats(struct consumers *cs, struct consumers_stats *ret)
{
    *ret = (struct consumers_stats){
        .created = atomic_load(&cs->created),
        .refused = atomic_load(&cs->refused),
        .expired = atomic_load(&cs->expired),
        .reads = atomic_load(&cs->reads),
        .records = atomic_load(&cs->records),
        .repeated = atomic_load(&cs->repeated),
        .unsent = atomic_load(&cs->unsent),
    };
    mutex_lock(&cs->lock);
    ret->instances = (int64_t)cs->n;
    mutex_unlock(&cs->lock);
    for (size_t k = 0; k < CONSUMERS_WORKERS; k++) {
        ret->waiting += atomic_load(&cs->workers[k].waiting);
    }
}
