/* cmd_worker.c - the far side of flow/worker.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd_int.h"
#include "cli/table.h"
#include "cli/worker_chunks.h"
#include "cli/workspace.h"
#include "core/mem.h"
#include "core/text.h"
#include "flow/raw_rows.h"
#include "flow/tables.h"
#include "flow/worker.h"
#include "store/store.h"
#include "json/json.h"

enum {
    READ_STEP = 65536,
    ROWS_BYTES = 128 << 20,
    TEXT_MAX = 2 * WORKER_REQUEST_MAX,
    FAULT_MAX = 4096,
    NAME_BYTES = 128
};

static int read_all(struct buf *b, struct err *e)
{
    for (;;) {
        ssize_t n;

        if (buf_reserve(b, READ_STEP, e) < 0) {
            return -1;
        }
        n = read(STDIN_FILENO, b->ptr + b->len, READ_STEP);
        if (n == 0) {
            return 0;
        }
        if (n < 0 && errno != EINTR) {
            return err_set(e, ERR_IO, "could not read the request: %s",
                           strerror(errno));
        }
        b->len += n > 0 ? (size_t)n : 0;
    }
}

static int format_of(const char *word, enum table_format *ret, struct err *e)
{
    for (int i = TABLE_TEXT; i <= TABLE_CSV; i++) {
        if (strcmp(table_formats[i], word) == 0) {
            *ret = (enum table_format)i;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID, "unknown format \"%s\"", word);
}

/* ---- df_NAME ---- */

/* The raw records that the SQL names; as long as the engine is open. */
struct raw {
    struct workspace w; /* its spec has the columns' names */
    struct raw_rows rows[SPEC_TABLES_MAX];
    size_t n;
};

static bool names(struct slice sql, const char *view)
{
    size_t len = strlen(view);

    for (size_t i = 0; i + len <= sql.len; i++) {
        if (text_ascii_ieq((struct slice){sql.ptr + i, len}, slice_of(view))) {
            return true;
        }
    }
    return false;
}

static int add_raw_of(struct raw *raw, struct slice sql, struct engine *g,
                      struct err *e)
{
    struct workspace *w = &raw->w;

    for (size_t i = 0; i < w->spec->ntables; i++) {
        const struct spec_table *t = &w->spec->tables[i];
        struct flow_batch_conf conf = {.project = &w->project, .spec = w->spec};
        struct raw_rows *rows = &raw->rows[raw->n];
        char view[NAME_BYTES];

        (void)snprintf(view, sizeof(view), "df_%s", t->name);
        if (!names(sql, view)) {
            continue;
        }
        if (w->broker == NULL && workspace_broker(w, BROKER_READ, e) < 0) {
            return -1;
        }
        conf.broker = w->broker;
        if (raw_rows_read(rows, &conf, t, e) < 0) {
            return -1;
        }
        raw->n++;
        if (engine_add_batches(g, view, rows->rows.list, rows->rows.n, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int add_raw(struct raw *raw, struct slice sql, struct engine *g,
                   struct err *e)
{
    int rc;

    if (!names(sql, "df_")) {
        return 0;
    }
    rc = add_raw_of(raw, sql, g, e);
    broker_close(raw->w.broker);
    raw->w.broker = NULL;
    return rc;
}

static void raw_free(struct raw *raw)
{
    for (size_t i = 0; i < raw->n; i++) {
        raw_rows_release(&raw->rows[i]);
    }
    workspace_close(&raw->w);
    mem_free(raw);
}

/* All that the SQL may read; without cleaned tables the raw records do. */
static int add_all(struct raw *raw, const struct worker_request *r,
                   const struct store_conf *store, struct engine *g,
                   struct err *e)
{
    struct err none;

    if (r->raw && add_raw(raw, r->sql, g, e) < 0) {
        return -1;
    }
    if (tables_add(g, r->tables, store, &none) < 0 &&
        (none.code != ERR_NOTFOUND || raw->n == 0)) {
        *e = none;
        return -1;
    }
    return 0;
}

/* The project, when it is needed: how tables in a store are reached, and the
 * names of raw columns. */
static int load(struct raw *raw, struct cli *c, const struct worker_request *r,
                const struct store_conf **ret, struct err *e)
{
    *ret = NULL;
    if (!r->raw) {
        return 0;
    }
    if (workspace_load(&raw->w, c, NULL, 0, e) < 0) {
        return -1;
    }
    *ret = project_store(&raw->w.project, r->tables, e);
    return *ret != NULL ? 0 : -1;
}

static int answer(struct cli *c, const struct worker_request *r, struct err *e)
{
    struct engine_conf conf = {.kind = "duckdb",
                               .memory_bytes = r->memory,
                               .timeout_us = r->timeout_us};
    struct table_style style = {.width = r->width};
    /* tables of a store are copied first, and raw records read; a confined
     * process writes nothing */
    bool later =
        store_url_is_remote(r->tables) || (r->raw && names(r->sql, "df_"));
    struct raw *raw = mem_zero(1, sizeof(*raw));
    struct engine *g = NULL;
    struct frame f = {0};
    bool chunks = strcmp(r->format, "chunks") == 0;
    int rc = -1;

    if (raw == NULL) {
        return err_nomem(e, sizeof(*raw));
    }
    if ((chunks || format_of(r->format, &style.format, e) == 0) &&
        (later ? load(raw, c, r, &conf.store, e) : worker_confine(r, e)) == 0 &&
        engine_open(&g, &conf, e) == 0 &&
        add_all(raw, r, conf.store, g, e) == 0 &&
        (!later || worker_confine(r, e) == 0) && engine_lock(g, e) == 0 &&
        engine_query(g, r->sql.ptr, ROWS_BYTES, &f, e) == 0) {
        rc = chunks ? worker_chunks_write(&f.rows, r, c->out, e)
                    : table_write_batch(&f.rows, &style, c->out, e);
        frame_release(&f);
    }
    engine_close(g);
    raw_free(raw);
    return rc;
}

/* The error goes out as the line that the asking side reads. */
static int run(struct cli *c, const struct args *a, struct err *e)
{
    struct worker_request r;
    struct buf request;
    struct buf text;
    struct buf fault;
    int rc;

    (void)a;
    buf_init(&request, WORKER_REQUEST_MAX);
    buf_init(&text, TEXT_MAX);
    buf_init(&fault, FAULT_MAX);
    rc = read_all(&request, e) < 0 ||
                 worker_parse(buf_slice(&request), &r, &text, e) < 0 ||
                 answer(c, &r, e) < 0
             ? -1
             : 0;
    if (rc < 0 && worker_fault(e, &fault, NULL) == 0) {
        (void)fwrite(fault.ptr, 1, fault.len, c->err);
    }
    buf_release(&request);
    buf_release(&text);
    buf_release(&fault);
    return rc;
}

extern const struct cmd cmd_worker;
const struct cmd cmd_worker = {
    .name = "worker",
    .summary = "Run one SQL query with nothing to harm",
    .about =
        "Used by query and serve, not by people: reads a request as JSON from "
        "standard input (sql, tables, format, raw, width, row_limit, "
        "byte_limit, timeout_us, memory), gives up the right to write files, opens nothing but the cleaned "
        "tables (and before that, where raw is true and the SQL names them, the "
        "project's raw records as df_NAME), and prints the rows. An error is a line of JSON on standard "
        "error.",
    .run = run,
};
