/*
 * databricks_sql.c - the SQL Statement Execution API: statements over the
 * cleaned tables, in DuckDB's dialect, INLINE results as JSON arrays of texts.
 */
#include <inttypes.h>
#include <string.h>

#include "api/jobs.h"
#include "api/statement.h"
#include "core/num.h"
#include "core/text.h"

enum {
    SQL_BYTES = 1 << 20,
    ROWS_BYTES = 32 << 20,
    WAIT_LEAST = 5, /* seconds, but for 0 */
    WAIT_MOST = 50,
};

#define SECOND  ((int64_t)1000000)
#define TIMEOUT (600 * SECOND) /* of a statement */

static const char *const state_names[] = {
    [STATEMENT_RUNNING] = "RUNNING",
    [STATEMENT_SUCCEEDED] = "SUCCEEDED",
    [STATEMENT_FAILED] = "FAILED",
    [STATEMENT_CANCELED] = "CANCELED",
};

/* What a request that waits for its statement needs to answer. */
struct asked {
    struct api *a;
    char id[STATEMENT_ID];
    struct err err; /* it could not begin */
    bool cancel;    /* on_wait_timeout: CANCEL */
};

/* "manifest" and "result" from the worker's columns and rows. */
static int put_result(struct buf *b, struct slice rows)
{
    yyjson_val *columns;
    yyjson_val *v;
    struct json_doc doc;
    size_t count;
    size_t i;
    size_t n;
    int rc = -1;

    if (json_parse(&doc, rows, JSON_NUMBERS, NULL, NULL) < 0) {
        return -1;
    }
    columns = json_get(doc.root, "columns");
    count = yyjson_arr_size(json_get(doc.root, "rows"));
    if (buf_putf(b, NULL,
                 ",\"manifest\":{\"format\":\"JSON_ARRAY\",\"schema\":{"
                 "\"column_count\":%zu,\"columns\":[",
                 yyjson_arr_size(columns)) < 0) {
        goto out;
    }
    yyjson_arr_foreach(columns, i, n, v)
    {
        struct slice type = SLICE("STRING");
        const char *text;

        (void)json_get_text(v, "type", &type);
        text = slice_is(type, "LONG") ? "BIGINT" : type.ptr;
        if (buf_puts(b, i > 0 ? ",{\"name\":" : "{\"name\":", NULL) < 0 ||
            json_print(b, json_get(v, "name"), 0, NULL) < 0 ||
            buf_putf(b, NULL,
                     ",\"position\":%zu,\"type_name\":\"%s\",\"type_text\":"
                     "\"%s\"}",
                     i, type.ptr, text) < 0) {
            goto out;
        }
    }
    if (buf_putf(b, NULL,
                 "]},\"total_chunk_count\":1,\"chunks\":[{\"chunk_index\":0,"
                 "\"row_offset\":0,\"row_count\":%zu,\"byte_count\":%zu}],"
                 "\"total_row_count\":%zu,\"total_byte_count\":%zu,"
                 "\"truncated\":false},\"result\":{\"chunk_index\":0,"
                 "\"row_offset\":0,\"row_count\":%zu,\"data_array\":",
                 count, rows.len, count, rows.len, count) < 0 ||
        json_print(b, json_get(doc.root, "rows"), 0, NULL) < 0) {
        goto out;
    }
    rc = buf_putc(b, '}', NULL);
out:
    json_release(&doc);
    return rc;
}

static int put_status(struct buf *b, struct slice id, enum statement_state s,
                      const struct err *fault)
{
    if (buf_putf(b, NULL,
                 "{\"statement_id\":\"%.*s\",\"status\":{\"state\":\"%s\"",
                 SLICE_FMT(id), state_names[s]) < 0) {
        return -1;
    }
    if (s == STATEMENT_FAILED &&
        (buf_puts(b, ",\"error\":{\"error_code\":\"BAD_REQUEST\",\"message\":",
                  NULL) < 0 ||
         json_print_text(b, slice_of(fault->msg), NULL) < 0 ||
         buf_putc(b, '}', NULL) < 0)) {
        return -1;
    }
    return buf_putc(b, '}', NULL);
}

