/*
 * databricks_sql.c - the SQL Statement Execution API: statements over the
 * cleaned tables, in DuckDB's dialect, INLINE results as JSON arrays of texts,
 * chunk by chunk.
 */
#include <inttypes.h>
#include <string.h>

#include "api/jobs.h"
#include "api/statement.h"
#include "core/num.h"
#include "core/text.h"

enum {
    SQL_BYTES = 1 << 20,
    HEAD_BYTES = 32 << 20, /* columns, chunks */
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

/* What a request that is answered knows of a result. */
struct result {
    struct slice id;
    yyjson_val *chunks;
    struct slice rows; /* of the chunk that is told */
};

static int64_t number(yyjson_val *o, const char *key)
{
    int64_t n = 0;

    (void)json_get_i64(o, key, &n);
    return n;
}

/* One chunk; the link to the next is what clients follow. */
static int put_chunk(struct buf *b, const struct result *t, int64_t index)
{
    yyjson_val *v;
    int64_t offset = 0;
    int64_t rows = 0;
    size_t i;
    size_t n;

    yyjson_arr_foreach(t->chunks, i, n, v)
    {
        offset += rows;
        rows = number(v, "rows");
        if ((int64_t)i == index) {
            break;
        }
    }
    if (buf_putf(b, NULL,
                 "{\"chunk_index\":%" PRId64 ",\"row_offset\":%" PRId64
                 ",\"row_count\":%" PRId64 ",",
                 index, offset, rows) < 0 ||
        (index + 1 < (int64_t)yyjson_arr_size(t->chunks) &&
         buf_putf(b, NULL,
                  "\"next_chunk_index\":%" PRId64
                  ",\"next_chunk_internal_link\":\"/api/2.0/sql/statements/"
                  "%.*s/result/chunks/%" PRId64 "\",",
                  index + 1, SLICE_FMT(t->id), index + 1) < 0) ||
        buf_puts(b, "\"data_array\":", NULL) < 0 ||
        buf_append(b, t->rows, NULL) < 0) {
        return -1;
    }
    return buf_putc(b, '}', NULL);
}

static int put_manifest(struct buf *b, yyjson_val *head)
{
    yyjson_val *columns = json_get(head, "columns");
    yyjson_val *chunks = json_get(head, "chunks");
    yyjson_val *v;
    int64_t rows = 0;
    int64_t bytes = 0;
    size_t i;
    size_t n;

    if (buf_putf(b, NULL,
                 "{\"format\":\"JSON_ARRAY\",\"schema\":{\"column_count\":%zu,"
                 "\"columns\":",
                 yyjson_arr_size(columns)) < 0 ||
        json_print(b, columns, 0, NULL) < 0 ||
        buf_putf(b, NULL, "},\"total_chunk_count\":%zu,\"chunks\":[",
                 yyjson_arr_size(chunks)) < 0) {
        return -1;
    }
    yyjson_arr_foreach(chunks, i, n, v)
    {
        if (buf_putf(b, NULL,
                     "%s{\"chunk_index\":%zu,\"row_offset\":%" PRId64
                     ",\"row_count\":%" PRId64 ",\"byte_count\":%" PRId64 "}",
                     i > 0 ? "," : "", i, rows, number(v, "rows"),
                     number(v, "bytes")) < 0) {
            return -1;
        }
        rows += number(v, "rows");
        bytes += number(v, "bytes");
    }
    return buf_putf(b, NULL,
                    "],\"total_row_count\":%" PRId64
                    ",\"total_byte_count\":%" PRId64 ",\"truncated\":%s}",
                    rows, bytes,
                    yyjson_is_true(json_get(head, "truncated")) ? "true"
                                                                : "false");
}

/* "manifest" and "result": the first chunk. */
static int put_result(struct buf *b, struct slice id, struct slice head,
                      struct slice rows)
{
    struct json_doc doc;
    struct result t = {.id = id, .rows = rows};
    int rc = -1;

    if (json_parse(&doc, head, JSON_NUMBERS, NULL, NULL) < 0) {
        return -1;
    }
    t.chunks = json_get(doc.root, "chunks");
    if (buf_puts(b, ",\"manifest\":", NULL) == 0 &&
        put_manifest(b, doc.root) == 0 &&
        buf_puts(b, ",\"result\":", NULL) == 0) {
        rc = put_chunk(b, &t, 0);
    }
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
    struct buf head;
    struct buf rows;
    struct buf *b;
    struct err e;

