/*
 * databricks.c - a Databricks workspace: statements on its SQL warehouse,
 * notebooks as one-time runs.
 *
 * Statements are sent without waiting and then looked at, so that a broken
 * connection costs a look and not the statement's work.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/secret.h"
#include "engine/databricks_rows.h"
#include "engine/engine_ops.h"
#include "engine/rest.h"

enum {
    BODY_BYTES = 16 << 20,
    ID_BYTES = 128,
    PATH_BYTES = 512,
    WORDS_BYTES = 300
};

#define STATEMENTS "/api/2.0/sql/statements"
#define RUNS       "/api/2.2/jobs/runs"

struct databricks {
    const struct engine_far *far;
    struct rest *rest;
    int64_t timeout_us;
    atomic_bool stop;
};

static void databricks_close(void *engine)
{
    struct databricks *g = engine;

    rest_close(g->rest);
    mem_free(g);
}

/* A setting, else a variable of the environment; NULL with *e set. */
static const char *setting(const char *value, const char *name,
                           const char *variable, struct err *e)
{
    const char *found = value[0] != '\0' ? value : getenv(variable);

    if (found == NULL || found[0] == '\0') {
        err_set(e, ERR_INVALID, "neither the setting %s nor %s is there", name,
                variable);
        return NULL;
    }
    return found;
}

static int put_token(const struct engine_far *far, struct buf *b, struct err *e)
{
    const char *token;

    if (far->token_file[0] != '\0') {
        return secret_read(far->token_file, b, e);
    }
    token = setting("", "databricks.token_file", "DATABRICKS_TOKEN", e);
    return token == NULL ? -1 : buf_puts(b, token, e);
}

static int open_rest(struct databricks *g, struct err *e)
{
    const char *host =
        setting(g->far->host, "databricks.host", "DATABRICKS_HOST", e);
    struct slice token;
    struct buf b;
    int rc = -1;

    buf_init(&b, SECRET_FILE_MAX);
    if (host == NULL || put_token(g->far, &b, e) < 0) {
        goto out;
    }
    token = slice_trim(buf_slice(&b));
    if (secret_register(token, e) == 0) {
        rc = rest_open(&g->rest, host, token, e);
    }
out:
    if (b.len > 0) {
        secret_wipe(b.ptr, b.len);
    }
    buf_release(&b);
    return rc;
}

static int databricks_open(void **ret, const struct engine_conf *conf,
                           struct err *e)
{
    struct databricks *g;

    if (conf->far == NULL) {
        return err_set(e, ERR_INVALID, "it is not said where it is");
    }
    g = mem_zero(1, sizeof(*g));
    if (g == NULL) {
        return err_nomem(e, sizeof(*g));
    }
    g->far = conf->far;
    g->timeout_us = conf->timeout_us;
    if (open_rest(g, e) < 0) {
        databricks_close(g);
        return -1;
    }
    *ret = g;
    return 0;
}

static const char *databricks_version(const void *engine)
{
    (void)engine;
    return "Databricks";
}

/* --- looking until it is over ------------------------------------------------------ */

struct watch {
    int64_t until_us; /* 0: none */
    unsigned looks;
};

/* Wait for the next look; a failure says that it is given up. */
static int watch_wait(struct databricks *g, struct watch *w, struct err *e)
{
    if (w->until_us > 0 && clock_mono_us() > w->until_us) {
        return err_set(e, ERR_TIMEOUT,
                       "it was ended: it took longer than the "
                       "time limit");
    }
    if (atomic_load(&g->stop)) {
        return err_set(e, ERR_INTERRUPTED, "interrupted");
    }
    return rest_pause(w->looks++, e);
}

static struct watch watch_from(const struct databricks *g)
{
    return (struct watch){
        .until_us = g->timeout_us > 0 ? clock_mono_us() + g->timeout_us : 0};
}

/* Best effort: it is given up anyway. */
static void post(struct databricks *g, const char *path, struct slice body)
{
    struct json_doc doc = {0};

    if (rest_call(g->rest, path, body, &doc, NULL) == 0) {
        json_release(&doc);
    }
}

/* --- statements --------------------------------------------------------------------- */

/* ,"name":"value"; nothing when it is empty. */
static int put_member(struct buf *b, const char *name, struct slice value,
                      struct err *e)
{
    if (value.len == 0) {
        return 0;
    }
    return buf_putf(b, e, ",\"%s\":", name) < 0 ? -1
                                                : json_print_text(b, value, e);
}

static int put_statement(const struct databricks *g, const char *sql,
                         struct buf *b, struct err *e)
{
    const char *warehouse = setting(g->far->warehouse, "databricks.warehouse",
                                    "DATABRICKS_WAREHOUSE_ID", e);
    struct slice schema = slice_of(g->far->schema);
    struct slice catalog = {0};

