#include "api/statement.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/secret.h"
#include "core/thread.h"
#include "flow/worker.h"

enum {
    ROWS_BYTES = 25 << 20, /* INLINE results are no larger */
};

struct statement {
    struct statements *owner;
    struct thread thread;
    char id[STATEMENT_ID];
    char *sql;
    char *tables;
    const struct worker_project *project;
    int64_t timeout_us;
    int64_t row_limit, byte_limit;
    int64_t begun_us;
    int64_t wait_until_us;
    struct http_request *waiting; /* the owner's lock; NULL: nobody */
    atomic_bool cancel;
    enum statement_state state; /* the owner's lock */
    struct buf rows;
    struct err fault;
};

struct statements {
    struct mutex lock;
    struct statement *list[STATEMENTS_MAX]; /* oldest first */
    size_t n;
    atomic_bool closing;
};

int statements_new(struct statements **ret, struct err *e)
{
    struct statements *s = mem_zero(1, sizeof(*s));

    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    mutex_init(&s->lock);
    *ret = s;
    return 0;
}

static void statement_free(struct statement *t)
{
    thread_join(&t->thread);
    buf_release(&t->rows);
    mem_free(t->sql);
    mem_free(t->tables);
    mem_free(t);
}

void statements_stop(struct statements *s)
{
    if (s != NULL) {
        atomic_store(&s->closing, true);
    }
}

void statements_free(struct statements *s)
{
    if (s == NULL) {
        return;
    }
    statements_stop(s);
    for (size_t i = 0; i < s->n; i++) {
        statement_free(s->list[i]);
    }
    mutex_release(&s->lock);
    mem_free(s);
}

static void wake(struct statement *t)
{
    struct http_request *r;

    mutex_lock(&t->owner->lock);
    r = t->waiting;
    t->waiting = NULL;
    mutex_unlock(&t->owner->lock);
    if (r != NULL) {
        server_wake(r);
    }
}

/* Asked while it runs: its client may not want to wait any longer. */
static bool give_up(void *arg)
{
    struct statement *t = arg;

    if (clock_mono_us() >= t->wait_until_us) {
        wake(t);
    }
    return atomic_load(&t->cancel) || atomic_load(&t->owner->closing);
}

static void run_statement(void *arg)
{
    struct statement *t = arg;
    struct worker_request r = {.sql = slice_of(t->sql),
                               .tables = t->tables,
                               .project = t->project,
                               .format = "chunks",
                               .row_limit = t->row_limit,
                               .byte_limit = t->byte_limit,
                               .timeout_us = t->timeout_us,
                               .give_up = give_up,
                               .arg = t};
    struct err fault = {.code = ERR_NONE};
    int rc = worker_run(&r, &t->rows, &fault);

    mutex_lock(&t->owner->lock);
    t->fault = fault;
    t->state = rc == 0                   ? STATEMENT_SUCCEEDED
               : atomic_load(&t->cancel) ? STATEMENT_CANCELED
                                         : STATEMENT_FAILED;
    mutex_unlock(&t->owner->lock);
    wake(t);
}

/* Under the lock: room for one more; what has to go is given back. */
static int make_room(struct statements *s, struct statement **ret_old,
                     struct err *e)
{
    *ret_old = NULL;
    if (s->n < STATEMENTS_MAX) {
        return 0;
    }
    for (size_t i = 0; i < s->n; i++) {
        if (s->list[i]->state != STATEMENT_RUNNING) {
            *ret_old = s->list[i];
            memmove(&s->list[i], &s->list[i + 1],
                    (s->n - i - 1) * sizeof(s->list[0]));
            s->n--;
            return 0;
        }
    }
    return err_set(e, ERR_BUSY, "%d statements are under way; try again later",
                   STATEMENTS_MAX);
}