    buf_init(&head, HEAD_BYTES);
    buf_init(&rows, ROWS_BYTES);
    if (statements_look(a->statements, id, &state, &head, &fault, &e) < 0 ||
        (state == STATEMENT_SUCCEEDED &&
         statements_chunk(a->statements, id, 0, &rows, &e) < 0)) {
        answer_err(r, FAMILY_DATABRICKS, &e);
        goto out;
    }
    b = answer_begin(r, 200, MEDIA_JSON);
    if (put_status(b, id, state, &fault) < 0 ||
        (state == STATEMENT_SUCCEEDED &&
         put_result(b, id, buf_slice(&head), buf_slice(&rows)) < 0) ||
        buf_putc(b, '}', NULL) < 0) {
        answer_broken(r);
    }
out:
    buf_release(&head);
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
    buf_init(&none, HEAD_BYTES);
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

/* A member that may be left out or null; false when it is no such limit. */
static bool read_limit(yyjson_val *body, const char *key, int64_t *ret)
{
    *ret = 0;
    return !json_given(json_get(body, key)) ||
           (json_get_i64(body, key, ret) && *ret > 0);
}

static bool body_ok(struct http_request *r, yyjson_val *body,
                    struct statement_wish *w)
{
    const char *wrong = NULL;

    if (!json_get_text(body, "statement", &w->sql) || w->sql.len == 0) {
        wrong = "\"statement\" is missing";
    } else if (!read_limit(body, "row_limit", &w->row_limit) ||
               !read_limit(body, "byte_limit", &w->byte_limit)) {
        wrong = "\"row_limit\" and \"byte_limit\" are whole numbers over 0";
    } else if (!read_wait(body, &w->wait_us)) {
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

/* w->sql is the request's own memory. */
static void begin(struct api *a, struct http_request *r,
                  struct statement_wish *w, bool cancel)
{
    struct asked *q = arena_alloc(&r->arena, sizeof(*q), NULL);
    struct err e;

    if (q == NULL) {
        answer_broken(r);
        return;
    }
    *q = (struct asked){.a = a, .cancel = cancel};
    if (w->wait_us == 0) {
        if (statements_begin(a->statements, w, q->id, &e) < 0) {
            answer_err(r, FAMILY_DATABRICKS, &e);
        } else {
            answer_statement(a, r, slice_of(q->id));
        }
        return;
    }
    r->work = q;
    r->resume = on_resume;
    r->expire = on_expire;
    w->r = r;
    if (!server_suspend(r)) {
        answer_error(r, FAMILY_DATABRICKS, 503, 503, "the server is stopping");
        return;
    }
    if (statements_begin(a->statements, w, q->id, &q->err) < 0) {
        server_wake(r); /* nobody else will */
    }
}

void databricks_execute(struct api *a, struct http_request *r)
{
    struct statement_wish w = {.timeout_us = TIMEOUT};
    struct json_doc doc;
    struct buf bound;
    struct err e;

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
    w.tables = a->conf.schedule->tables;
    w.project = a->conf.schedule->project;
    buf_init(&bound, SQL_BYTES);
    if (body_ok(r, doc.root, &w)) {
        if (statement_bind(w.sql, json_get(doc.root, "parameters"), &bound,
                           &e) < 0 ||
            arena_copy(&r->arena, buf_slice(&bound), &w.sql, &e) < 0) {
            answer_err(r, FAMILY_DATABRICKS, &e);
        } else {
            begin(a, r, &w,
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

void databricks_chunk(struct api *a, struct http_request *r)
{
    enum statement_state state = STATEMENT_FAILED;
    struct result t = {.id = r->params[1]};
    struct json_doc doc = {0};
    struct buf head;
    struct buf rows;
    struct err fault;
    struct err e;
    int64_t index;

    if (!databricks_version_ok(r)) {
        return;
    }
    if (!num_i64(r->params[2], &index)) {
        answer_error(r, FAMILY_DATABRICKS, 404, 404,
                     "a chunk is a number, not \"%.*s\"",
                     SLICE_FMT(r->params[2]));
        return;
    }
    buf_init(&head, HEAD_BYTES);
    buf_init(&rows, ROWS_BYTES);
    if (statements_chunk(a->statements, t.id, index, &rows, &e) < 0 ||
        statements_look(a->statements, t.id, &state, &head, &fault, &e) < 0 ||
        json_parse(&doc, buf_slice(&head), JSON_NUMBERS, NULL, &e) < 0) {
        answer_err(r, FAMILY_DATABRICKS, &e);
    } else {
        t.chunks = json_get(doc.root, "chunks");
        t.rows = buf_slice(&rows);
        if (put_chunk(answer_begin(r, 200, MEDIA_JSON), &t, index) < 0) {
            answer_broken(r);
        }
    }
    json_release(&doc);
    buf_release(&head);
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
