#include "db/duck.h"

#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/stop.h"
#include "db/duck_int.h"

enum {
    ADVICE_BYTES = 200,
    WATCH_STEP_US = 50000, /* how often a watch looks at the stop flag */
    PATHS_SQL_MAX = 16 << 20
};

/* Which name was meant, where DuckDB says so in a line behind the first: a
 * blank and that line, cut; else "". */
static void advice(const char *text, char told[ADVICE_BYTES])
{
    static const char *const begins[] = {"\nDid you mean", "\nCandidate "};

    told[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
        const char *line = strstr(text, begins[i]);

        /* its own tables are nearest to any short name */
        if (line != NULL && strstr(line, " \"pg_") == NULL &&
            strstr(line, " \"duckdb_") == NULL) {
            (void)snprintf(told, ADVICE_BYTES, " %.*s",
                           (int)strcspn(line + 1, "\n"), line + 1);
            return;
        }
    }
}

int duck_fail(struct duck *d, const char *text, struct err *e)
{
    char told[ADVICE_BYTES];
    size_t n;

    if (d->timed_out) {
        return err_set(e, ERR_TIMEOUT, "the query ran longer than %.1f s",
                       (double)d->timeout_us / 1e6);
    }
    if (d->interrupted) {
        return err_set(e, ERR_INTERRUPTED, "the query was interrupted");
    }
    if (text == NULL) {
        return err_set(e, ERR_IO, "DuckDB failed without a reason");
    }
    n = strcspn(text, "\n");
    if (strncmp(text, "Out of Memory", 13) == 0) {
        return err_set(e, ERR_LIMIT, "the query needs more memory: %.*s",
                       (int)n, text);
    }
    if (strncmp(text, "IO Error", 8) == 0) {
        return err_set(e, ERR_IO, "DuckDB: %.*s", (int)n, text);
    }
    advice(text, told);
    return err_set(e, ERR_INVALID, "DuckDB: %.*s%s", (int)n, text, told);
}

static void watch(void *arg)
{
    struct duck *d = arg;

    mutex_lock(&d->m);
    while (d->running) {
        int64_t now = clock_mono_us();
        int64_t next = now + WATCH_STEP_US;

        if (now >= d->until_us) {
            d->timed_out = true;
            d->api.interrupt(d->con);
        } else if (stop_asked()) {
            d->interrupted = true;
            d->api.interrupt(d->con);
        } else if (next > d->until_us) {
            next = d->until_us;
        }
        (void)cond_wait_until(&d->c, &d->m, next);
    }
    mutex_unlock(&d->m);
}

int duck_watch_start(struct duck *d, struct err *e)
{
    d->timed_out = false;
    d->interrupted = false;
    d->until_us =
        d->timeout_us > 0 ? clock_mono_us() + d->timeout_us : INT64_MAX;
    d->running = true;
    if (d->timeout_us <= 0) {
        return 0;
    }
    if (thread_start(&d->watch, "duck-watch", watch, d, e) < 0) {
        d->running = false;
        return -1;
    }
    return 0;
}

void duck_watch_stop(struct duck *d)
{
    mutex_lock(&d->m);
    d->running = false;
    cond_broadcast(&d->c);
    mutex_unlock(&d->m);
    thread_join(&d->watch);
    memset(&d->watch, 0, sizeof(d->watch));
    (void)atomic_load(&d->copied);
}

void duck_interrupt(struct duck *d)
{
    d->interrupted = true;
    d->api.interrupt(d->con);
}

void duck_set_timeout(struct duck *d, int64_t us)
{
    d->timeout_us = us;
}

const char *duck_version(const struct duck *d)
{
    return d->api.library_version();
}

static int set_options(struct duck *d, duckdb_config config,
                       const struct duck_conf *conf, struct err *e)
{
    int64_t memory = conf->memory_bytes;
    char threads[16];
    char limit[32];

    if (memory <= 0) {
        memory = (int64_t)d->threads << 29;
        memory = memory < (1 << 30) ? 1 << 30 : memory;
    }
    (void)snprintf(threads, sizeof(threads), "%d", d->threads);
    (void)snprintf(limit, sizeof(limit), "%lldB", (long long)memory);
    const struct {
        const char *name;
        const char *value;
    } options[] = {
        {"threads", threads},
        {"memory_limit", limit},
        {"temp_directory", conf->temp_dir != NULL ? conf->temp_dir : ""},
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"allow_community_extensions", "false"},
        {"preserve_insertion_order", "false"},
    };

    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (d->api.set_config(config, options[i].name, options[i].value) !=
            DuckDBSuccess) {
            return err_set(e, ERR_INVALID,
                           "DuckDB does not take the setting \"%s\"",
                           options[i].name);
        }
    }
    return 0;
}

