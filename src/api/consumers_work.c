/* consumers_work.c - what a thread of instances does, turn by turn. */
#include "api/consumers_int.h"
#include "core/clock.h"

enum {
    LOOK_US = 25000,   /* how often a read looks for records of others */
    TICK_US = 1000000, /* how often an instance follows its group */
    HOLD_US = 15000000 /* for a group to settle */
};

static void pop(struct consumer_instance *i)
{
    mutex_lock(&i->w->lock);
    i->jobs = i->jobs->next;
    i->n_jobs--;
    mutex_unlock(&i->w->lock);
}

static void end_instance(struct consumer_instance *i, bool received)
{
    consumer_free(i->c, received);
    i->c = NULL;
    consumers_unregister(i->w->all, i);
}

/* Run the job, which is RUNNING. */
static enum consumer_done run(struct consumer_instance *i,
                              struct consumer_job *j)
{
    struct api *a = i->w->all->api;
    int64_t now = clock_mono_us();
    int64_t most = a->conf.answer_us / 4 * 3;

    if (i->c == NULL) {
        answer_error(j->r, FAMILY_KAFKA, 404, 40403,
                     "Consumer instance not found.");
        return CONSUMER_DONE;
    }
    if (j->begun_us == 0) {
        j->begun_us = now;
        j->conf = &i->conf;
        j->hold_us = most < HOLD_US ? most : HOLD_US;
        if (!j->has_timeout || j->timeout_us > most) {
            j->timeout_us = most;
        }
    }
    if (atomic_load(&i->w->all->stopping)) {
        j->hold_us = 0;
        j->timeout_us = 0;
    }
    return j->run(j, i->c);
}

/* The first job of the instance; false when it must wait, or there is none. */
static bool serve_one(struct consumer_instance *i, struct consumer_job *j)
{
    struct consumers *cs = i->w->all;
    int queued = JOB_QUEUED;
    enum consumer_done done;
    bool is_read;

    if (!atomic_compare_exchange_strong(&j->state, &queued, JOB_RUNNING)) {
        pop(i);
        consumers_release(i);
        consumers_job_free(j);
        return true;
    }
    done = run(i, j);
    if (done == CONSUMER_WAIT) {
        atomic_store(&j->state, JOB_QUEUED);
        return false;
    }
    is_read = j->is_read;
    i->used_us = clock_mono_us();
    pop(i);
    if (done == CONSUMER_GONE) {
        end_instance(i, true);
    }
    if (is_read) {
        j->held = j->r->answer.body.len;
        atomic_fetch_add(&cs->held, (long long)j->held);
        mutex_lock(&i->w->lock);
        i->sending = true;
        mutex_unlock(&i->w->lock);
    }
    atomic_store(&j->state, JOB_DONE);
    server_wake(j->r);
    return !is_read; /* j is the request's now */
}

/* What the worker's lock keeps: the next job, unless an answer is on its way. */
static struct consumer_job *next_job(struct consumer_instance *i,
                                     bool *ret_unsent, bool *ret_sending)
{
    struct consumer_job *j;

    mutex_lock(&i->w->lock);
    *ret_unsent = i->unsent;
    *ret_sending = i->sending;
    i->unsent = false;
    j = i->sending ? NULL : i->jobs;
    mutex_unlock(&i->w->lock);
    return j;
}

/* Returns when it wants to be looked at again. */
static int64_t serve(struct consumer_instance *i, int64_t now)
{
    struct consumers *cs = i->w->all;
    struct consumer_job *j;
    bool sending;
    bool unsent;
    bool waits = false;

    for (;;) {
        j = next_job(i, &unsent, &sending);
        if (unsent && i->c != NULL) {
            atomic_fetch_add(&cs->unsent, 1);
            consumer_unread(i->c);
        }
        if (j == NULL) {
            break;
        }
        if (!serve_one(i, j)) {
            waits = true;
            break;
        }
    }
    if (i->c == NULL) {
        return INT64_MAX;
    }
    if (now >= i->tick_us || waits) {
        /* what it could not do is told by the next job that needs it */
        (void)!consumer_tick(i->c, NULL);
        i->tick_us = now + (consumer_settled(i->c) ? TICK_US : LOOK_US);
    }
    if (j == NULL && !sending &&
        now >= i->used_us + cs->api->conf.consumers_idle_us) {
        atomic_fetch_add(&cs->expired, 1);
        end_instance(i, false);
        return now;
    }
    return waits ? now + LOOK_US : i->tick_us;
}

/* Take out the instances that are gone; nobody can find them any more. */
static void sweep(struct consumers_worker *w)
{
    struct consumer_instance **at = &w->first;

    while (*at != NULL) {
        struct consumer_instance *i = *at;

        if (i->c == NULL && i->jobs == NULL && !i->sending) {
            *at = i->next;
            i->swept = true;
            consumers_release(i);
        } else {
            at = &i->next;
        }
    }
}

void consumers_work(void *arg)
{
    struct consumers_worker *w = arg;

    mutex_lock(&w->lock);
    while (!w->stop) {
        int64_t next = INT64_MAX;
        int waiting = 0;

        w->awake = false;
        for (struct consumer_instance *i = w->first; i != NULL; i = i->next) {
            int64_t due;

            mutex_unlock(&w->lock);
            due = serve(i, clock_mono_us());
            mutex_lock(&w->lock);
            waiting += i->jobs != NULL;
            next = due < next ? due : next;
        }
        sweep(w);
        atomic_store(&w->waiting, waiting);
        if (w->awake || w->stop) {
            continue;
        }
        if (next == INT64_MAX) {
            cond_wait(&w->woken, &w->lock);
        } else {
            (void)cond_wait_until(&w->woken, &w->lock, next);
        }
    }
    mutex_unlock(&w->lock);
}