static void answer_statement(struct api *a, struct http_request *r,
                             struct slice id)
{
    enum statement_state state = STATEMENT_FAILED;
    struct err fault = {.code = ERR_NONE};
    struct buf rows;
    struct buf *b;
    struct err e;

    buf_init(&rows, ROWS_BYTES);
    if (statements_look(a->statements, id, &state, &rows, &fault, &e) < 0) {
        answer_err(r, FAMILY_DATABRICKS, &e);
        buf_release(&rows);
        return;
    }
    b = answer_begin(r, 200, MEDIA_JSON);
    if (put_status(b, id, state, &fault) < 0 ||
        (state == STATEMENT_SUCCEEDED && put_result(b, buf_slice(&rows)) < 0) ||
        buf_putc(b, '}', NULL) < 0) {
        answer_broken(r);
    }
    buf_release(&rows);
}

static void on_resume(struct http_request *r)
{
    struct asked *q = r->work;
    enum statement_state state = STATEMENT_FAILED;
    struct err fault;
    struct buf none;

    if (q->err.code != ERR_NONE) {
        answer_err(r, FAMILY_DATABRICKS, &q->err);
        return;
    }
    buf_init(&none, ROWS_BYTES);
    if (q->cancel &&
        statements_look(q->a->statements, slice_of(q->id), &state, &none,
                        &fault, NULL) == 0 &&
        state == STATEMENT_RUNNING &&
        statements_cancel(q->a->statements, slice_of(q->id), NULL) == 0) {
        struct buf *b = answer_begin(r, 200, MEDIA_JSON);

        if (put_status(b, slice_of(q->id), STATEMENT_CANCELED, &fault) < 0 ||
            buf_putc(b, '}', NULL) < 0) {
            answer_broken(r);
        }
    } else {
        answer_statement(q->a, r, slice_of(q->id));
    }
    buf_release(&none);
}

static bool on_expire(struct http_request *r)
{
    struct asked *q = r->work;

    return statements_unwait(q->a->statements, r);
}

/* "10s"; 0, or 5 to 50 seconds. */
static bool read_wait(yyjson_val *body, int64_t *ret)
{
    struct slice text = SLICE("10s");
    int64_t us;

    (void)json_get_text(body, "wait_timeout", &text);
    if (!slice_ends(text, SLICE("s")) || !num_duration_us(text, &us) ||
        (us != 0 && (us < WAIT_LEAST * SECOND || us > WAIT_MOST * SECOND))) {
        return false;
    }
    *ret = us;
    return true;
}

static bool member_is(yyjson_val *body, const char *key, const char *otherwise)
{
    struct slice text = slice_of(otherwise);

    (void)json_get_text(body, key, &text);
    return slice_is(text, otherwise);
}

static bool body_ok(struct http_request *r, yyjson_val *body, struct slice *sql,
                    int64_t *wait)
{
    const char *wrong = NULL;

    if (!json_get_text(body, "statement", sql) || sql->len == 0) {
        wrong = "\"statement\" is missing";
    } else if (!read_wait(body, wait)) {
        wrong = "\"wait_timeout\" must be 0s, or 5s to 50s";
    } else if (!member_is(body, "disposition", "INLINE") ||
               !member_is(body, "format", "JSON_ARRAY")) {
        wrong = "results are INLINE and JSON_ARRAY here";
    }
    if (wrong != NULL) {
        answer_error(r, FAMILY_DATABRICKS, 400, 400, "%s", wrong);
    }
    return wrong == NULL;
}