static int open_database(struct duck *d, const struct duck_conf *conf,
                         struct err *e)
{
    duckdb_config config = NULL;
    char *why = NULL;
    int rc = -1;

    if (d->api.create_config(&config) != DuckDBSuccess) {
        return err_nomem(e, sizeof(duckdb_config));
    }
    if (set_options(d, config, conf, e) < 0) {
        goto out;
    }
    if (d->api.open_ext(NULL, &d->db, config, &why) != DuckDBSuccess) {
        err_set(e, ERR_IO, "could not open a DuckDB database: %s",
                why != NULL ? why : "no reason given");
        goto out;
    }
    if (d->api.connect(d->db, &d->con) != DuckDBSuccess) {
        err_set(e, ERR_IO, "could not connect to a DuckDB database");
        goto out;
    }
    rc = duck_run(d, "SET TimeZone='UTC'", e);
out:
    d->api.free(why);
    d->api.destroy_config(&config);
    return rc;
}

int duck_open(struct duck **ret, const struct duck_conf *conf, struct err *e)
{
    struct duck *d = mem_zero(1, sizeof(*d));

    if (d == NULL) {
        return err_nomem(e, sizeof(*d));
    }
    mutex_init(&d->m);
    cond_init(&d->c);
    d->threads = conf->threads > 0 ? conf->threads : thread_cores();
    if (duck_load(&d->api, &d->library, e) < 0 ||
        open_database(d, conf, e) < 0) {
        duck_close(d);
        return -1;
    }
    *ret = d;
    return 0;
}

void duck_close(struct duck *d)
{
    if (d == NULL) {
        return;
    }
    if (d->con != NULL) {
        d->api.disconnect(&d->con);
    }
    if (d->db != NULL) {
        d->api.close(&d->db);
    }
    duck_views_free(d);
    cond_release(&d->c);
    mutex_release(&d->m);
    mem_free(d);
}

int duck_lock(struct duck *d, const char *const *paths, size_t n, struct err *e)
{
    const char *sql;
    struct buf b;
    int rc = -1;

    buf_init(&b, PATHS_SQL_MAX);
    if (buf_puts(&b, "SET allowed_paths=[", e) < 0) {
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        if ((i > 0 && buf_putc(&b, ',', e) < 0) ||
            duck_quote(&b, slice_of(paths[i]), '\'', e) < 0) {
            goto out;
        }
    }
    if (buf_puts(&b,
                 "]::VARCHAR[]; SET enable_external_access=false;"
                 "SET lock_configuration=true",
                 e) < 0 ||
        buf_text(&b, &sql, e) < 0 || duck_run(d, sql, e) < 0) {
        goto out;
    }
    d->locked = true;
    rc = 0;
out:
    buf_release(&b);
    return rc;
}

int duck_run(struct duck *d, const char *sql, struct err *e)
{
    duckdb_result r;
    int rc = 0;

    if (d->locked) {
        struct duck_result *rows;

        rc = duck_query(d, sql, &rows, e);
        if (rc == 0) {
            duck_result_free(rows);
        }
        return rc;
    }
    if (duck_watch_start(d, e) < 0) {
        return -1;
    }
    if (d->api.query(d->con, sql, &r) != DuckDBSuccess) {
        rc = -1;
    }
    duck_watch_stop(d);
    if (rc < 0) {
        duck_fail(d, d->api.result_error(&r), e);
    }
    d->api.destroy_result(&r);
    return rc;
}

int duck_quote(struct buf *b, struct slice text, char quote, struct err *e)
{
    if (buf_putc(b, quote, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\0') {
            return err_set(e, ERR_INVALID, "a name in SQL holds a zero byte");
        }
        if ((text.ptr[i] == quote && buf_putc(b, quote, e) < 0) ||
            buf_putc(b, text.ptr[i], e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, quote, e);
}
