#include "api/slow.h"

#include "api/api_int.h"
#include "core/mem.h"

enum {
    THREADS = 4,
    JOBS_MAX = 1000, /* that wait */
};

enum job_state {
    JOB_QUEUED,
    JOB_RUNNING,
    JOB_GIVEN_UP,
};

struct slow_job {
    struct slow *all;
    struct http_request *r;
    void (*step)(struct api *a, struct http_request *r);
    void (*then)(struct api *a, struct http_request *r);
    atomic_int state;
    struct slow_job *next;
};

struct slow {
    struct api *api;
    struct mutex lock;
    struct cond woken;
    struct slow_job *first, **last;
    size_t n;
    bool stop;
    struct thread threads[THREADS];
};

static struct slow_job *take(struct slow *s)
{
    struct slow_job *j = NULL;

    mutex_lock(&s->lock);
    while (s->first == NULL && !s->stop) {
        cond_wait(&s->woken, &s->lock);
    }
    if (s->first != NULL) {
        j = s->first;
        s->first = j->next;
        s->last = s->first != NULL ? s->last : &s->first;
        s->n--;
    }
    mutex_unlock(&s->lock);
    return j;
}

static void work(void *arg)
{
    struct slow *s = arg;
    struct slow_job *j;

    while ((j = take(s)) != NULL) {
        int queued = JOB_QUEUED;

        if (atomic_compare_exchange_strong(&j->state, &queued, JOB_RUNNING)) {
            j->step(s->api, j->r);
            server_wake(j->r); /* j is the request's again */
        } else {
            mem_free(j);
        }
    }
}

static void on_end(struct http_request *r)
{
    mem_free(r->work);
    r->work = NULL;
}

/* Under the server's lock. */
static bool on_expire(struct http_request *r)
{
    const struct route *route = r->route;
    struct slow_job *j = r->work;
    int queued = JOB_QUEUED;

    if (!atomic_compare_exchange_strong(&j->state, &queued, JOB_GIVEN_UP)) {
        return false;
    }
    r->work = NULL; /* the thread frees it */
    answer_header(r, "Retry-After", SLICE("1"));
    answer_error(r, route->family, 503, 50302,
                 "the broker does not answer in time");
    return true;
}

/* In the pool; nothing was answered by the step. */
static void on_resume(struct http_request *r)
{
    struct slow_job *j = r->work;
    void (*then)(struct api *a, struct http_request *r) = j->then;
    struct api *a = j->all->api;

    on_end(r);
    r->end = NULL;
    if (then == NULL) {
        answer_broken(r);
    } else {
        then(a, r);
    }
}

static void refuse(struct http_request *r, const char *why)
{
    const struct route *route = r->route;

    on_end(r);
    answer_header(r, "Retry-After", SLICE("1"));
    answer_error(r, route->family, 503, 50302, "%s", why);
}

void slow_do(struct slow *s, struct http_request *r,
             void (*step)(struct api *a, struct http_request *r),
             void (*then)(struct api *a, struct http_request *r))
{
    struct slow_job *j = mem_zero(1, sizeof(*j));

    if (j == NULL) {
        answer_broken(r);
        return;
    }
    *j = (struct slow_job){.all = s, .r = r, .step = step, .then = then};
    atomic_init(&j->state, JOB_QUEUED);
    r->work = j;
    r->end = on_end;
    r->resume = on_resume;
    r->expire = on_expire;
    mutex_lock(&s->lock);
    if (s->n >= JOBS_MAX) {
        refuse(r, "too many requests wait for the broker");
    } else if (!server_suspend(r)) {
        refuse(r, "the server is stopping");
    } else {
        *s->last = j;
        s->last = &j->next;
        s->n++;
        cond_signal(&s->woken);
    }
    mutex_unlock(&s->lock);
}

int slow_start(struct slow **ret, struct api *a, struct err *e)
{
    struct slow *s = mem_zero(1, sizeof(*s));

    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    s->api = a;
    s->last = &s->first;
    mutex_init(&s->lock);
    cond_init(&s->woken);
    for (size_t i = 0; i < THREADS; i++) {
        if (thread_start(&s->threads[i], "http-slow", work, s, e) != 0) {
            slow_free(s);
            return -1;
        }
    }
    *ret = s;
    return 0;
}

void slow_free(struct slow *s)
{
    if (s == NULL) {
        return;
    }
    mutex_lock(&s->lock);
    s->stop = true;
    cond_broadcast(&s->woken);
    mutex_unlock(&s->lock);
    for (size_t i = 0; i < THREADS; i++) {
        thread_join(&s->threads[i]);
    }
    mutex_release(&s->lock);
    cond_release(&s->woken);
    mem_free(s);
}
