#include "flow/emulator_int.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/num.h"
#include "core/stop.h"

enum {
    TICK_US = 200000,
    LANDING_US = 5000000, /* for answers, when asked to stop */
    SAID_BYTES = 150,     /* of a server's refusal are told */
    FIRST_US = 10000000   /* how long a server may need to be there at all */
};

static const struct retry_policy default_policy = {.deadline_us = 60000000};

static struct emulator_table_counts *counts_of(struct emulator *m,
                                               const struct emulator_post *p)
{
    return &m->counts->table[p->table];
}

static struct emulator_post *take_free(struct emulator *m)
{
    for (size_t i = 0; i < m->nposts; i++) {
        struct emulator_post *p = &m->posts[i];

        if (p->state == POST_FREE) {
            p->state = POST_FILLING;
            p->n = 0;
            p->lost = false;
            buf_clear(&p->rows);
            m->nfree--;
            return p;
        }
    }
    return NULL;
}

/* A new key for what the post holds now. */
static int new_key(struct emulator *m, struct emulator_post *p, struct err *e)
{
    const char *text;

    buf_clear(&p->key);
    if (buf_putf(&p->key, e, "Idempotency-Key: %016llx-%llu",
                 (unsigned long long)m->run_id,
                 (unsigned long long)++m->keys) != 0) {
        return -1;
    }
    return buf_text(&p->key, &text, e);
}

static int make_ready(struct emulator *m, size_t table, struct err *e)
{
    struct emulator_post *p = m->filling[table];

    if (p == NULL) {
        return 0;
    }
    if (m->contract->compose(p, m->conf, buf_slice(&m->cookie), e) != 0 ||
        new_key(m, p, e) != 0) {
        return -1;
    }
    retry_init(&p->retry,
               m->conf->retry != NULL ? m->conf->retry : &default_policy,
               m->run_id + m->keys);
    m->filling[table] = NULL;
    p->state = POST_READY;
    p->next = NULL;
    if (m->ready == NULL) {
        m->ready = p;
    } else {
        m->ready_last->next = p;
    }
    m->ready_last = p;
    m->nready++;
    return 0;
}

/* Row n of a table into the table's filling post; *ret_any when there is one. */
static int take_row(struct emulator *m, size_t table, int64_t n, bool *ret_any,
                    struct err *e)
{
    struct emulator_post *p = m->filling[table];
    bool json = true;
    struct err local;

    buf_clear(&m->scratch);
    if (source_row(m->conf->source, table, n, &m->scratch, &json, &local) !=
        0) {
        if (local.code == ERR_NOTFOUND) {
            return 0;
        }
        if (e != NULL) {
            *e = local;
        }
        return -1;
    }
    *ret_any = true;
    if (p != NULL && p->json != json) {
        if (make_ready(m, table, e) != 0) {
            return -1;
        }
        p = NULL;
    }
    if (p == NULL) {
        p = take_free(m);
        assert(p != NULL); /* draw_rows() sees to it */
        p->table = table;
        p->json = json;
        m->filling[table] = p;
    }
    if (buf_append(&p->rows, buf_slice(&m->scratch), e) != 0) {
        return -1;
    }
    p->ends[p->n++] = p->rows.len;
    if (p->n == m->per_request || p->rows.len >= EMULATOR_REQUEST_BYTES) {
        return make_ready(m, table, e);
    }
    return 0;
}

