#include "flow/emulator.h"

#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "flow/emulator_int.h"
#include "net/url.h"

enum {
    FLYING_DEFAULT = 64
};

static int set_up_posts(struct emulator *m, struct err *e)
{
    m->nposts = m->in_flight + 4 * m->conf->ntables;
    m->posts = mem_zero(m->nposts, sizeof(*m->posts));
    m->bad = mem_zero(m->per_request, 1);
    if (m->posts == NULL || m->bad == NULL) {
        return err_nomem(e, m->nposts * sizeof(*m->posts));
    }
    for (size_t i = 0; i < m->nposts; i++) {
        struct emulator_post *p = &m->posts[i];

        buf_init(&p->rows, EMULATOR_REQUEST_BYTES + EMULATOR_ROW_BYTES);
        buf_init(&p->url, (size_t)64 << 10);
        buf_init(&p->body,
                 4 * (size_t)(EMULATOR_REQUEST_BYTES + EMULATOR_ROW_BYTES));
        buf_init(&p->key, 100);
        buf_init(&p->heads, 16384);
        p->ends = mem_zero(m->per_request, sizeof(*p->ends));
        if (p->ends == NULL) {
            return err_nomem(e, m->per_request * sizeof(*p->ends));
        }
    }
    m->nfree = m->nposts;
    return 0;
}

static int set_up_token(struct emulator *m, struct err *e)
{
    const char *text;

    if (m->conf->token == NULL) {
        return 0;
    }
    if (buf_putf(&m->token, e, "Authorization: Bearer %s", m->conf->token) !=
        0) {
        return -1;
    }
    return buf_text(&m->token, &text, e);
}

static int check_conf(struct emulator *m, struct err *e)
{
    const struct emulator_conf *conf = m->conf;
    struct url to;

    if (url_parse(&to, slice_of(conf->to), e) != 0 ||
        emulator_contract_find(conf->contract != NULL ? conf->contract
                                                      : "kafka-v2",
                               &m->contract, e) != 0) {
        return -1;
    }
    m->per_request = conf->per_request > 0 ? conf->per_request : 1;
    if (m->per_request > EMULATOR_PER_REQUEST_MAX) {
        return err_set(e, ERR_INVALID, "at most %d records go into a request",
                       EMULATOR_PER_REQUEST_MAX);
    }
    if (m->per_request > 1 && !m->contract->many) {
        return err_set(e, ERR_INVALID,
                       "contract \"%s\" takes one record a request, not %zu",
                       m->contract->name, m->per_request);
    }
    return 0;
}

static int set_up(struct emulator *m, struct err *e)
{
    const struct emulator_conf *conf = m->conf;
    struct http_client_conf http = {.timeout_us = conf->timeout_us,
                                    .ca_file = conf->ca_file,
                                    .base = conf->to};

    if (check_conf(m, e) != 0 ||
        emulator_draw_init(&m->draw, conf, &m->max_pace, e) != 0) {
        return -1;
    }
    m->in_flight = conf->in_flight > 0 ? conf->in_flight
                   : m->max_pace       ? FLYING_DEFAULT
                                       : conf->ntables;
    if (m->in_flight > HTTP_CONNECTIONS_MAX) {
        return err_set(e, ERR_INVALID, "at most %d requests at once",
                       HTTP_CONNECTIONS_MAX);
    }
    m->in_order = m->in_flight <= conf->ntables;
    http.connections = m->in_flight;
    m->run_id = rand_mix((uint64_t)clock_wall_us() ^
                         rand_mix((uint64_t)getpid() + (uint64_t)(uintptr_t)m));
    if (set_up_token(m, e) != 0 || set_up_posts(m, e) != 0 ||
        http_client_new(&m->client, &http, e) != 0) {
        return -1;
    }
    return m->contract->prepare != NULL
               ? m->contract->prepare(m->client, conf, &m->cookie, e)
               : 0;
}

static void tear_down(struct emulator *m)
{
    http_client_free(m->client);
    for (size_t i = 0; m->posts != NULL && i < m->nposts; i++) {
        struct emulator_post *p = &m->posts[i];

        buf_release(&p->rows);
        buf_release(&p->url);
        buf_release(&p->body);
        buf_release(&p->key);
        buf_release(&p->heads);
        mem_free(p->ends);
    }
    mem_free(m->posts);
    mem_free(m->bad);
    buf_release(&m->scratch);
    buf_release(&m->cookie);
    buf_release(&m->token);
}

int emulator_run(const struct emulator_conf *conf, struct emulator_counts *ret,
                 struct err *e)
{
    struct emulator m = {.conf = conf, .counts = ret};
    int64_t started = clock_mono_us();
    int rc;

    assert(conf->ntables >= 1 && conf->ntables <= SOURCE_TABLES_MAX);
    memset(ret, 0, sizeof(*ret));
    ret->ntables = conf->ntables;
    buf_init(&m.scratch, EMULATOR_ROW_BYTES);
    buf_init(&m.cookie, 1000);
    buf_init(&m.token, (size_t)64 << 10);
    rc = set_up(&m, e);
    if (rc == 0) {
        rc = emulator_loop_work(&m, e);
        emulator_loop_wind_up(&m);
    }
    tear_down(&m);
    ret->elapsed_us = clock_mono_us() - started;
    return rc;
}

int emulator_show(const struct emulator_conf *conf, struct buf *b,
                  struct err *e)
{
    struct emulator_draw draw;
    int64_t due_us;
    int64_t n;
    bool max;

    if (emulator_draw_init(&draw, conf, &max, e) != 0) {
        return -1;
    }
    n = emulator_draw_next(&draw, &due_us);
    if (n < 0) {
        return err_set(e, ERR_INVALID,
                       "cannot show a row: the source has none");
    }
    for (size_t t = 0; t < conf->ntables; t++) {
        bool json;

        if (conf->tables[t].skip) {
            continue;
        }
        if (buf_putf(b, e, "%s_result ", conf->tables[t].name) != 0 ||
            source_row(conf->source, t, n, b, &json, e) != 0 ||
            buf_putc(b, '\n', e) != 0) {
            return -1;
        }
    }
    return 0;
}