/* "01234567-89ab-cdef-0123-456789abcdef" */
static int make_id(char id[STATEMENT_ID], struct err *e)
{
    unsigned char b[16];
    size_t at = 0;

    if (secret_random(b, sizeof(b), e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(b); i++) {
        bool dash = i == 4 || i == 6 || i == 8 || i == 10;

        at += (size_t)snprintf(id + at, STATEMENT_ID - at, "%s%02x",
                               dash ? "-" : "", b[i]);
    }
    return 0;
}

static int new_statement(struct statements *s, const struct statement_wish *w,
                         struct statement **ret, struct err *e)
{
    struct statement *t = mem_zero(1, sizeof(*t));

    if (t == NULL) {
        return err_nomem(e, sizeof(*t));
    }
    t->owner = s;
    t->begun_us = clock_mono_us();
    t->wait_until_us = t->begun_us + w->wait_us;
    t->timeout_us = w->timeout_us;
    t->row_limit = w->row_limit;
    t->byte_limit = w->byte_limit;
    t->waiting = w->r;
    t->project = w->project;
    t->sql = mem_text(w->sql.ptr, w->sql.len);
    t->tables = mem_text(w->tables, strlen(w->tables));
    buf_init(&t->rows, ROWS_BYTES);
    if (t->sql == NULL || t->tables == NULL) {
        statement_free(t);
        return err_nomem(e, w->sql.len);
    }
    if (make_id(t->id, e) < 0) {
        statement_free(t);
        return -1;
    }
    *ret = t;
    return 0;
}

int statements_begin(struct statements *s, const struct statement_wish *w,
                     char ret_id[STATEMENT_ID], struct err *e)
{
    struct statement *old = NULL;
    struct statement *t = NULL;
    int rc = new_statement(s, w, &t, e);

    if (rc == 0) {
        /* the request may be answered before this returns */
        memcpy(ret_id, t->id, STATEMENT_ID);
        mutex_lock(&s->lock);
        rc = make_room(s, &old, e);
        if (rc == 0) {
            rc = thread_start(&t->thread, "statement", run_statement, t, e);
        }
        if (rc == 0) {
            s->list[s->n++] = t;
        }
        mutex_unlock(&s->lock);
    }
    if (old != NULL) {
        statement_free(old);
    }
    if (rc < 0 && t != NULL) {
        statement_free(t);
    }
    return rc;
}

bool statements_unwait(struct statements *s, const struct http_request *r)
{
    bool waited = false;

    mutex_lock(&s->lock);
    for (size_t i = 0; i < s->n; i++) {
        if (s->list[i]->waiting == r) {
            s->list[i]->waiting = NULL;
            waited = true;
        }
    }
    mutex_unlock(&s->lock);
    return waited;
}

/* NULL, and the error, where there is none. */
static struct statement *find(struct statements *s, struct slice id,
                              struct err *e)
{
    for (size_t i = 0; i < s->n; i++) {
        if (slice_is(id, s->list[i]->id)) {
            return s->list[i];
        }
    }
    (void)err_set(e, ERR_NOTFOUND, "there is no statement \"%.*s\"",
                  SLICE_FMT(id));
    return NULL;
}

/* A line of the result; none: empty. */
static struct slice line_of(const struct statement *t, int64_t n)
{
    struct slice rest = buf_slice(&t->rows);
    struct slice line = {0};

    while (n-- >= 0) {
        if (!slice_cut(&rest, '\n', &line)) {
            return (struct slice){0};
        }
    }
    return line;
}

int statements_look(struct statements *s, struct slice id,
                    enum statement_state *ret, struct buf *b, struct err *fault,
                    struct err *e)
{
    const struct statement *t;
    int rc = -1;

    mutex_lock(&s->lock);
    t = find(s, id, e);
    if (t != NULL) {
        *ret = t->state;
        *fault = t->fault;
        rc = t->state == STATEMENT_SUCCEEDED ? buf_append(b, line_of(t, 0), e)
                                             : 0;
    }
    mutex_unlock(&s->lock);
    return rc;
}

int statements_chunk(struct statements *s, struct slice id, int64_t chunk,
                     struct buf *b, struct err *e)
{
    const struct statement *t;
    struct slice rows = {0};
    int rc = -1;

    mutex_lock(&s->lock);
    t = find(s, id, e);
    if (t != NULL && t->state == STATEMENT_SUCCEEDED && chunk >= 0 &&
        (uint64_t)chunk < t->rows.len) {
        rows = line_of(t, chunk + 1);
    }
    if (rows.len > 0) {
        rc = buf_append(b, rows, e);
    } else if (t != NULL) {
        rc =
            err_set(e, ERR_NOTFOUND, "statement \"%.*s\" has no chunk %" PRId64,
                    SLICE_FMT(id), chunk);
    }
    mutex_unlock(&s->lock);
    return rc;
}

int statements_cancel(struct statements *s, struct slice id, struct err *e)
{
    struct statement *t;

    mutex_lock(&s->lock);
    t = find(s, id, e);
    if (t != NULL) {
        atomic_store(&t->cancel, true);
    }
    mutex_unlock(&s->lock);
    return t != NULL ? 0 : -1;
}