static int end_draws(struct emulator *m, struct err *e)
{
    m->ended = true;
    for (size_t t = 0; t < m->conf->ntables; t++) {
        if (make_ready(m, t, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static bool may_draw(const struct emulator *m)
{
    /* a table may need two posts: one JSON and one binary */
    if (m->ended || m->nfree < 2 * m->conf->ntables) {
        return false;
    }
    if (m->draw.interval_ns < 0) { /* pauses begin when all is posted */
        return m->flying + m->nready + m->nwaiting == 0;
    }
    return m->nready < m->in_flight;
}

/* Draw and take rows that are due, as long as there is room. */
static int draw_rows(struct emulator *m, struct err *e)
{
    while (may_draw(m)) {
        bool any = false;

        if (!m->pending) {
            m->row = emulator_draw_next(&m->draw, &m->due_us);
            m->pending = true;
        }
        if (m->row < 0) {
            return end_draws(m, e);
        }
        if (!m->max_pace && m->due_us > clock_mono_us()) {
            return 0;
        }
        m->pending = false;
        for (size_t t = 0; t < m->conf->ntables; t++) {
            if (!m->conf->tables[t].skip &&
                take_row(m, t, m->row, &any, e) != 0) {
                return -1;
            }
        }
        if (!any && m->draw.source_rows < 0) {
            return end_draws(m, e); /* the end of a source that has no count */
        }
        m->counts->drawn += any ? 1 : 0;
    }
    return 0;
}

static int fly(struct emulator *m, struct emulator_post *p, struct err *e)
{
    const struct emulator_contract *c = m->contract;
    struct http_request r = {
        .method = c->method,
        .url = p->url.ptr,
        .body = buf_slice(&p->body),
        .user = p,
        .headers = {p->key.ptr, c->type[p->json ? 0 : 1]},
    };
    size_t headers = 2;

    if (c->accept != NULL) {
        r.headers[headers++] = c->accept;
    }
    if (m->token.len > 0) {
        r.headers[headers++] = m->token.ptr;
    }
    if (c->sign != NULL) {
        if (c->sign(p, e) != 0) {
            return -1;
        }
        headers = 1; /* the signature has its own Content-Type */
        for (size_t at = 0; at < p->heads.len && headers < HTTP_HEADERS_MAX;
             at += strlen(p->heads.ptr + at) + 1) {
            r.headers[headers++] = p->heads.ptr + at;
        }
    }
    if (http_client_start(m->client, &r, e) != 0) {
        return -1;
    }
    p->state = POST_FLYING;
    m->flying++;
    m->counts->requests++;
    return 0;
}

static int start_waiting(struct emulator *m, struct err *e)
{
    int64_t now = clock_mono_us();

    for (size_t i = 0; m->nwaiting > 0 && i < m->nposts; i++) {
        struct emulator_post *p = &m->posts[i];

        if (p->state == POST_WAITING && p->due_us <= now &&
            m->flying < m->in_flight) {
            m->nwaiting--;
            m->counts->retries++;
            if (fly(m, p, e) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int start_ready(struct emulator *m, struct err *e)
{
    struct emulator_post **at = &m->ready;
    struct emulator_post *before = NULL;

    while (*at != NULL && m->flying + m->nwaiting < m->in_flight) {
        struct emulator_post *p = *at;

        if (m->in_order && m->outstanding[p->table] > 0) {
            before = p;
            at = &p->next;
            continue;
        }
        *at = p->next;
        if (m->ready_last == p) {
            m->ready_last = before;
        }
        m->nready--;
        m->outstanding[p->table]++;
        if (fly(m, p, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static void set_free(struct emulator *m, struct emulator_post *p)
{
    if (p->state == POST_FLYING || p->state == POST_WAITING) {
        m->outstanding[p->table]--;
    }
    p->state = POST_FREE;
    m->nfree++;
}

static void count_lost(struct emulator *m, const struct emulator_post *p)
{
    if (p->lost && !m->counts->idempotent) {
        counts_of(m, p)->uncertain += (int64_t)p->n;
    }
}

static void count_taken(struct emulator *m, const struct emulator_post *p,
                        size_t n, size_t bytes)
{
    struct emulator_table_counts *c = counts_of(m, p);

    c->posted += (int64_t)n;
    c->binary += p->json ? 0 : (int64_t)n;
    c->bytes += (int64_t)bytes;
    if (m->conf->progress != NULL) {
        progress_add(m->conf->progress, (int64_t)n);
    }
}

static void give_up(struct emulator *m, struct emulator_post *p)
{
    count_lost(m, p);
    counts_of(m, p)->unsent += (int64_t)p->n;
    set_free(m, p);
}

/* How much of an answer's words is told. */
static int said(const struct http_answer *a)
{
    return a->body.len < SAID_BYTES ? (int)a->body.len : SAID_BYTES;
}

static void note_refusal(struct emulator *m, const struct http_answer *a)
{
    char *text = m->counts->refusal;

    if (text[0] == '\0') {
        (void)snprintf(text, sizeof(m->counts->refusal), "status %d: %.*s",
                       a->status, said(a), said(a) > 0 ? a->body.ptr : "");
    }
}

/* Keep the records that are to be tried again; count the others. */
static int keep_failed(struct emulator *m, struct emulator_post *p,
                       struct err *e)
{
    size_t kept = 0;
    size_t from = 0;
    size_t len = 0;

    for (size_t i = 0; i < p->n; i++) {
        size_t end = p->ends[i];

        if (m->bad[i] == 1) {
            memmove(p->rows.ptr + len, p->rows.ptr + from, end - from);
            len += end - from;
            p->ends[kept++] = len;
        } else if (m->bad[i] == 2) {
            counts_of(m, p)->refused++;
        } else {
            count_taken(m, p, 1, end - from);
        }
        from = end;
    }
    p->n = kept;
    p->rows.len = len;
    if (kept == 0) {
        return 0;
    }
    /* what is sent now differs: the old key would be refused */
    if (m->contract->compose(p, m->conf, buf_slice(&m->cookie), e) != 0) {
        return -1;
    }
    return new_key(m, p, e);
}

static enum emulator_verdict judge(struct emulator *m, struct emulator_post *p,
                                   const struct http_answer *a)
{
    if (a->status >= 200 && a->status < 300) {
        return m->contract->judge(p, a->body, m->bad);
    }
    if (a->status == 401 || a->status == 403) {
        return VERDICT_DENIED;
    }
    if (a->status == 408 || a->status == 429 || a->status >= 500) {
        return VERDICT_AGAIN;
    }
    return VERDICT_REFUSED;
}

/* After an attempt that may be repeated: wait, or fail when it is enough. */
static int try_again(struct emulator *m, struct emulator_post *p,
                     const struct http_answer *a, struct err *e)
{
    enum err_code code = a->status == 0 ? a->err.code : ERR_BUSY;
    struct slice after = {"", 0};
    int64_t seconds = 0;
    int64_t wait = 0;

    p->state = POST_WAITING;
    m->nwaiting++;
    if (!retry_next(&p->retry, code, &wait) ||
        (!m->answered && clock_mono_us() - m->draw.started_us > FIRST_US)) {
        if (a->status == 0 && e != NULL) {
            *e = a->err;
        } else {
            (void)err_set(e, ERR_CONNECT,
                          "could not post to \"%s\": status %d after %u "
                          "attempts: %.*s",
                          m->conf->to, a->status, p->retry.failed, said(a),
                          said(a) > 0 ? a->body.ptr : "");
        }
        return -1;
    }
    if (a->status != 0 && http_answer_header(a, "Retry-After", &after) &&
        num_i64(after, &seconds) && seconds > 0 && seconds <= 60 &&
        seconds * 1000000 > wait) {
        wait = seconds * 1000000;
    }
    p->due_us = clock_mono_us() + wait;
    return 0;
}

static int settle(struct emulator *m, const struct http_answer *a,
                  struct err *e)
{
    struct emulator_post *p = a->user;
    /* a gateway that got no answer itself does not know either */
    bool lost =
        a->status == 0 ? a->reached : a->status == 502 || a->status == 504;
    struct slice header;

    m->flying--;
    m->answered = m->answered || a->status != 0;
    if (a->status != 0 && !m->counts->idempotent) {
        m->counts->idempotent =
            http_answer_header(a, "Idempotency-Key", &header);
    }
    if (lost) {
        p->lost = true;
        m->counts->lost_answers++;
    }
    if (a->status == 0) {
        return try_again(m, p, a, e);
    }
    switch (judge(m, p, a)) {
    case VERDICT_AGAIN:
        return try_again(m, p, a, e);
    case VERDICT_MIXED:
        note_refusal(m, a);
        if (keep_failed(m, p, e) != 0) {
            return -1;
        }
        if (p->n > 0) {
            return try_again(m, p, a, e);
        }
        break;
    case VERDICT_DENIED:
        note_refusal(m, a);
        counts_of(m, p)->refused += (int64_t)p->n;
        set_free(m, p);
        return err_set(e, ERR_DENIED, "could not post to \"%s\": %s",
                       m->conf->to, m->counts->refusal);
    case VERDICT_REFUSED:
        note_refusal(m, a);
        counts_of(m, p)->refused += (int64_t)p->n;
        break;
    case VERDICT_TAKEN:
        count_taken(m, p, p->n, p->rows.len);
        break;
    }
    count_lost(m, p);
    set_free(m, p);
    return 0;
}

/* Answers that are there, and one wait of at most wait_us for the first. */
static int take_answers(struct emulator *m, int64_t wait_us, struct err *e)
{
    bool any = true;

    while (any) {
        struct http_answer a;

        if (http_client_wait(m->client, wait_us, &a, &any, e) != 0 ||
            (any && settle(m, &a, e) != 0)) {
            return -1;
        }
        wait_us = 0;
    }
    return 0;
}

static int64_t next_wake(const struct emulator *m)
{
    int64_t now = clock_mono_us();
    int64_t wake = now + TICK_US;

    if (m->pending && m->due_us < wake && may_draw(m)) {
        wake = m->due_us;
    }
    for (size_t i = 0; m->nwaiting > 0 && i < m->nposts; i++) {
        if (m->posts[i].state == POST_WAITING && m->posts[i].due_us < wake) {
            wake = m->posts[i].due_us;
        }
    }
    return wake > now ? wake - now : 0;
}

int emulator_loop_work(struct emulator *m, struct err *e)
{
    while (!stop_asked()) {
        int64_t wait;

        if (draw_rows(m, e) != 0 || start_waiting(m, e) != 0 ||
            start_ready(m, e) != 0) {
            return -1;
        }
        if (m->ended && m->nfree == m->nposts) {
            return 0;
        }
        wait = next_wake(m);
        if (m->flying == 0) {
            (void)stop_wait(wait);
        } else if (take_answers(m, wait, e) != 0) {
            return -1;
        }
    }
    m->counts->stopped = true;
    return 0;
}

void emulator_loop_wind_up(struct emulator *m)
{
    int64_t until = clock_mono_us() + LANDING_US;

    while (m->flying > 0 && clock_mono_us() < until) {
        struct http_answer a;
        bool any = false;
        struct err ignored;

        if (http_client_wait(m->client, TICK_US, &a, &any, &ignored) != 0) {
            break;
        }
        if (any && settle(m, &a, &ignored) != 0) {
            struct emulator_post *p = a.user;

            if (p->state != POST_FREE) {
                give_up(m, p);
            }
        }
    }
    for (size_t i = 0; i < m->nposts; i++) {
        struct emulator_post *p = &m->posts[i];

        p->lost = p->lost || p->state == POST_FLYING;
        if (p->state != POST_FREE) {
            give_up(m, p);
        }
    }
}