/* sql is the request's own memory. */
static void begin(struct api *a, struct http_request *r, struct slice sql,
                  int64_t wait, bool cancel)
{
    struct statement_wish w = {.sql = sql,
                               .tables = a->conf.schedule->tables,
                               .project = a->conf.schedule->project,
                               .timeout_us = TIMEOUT,
                               .wait_us = wait};
    struct asked *q = arena_alloc(&r->arena, sizeof(*q), NULL);
    struct err e;

    if (q == NULL) {
        answer_broken(r);
        return;
    }
    *q = (struct asked){.a = a, .cancel = cancel};
    if (wait == 0) {
        if (statements_begin(a->statements, &w, q->id, &e) < 0) {
            answer_err(r, FAMILY_DATABRICKS, &e);
        } else {
            answer_statement(a, r, slice_of(q->id));
        }
        return;
    }
    r->work = q;
    r->resume = on_resume;
    r->expire = on_expire;
    w.r = r;
    if (!server_suspend(r)) {
        answer_error(r, FAMILY_DATABRICKS, 503, 503, "the server is stopping");
        return;
    }
    if (statements_begin(a->statements, &w, q->id, &q->err) < 0) {
        server_wake(r); /* nobody else will */
    }
}

void databricks_execute(struct api *a, struct http_request *r)
{
    struct json_doc doc;
    struct slice sql;
    struct buf bound;
    struct slice kept;
    struct err e;
    int64_t wait = 0;

    if (!databricks_version_ok(r)) {
        return;
    }
    if (a->conf.schedule == NULL || a->conf.schedule->tables == NULL) {
        answer_error(r, FAMILY_DATABRICKS, 404, 404,
                     "this server has no cleaned tables");
        return;
    }
    if (!jobs_body(r, FAMILY_DATABRICKS, &doc)) {
        return;
    }
    buf_init(&bound, SQL_BYTES);
    if (body_ok(r, doc.root, &sql, &wait)) {
        if (statement_bind(sql, json_get(doc.root, "parameters"), &bound, &e) <
                0 ||
            arena_copy(&r->arena, buf_slice(&bound), &kept, &e) < 0) {
            answer_err(r, FAMILY_DATABRICKS, &e);
        } else {
            begin(a, r, kept, wait,
                  !member_is(doc.root, "on_wait_timeout", "CONTINUE"));
        }
    }
    buf_release(&bound);
    json_release(&doc);
}

void databricks_statement(struct api *a, struct http_request *r)
{
    if (databricks_version_ok(r)) {
        answer_statement(a, r, r->params[1]);
    }
}

/* All rows are in the first chunk. */
void databricks_chunk(struct api *a, struct http_request *r)
{
    enum statement_state state = STATEMENT_FAILED;
    struct json_doc doc = {0};
    struct buf rows;
    struct err fault;
    struct err e;

    if (!databricks_version_ok(r)) {
        return;
    }
    buf_init(&rows, ROWS_BYTES);
    if (statements_look(a->statements, r->params[1], &state, &rows, &fault,
                        &e) < 0) {
        answer_err(r, FAMILY_DATABRICKS, &e);
    } else if (state != STATEMENT_SUCCEEDED || !slice_is(r->params[2], "0") ||
               json_parse(&doc, buf_slice(&rows), JSON_NUMBERS, NULL, &e) < 0) {
        answer_error(r, FAMILY_DATABRICKS, 404, 404,
                     "statement \"%.*s\" has no chunk %.*s",
                     SLICE_FMT(r->params[1]), SLICE_FMT(r->params[2]));
    } else {
        yyjson_val *list = json_get(doc.root, "rows");
        struct buf *b = answer_begin(r, 200, MEDIA_JSON);

        if (buf_putf(b, NULL,
                     "{\"chunk_index\":0,\"row_offset\":0,\"row_count\":%zu,"
                     "\"data_array\":",
                     yyjson_arr_size(list)) < 0 ||
            json_print(b, list, 0, NULL) < 0 || buf_putc(b, '}', NULL) < 0) {
            answer_broken(r);
        }
    }
    json_release(&doc);
    buf_release(&rows);
}

void databricks_cancel_statement(struct api *a, struct http_request *r)
{
    struct err e;

    if (!databricks_version_ok(r)) {
        return;
    }
    if (statements_cancel(a->statements, r->params[1], &e) < 0) {
        answer_err(r, FAMILY_DATABRICKS, &e);
        return;
    }
    answer_text(r, 200, MEDIA_JSON, "{}");
}