    if (warehouse == NULL) {
        return -1;
    }
    if (memchr(schema.ptr, '.', schema.len) != NULL) {
        (void)slice_cut(&schema, '.', &catalog);
    }
    if (buf_puts(b,
                 "{\"wait_timeout\":\"0s\",\"on_wait_timeout\":\"CONTINUE\","
                 "\"disposition\":\"INLINE\",\"format\":\"JSON_ARRAY\"",
                 e) < 0 ||
        put_member(b, "warehouse_id", slice_of(warehouse), e) < 0 ||
        put_member(b, "catalog", catalog, e) < 0 ||
        put_member(b, "schema", schema, e) < 0 ||
        put_member(b, "statement", slice_of(sql), e) < 0) {
        return -1;
    }
    return buf_putc(b, '}', e);
}

static void copy(char *to, size_t size, struct slice s)
{
    (void)snprintf(to, size, "%.*s", SLICE_FMT(s));
}

/* The state in a reply; what failed is an error. */
static int statement_state(const struct json_doc *doc, bool *ret_over,
                           struct err *e)
{
    yyjson_val *status = json_get(doc->root, "status");
    struct slice words = SLICE("it does not say why");
    struct slice state;

    if (!json_get_text(status, "state", &state)) {
        return err_set(e, ERR_MALFORMED, "a reply has no status.state");
    }
    *ret_over = slice_is(state, "SUCCEEDED");
    if (*ret_over || slice_is(state, "PENDING") || slice_is(state, "RUNNING")) {
        return 0;
    }
    (void)json_get_text(json_get(status, "error"), "message", &words);
    words.len = words.len < WORDS_BYTES ? words.len : WORDS_BYTES;
    return err_set(e, ERR_INVALID, "the statement ended as %.*s: %.*s",
                   SLICE_FMT(state), SLICE_FMT(words));
}

/* Until it has SUCCEEDED; *doc is then the reply with the first rows. */
static int await(struct databricks *g, const char *id, struct json_doc *doc,
                 struct err *e)
{
    struct watch w = watch_from(g);
    char path[PATH_BYTES];
    bool over = false;

    (void)snprintf(path, sizeof(path), STATEMENTS "/%s", id);
    while (statement_state(doc, &over, e) == 0) {
        if (over) {
            return 0;
        }
        if (watch_wait(g, &w, e) < 0) {
            (void)snprintf(path, sizeof(path), STATEMENTS "/%s/cancel", id);
            post(g, path, SLICE("{}"));
            return -1;
        }
        json_release(doc);
        *doc = (struct json_doc){0};
        if (rest_call(g->rest, path, (struct slice){0}, doc, e) < 0) {
            return -1;
        }
    }
    return -1;
}

/* The rows of the first reply, then chunk after chunk. */
static int take_rows(struct databricks *g, const struct json_doc *first,
                     struct databricks_rows *rows, struct err *e)
{
    struct json_doc doc = {0};
    yyjson_val *result = json_get(first->root, "result");
    struct slice next;
    char path[PATH_BYTES];
    int rc = databricks_rows_add(rows, result, e);

    while (rc == 0 &&
           json_get_text(result, "next_chunk_internal_link", &next)) {
        if (next.len == 0 || next.ptr[0] != '/') {
            rc = err_set(e, ERR_MALFORMED, "a chunk's link is no path");
            break;
        }
        copy(path, sizeof(path), next);
        json_release(&doc);
        doc = (struct json_doc){0};
        rc = rest_call(g->rest, path, (struct slice){0}, &doc, e);
        if (rc == 0) {
            /* a chunk comes bare, or as the result of a statement */
            result = json_get(doc.root, "result");
            result = result == NULL ? doc.root : result;
            rc = databricks_rows_add(rows, result, e);
        }
    }
    json_release(&doc);
    return rc;
}

static int databricks_query(void *engine, const char *sql, size_t max_bytes,
                            struct frame *ret, struct err *e)
{
    struct databricks *g = engine;
    struct databricks_rows *rows = NULL;
    struct json_doc doc = {0};
    struct slice text;
    char id[ID_BYTES];
    struct buf b;
    int rc = -1;

    buf_init(&b, BODY_BYTES);
    atomic_store(&g->stop, false);
    if (put_statement(g, sql, &b, e) < 0 ||
        rest_call(g->rest, STATEMENTS, buf_slice(&b), &doc, e) < 0) {
        goto out;
    }
    if (!json_get_text(doc.root, "statement_id", &text)) {
        err_set(e, ERR_MALFORMED, "a reply has no statement_id");
        goto out;
    }
    copy(id, sizeof(id), text);
    if (await(g, id, &doc, e) == 0 &&
        databricks_rows_new(&rows, json_get(doc.root, "manifest"), max_bytes,
                            e) == 0 &&
        take_rows(g, &doc, rows, e) == 0) {
        rc = databricks_rows_end(rows, max_bytes, ret, e);
    }
out:
    databricks_rows_free(rows);
    json_release(&doc);
    buf_release(&b);
    return rc;
}

/* --- runs ----------------------------------------------------------------------------- */

