#include <stdio.h>
#include <string.h>

#include "api/api_int.h"
#include "core/digest.h"
#include "core/mem.h"

/*
 * Broker and server may both want to end the wait: the broker when it has
 * answered, the server at the deadline.  Who moves the state from WAITING
 * wins; work that the server gave up is freed by the broker's answer.
 */
enum state {
    STATE_WAITING,
    STATE_DONE,
    STATE_GIVEN_UP,
};

static void work_free(struct work *w)
{
    if (w != NULL) {
        if (w->extra != NULL) {
            w->release(w->extra);
        }
        buf_release(&w->text);
        mem_free(w);
    }
}

struct work *work_new(struct api *a, struct http_request *r, size_t n,
                      size_t text_max, struct err *e)
{
    size_t each = sizeof(struct broker_record) + sizeof(struct broker_report);
    struct work *w = mem_zero(1, sizeof(*w) + n * each);

    if (w == NULL) {
        (void)err_nomem(e, sizeof(*w) + n * each);
        return NULL;
    }
    w->records = (struct broker_record *)(void *)(w + 1);
    w->reports = (struct broker_report *)(void *)(w->records + n);
    w->api = a;
    w->r = r;
    w->n = n;
    buf_init(&w->text, SIZE_MAX);
    if (text_max > 0 && buf_reserve(&w->text, text_max, e) != 0) {
        work_free(w);
        return NULL;
    }
    r->work = w;
    r->end = work_end;
    return w;
}

int work_key(struct work *w, struct http_request *r, struct err *e)
{
    uint8_t digest[DIGEST_SHA256];
    uint8_t parts[2][DIGEST_SHA256];
    struct slice key;

    if (!server_header(r, "Idempotency-Key", &key)) {
        return 0;
    }
    if (key.len == 0 || key.len > IDEMPOTENCY_KEY_MAX) {
        return err_set(e, ERR_MALFORMED,
                       "Idempotency-Key must be 1 to %d bytes long",
                       IDEMPOTENCY_KEY_MAX);
    }
    digest_sha256(r->body, parts[0]);
    digest_sha256(r->path, parts[1]);
    digest_sha256((struct slice){(const char *)parts, sizeof(parts)}, digest);
    memcpy(w->p.body_digest, digest, sizeof(w->p.body_digest));
    memcpy(w->key, key.ptr, key.len);
    w->p.idempotency_key = (struct slice){w->key, key.len};
    return 0;
}

/* In a thread of the pool: the answer, from what the broker said. */
static void on_resume(struct http_request *r)
{
    struct work *w = r->work;

    if (w->p.error.code == ERR_CONFLICT) {
        answer_error(r, w->family, 422, 422,
                     "Idempotency-Key was used with another body; send a new "
                     "key with a new body");
    } else if (w->p.error.code != ERR_NONE) {
        if (w->p.error.code == ERR_NOTFOUND) {
            atomic_store(&w->topic->partitions, 0);
        }
        answer_err(r, w->family, &w->p.error);
    } else {
        w->answer(w, r);
        if (w->p.idempotency_key.len > 0) {
            /* says that the key counted: a client may repeat without fear */
            answer_header(r, "Idempotency-Key", w->p.idempotency_key);
        }
    }
}

/* Under the server's lock. */
static bool on_expire(struct http_request *r)
{
    struct work *w = r->work;
    enum family family = w->family;
    int waiting = STATE_WAITING;

    if (!atomic_compare_exchange_strong(&w->state, &waiting, STATE_GIVEN_UP)) {
        return false;
    }
    r->work = NULL; /* the broker's answer frees it, perhaps at once */
    answer_error(r, family, family == FAMILY_KAFKA ? 500 : 503, 50003,
                 "the records were not stored in time; they may still be: "
                 "repeat the request with the same Idempotency-Key");
    return true;
}

static void count(struct work *w)
{
    long long stored = 0;
    long long n = (long long)w->n;

    for (size_t i = 0; w->p.error.code == ERR_NONE && i < w->n; i++) {
        stored += w->reports[i].code == ERR_NONE;
    }
    if (!w->p.repeated) {
        atomic_fetch_add(&w->topic->received, stored);
    }
    if (stored < n) {
        atomic_fetch_add(&w->topic->refused, n - stored);
    }
}

/* Every request has one: printf would show in a profile. */
static size_t put_hex(char *to, uint64_t v)
{
    size_t n = 1;

    while (n < 16 && v >> 4 * n != 0) {
        n++;
    }
    for (size_t i = 0; i < n; i++) {
        to[i] = "0123456789abcdef"[v >> 4 * (n - 1 - i) & 15];
    }
    return n;
}

/* Who asks, and under which name: what a line of the log is found by. */
static void name_request(struct work *w, struct http_request *r)
{
    struct api *a = w->api;
    struct slice id;
    size_t ok = 0;
    size_t n;

    if (r->principal.len > 0) {
        (void)snprintf(w->client, sizeof(w->client), "%.*s",
                       SLICE_FMT(r->principal));
    } else {
        server_client(r, w->client, sizeof(w->client));
    }
    if (server_header(r, "X-Request-Id", &id) && id.len < REQUEST_ID_MAX) {
        while (ok < id.len && id.ptr[ok] > ' ' && id.ptr[ok] <= '~') {
            ok++;
        }
    }
    if (ok > 0 && ok == id.len) {
        memcpy(w->request_id, id.ptr, id.len);
        answer_header(r, "X-Request-Id", id);
    } else {
        n = put_hex(w->request_id, (uint64_t)a->started_us / 1000);
        w->request_id[n++] = '-';
        n += put_hex(w->request_id + n,
                     (uint64_t)atomic_fetch_add(&a->ids, 1) + 1);
        w->request_id[n] = '\0';
    }
}

/* From the broker's thread: after the wake w is not ours any more. */
static void on_done(struct broker_produce *p)
{
    struct work *w = p->arg;
    struct api *a = w->api;
    int waiting = STATE_WAITING;

    count(w);
    if (a->conf.traffic != NULL) {
        traffic_add(&w->topic->traffic,
                    &(struct traffic_note){p, w->client, w->request_id});
    }
    if (atomic_compare_exchange_strong(&w->state, &waiting, STATE_DONE)) {
        consumers_kick(a->consumers); /* it lives while a request waits */
        server_wake(w->r);
    } else {
        work_free(w);
    }
    api_release(a);
}

void work_start(struct work *w, struct http_request *r)
{
    struct err e = {.code = ERR_NONE};

    w->p.topic = w->topic->name;
    w->p.records = w->records;
    w->p.n = w->n;
    w->p.reports = w->reports;
    w->p.principal = r->principal;
    w->p.done = on_done;
    w->p.arg = w;
    r->resume = on_resume;
    r->expire = on_expire;
    atomic_store(&w->state, STATE_WAITING);
    if (w->api->conf.traffic != NULL) {
        name_request(w, r);
    }
    if (!server_suspend(r)) {
        answer_error(r, w->family, 503, 50302,
                     "the server is stopping; nothing was stored");
        r->answer.close = true;
        return;
    }
    /* a broker that answers after api_stop() still finds the topic's counts */
    atomic_fetch_add(&w->api->holders, 1);
    if (broker_produce_start(w->api->broker, &w->p, &e) != 0) {
        w->p.error = e;
        on_done(&w->p);
    }
}

void work_end(struct http_request *r)
{
    work_free(r->work);
    r->work = NULL;
}