static int put_run(const struct databricks *g, const char *path,
                   const char *interval, const char *token, struct buf *b,
                   struct err *e)
{
    if (buf_puts(b, "{\"run_name\":\"pinline\"", e) < 0 ||
        put_member(b, "idempotency_token", slice_of(token), e) < 0 ||
        buf_puts(b, ",\"tasks\":[{\"task_key\":\"batch\"", e) < 0 ||
        put_member(b, "existing_cluster_id", slice_of(g->far->cluster), e) <
            0 ||
        buf_puts(b, ",\"notebook_task\":{\"notebook_path\":", e) < 0 ||
        json_print_text(b, slice_of(path), e) < 0) {
        return -1;
    }
    if (interval != NULL &&
        (buf_puts(b, ",\"base_parameters\":{\"interval\":", e) < 0 ||
         json_print_text(b, slice_of(interval), e) < 0 ||
         buf_putc(b, '}', e) < 0)) {
        return -1;
    }
    return buf_puts(b, "}}]}", e);
}

/* What the failed task says; the run's own words where it says nothing. */
static int tell_run(struct databricks *g, int64_t run,
                    const struct json_doc *doc, struct err *e)
{
    yyjson_val *state = json_get(doc->root, "state");
    yyjson_val *task = yyjson_arr_get_first(json_get(doc->root, "tasks"));
    struct slice result = SLICE("without a result");
    struct slice words = {0};
    struct json_doc output = {0};
    char path[PATH_BYTES];
    int64_t id = run;

    (void)json_get_text(state, "result_state", &result);
    (void)json_get_text(state, "state_message", &words);
    (void)json_get_i64(task, "run_id", &id);
    (void)snprintf(path, sizeof(path), RUNS "/get-output?run_id=%" PRId64, id);
    if (rest_call(g->rest, path, (struct slice){0}, &output, NULL) == 0) {
        (void)json_get_text(output.root, "error", &words);
    }
    words.len = words.len < WORDS_BYTES ? words.len : WORDS_BYTES;
    err_set(e, ERR_INVALID, "run %" PRId64 " ended as %.*s: %.*s", run,
            SLICE_FMT(result), SLICE_FMT(words));
    json_release(&output);
    return -1;
}

static bool run_is_over(const struct json_doc *doc, bool *ret_good)
{
    yyjson_val *state = json_get(doc->root, "state");
    struct slice life = {0};
    struct slice result = {0};

    (void)json_get_text(state, "life_cycle_state", &life);
    (void)json_get_text(state, "result_state", &result);
    *ret_good = slice_is(result, "SUCCESS");
    return slice_is(life, "TERMINATED") || slice_is(life, "SKIPPED") ||
           slice_is(life, "INTERNAL_ERROR");
}

static int follow(struct databricks *g, int64_t run, struct err *e)
{
    struct watch w = watch_from(g);
    struct json_doc doc = {0};
    char path[PATH_BYTES];
    char body[PATH_BYTES];
    bool good = false;
    int rc;

    (void)snprintf(path, sizeof(path), RUNS "/get?run_id=%" PRId64, run);
    (void)snprintf(body, sizeof(body), "{\"run_id\":%" PRId64 "}", run);
    while (true) {
        rc = rest_call(g->rest, path, (struct slice){0}, &doc, e);
        if (rc < 0 || run_is_over(&doc, &good)) {
            break;
        }
        json_release(&doc);
        doc = (struct json_doc){0};
        rc = watch_wait(g, &w, e);
        if (rc < 0) {
            post(g, RUNS "/cancel", slice_of(body));
            break;
        }
    }
    if (rc == 0 && !good) {
        rc = tell_run(g, run, &doc, e);
    }
    json_release(&doc);
    return rc;
}

static int databricks_notebook(void *engine, const char *path,
                               const char *interval, const char *token,
                               struct err *e)
{
    struct databricks *g = engine;
    struct json_doc doc = {0};
    int64_t run = 0;
    struct buf b;
    int rc = -1;

    buf_init(&b, BODY_BYTES);
    atomic_store(&g->stop, false);
    if (put_run(g, path, interval, token, &b, e) == 0 &&
        rest_call(g->rest, RUNS "/submit", buf_slice(&b), &doc, e) == 0) {
        rc = json_get_i64(doc.root, "run_id", &run)
                 ? follow(g, run, e)
                 : err_set(e, ERR_MALFORMED, "a reply has no run_id");
    }
    json_release(&doc);
    buf_release(&b);
    return rc;
}

static void databricks_interrupt(void *engine)
{
    struct databricks *g = engine;

    atomic_store(&g->stop, true);
}

extern const struct engine_ops engine_databricks;
const struct engine_ops engine_databricks = {
    .name = "databricks",
    .help = "a Databricks workspace, or what speaks like one",
    .dialect = "spark",
    .owns_tables = true,
    .open = databricks_open,
    .version = databricks_version,
    .query = databricks_query,
    .notebook = databricks_notebook,
    .interrupt = databricks_interrupt,
    .close = databricks_close,
};
