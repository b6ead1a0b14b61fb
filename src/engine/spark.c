/*
 * spark.c - Apache Spark: what is asked is written as a script that leaves
 * the rows of each question as Parquet in a folder, run, and read back.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "engine/engine_ops.h"
#include "engine/spark_int.h"
#include "lake/delta_at.h"
#include "lake/parquet.h"

enum {
    SQL_MAX = 64 << 20,
    TABLES_MAX = 64,
    NAME_BYTES = 128,
    VERSION_BYTES = 48
};

struct spark_engine {
    const struct engine_far *far;
    const struct store_conf *store;
    struct duck *duck; /* reads what Spark wrote */
    struct delta *tables[TABLES_MAX];
    size_t ntables;
    struct buf before;
    int64_t timeout_us;
    char dir[FS_PATH_MAX]; /* of this engine's scripts and rows */
    char log[FS_PATH_MAX];
    char version[VERSION_BYTES];
    atomic_bool stop;
};

static void spark_engine_close(void *engine)
{
    struct spark_engine *g = engine;
    struct err ignored;

    for (size_t i = 0; i < g->ntables; i++) {
        delta_close(g->tables[i]);
    }
    duck_close(g->duck);
    buf_release(&g->before);
    if (g->dir[0] != '\0' && fs_remove(g->dir, &ignored) < 0) {
        g->dir[0] = '\0'; /* it stays, in a folder of its own */
    }
    mem_free(g);
}

/* A path as others see it: from the root. */
static int rooted(const char *path, char to[FS_PATH_MAX], struct err *e)
{
    char cwd[FS_PATH_MAX];

    if (path[0] == '/') {
        return fs_join(to, "", path + 1, e);
    }
    return getcwd(cwd, sizeof(cwd)) == NULL
               ? err_set(e, ERR_IO, "cannot tell the working folder")
               : fs_join(to, cwd, path, e);
}

/* FAR.DIR/run-TIME-PID, from the root, with the log beside it. */
static int make_folder(struct spark_engine *g, struct err *e)
{
    char name[NAME_BYTES];
    char dir[FS_PATH_MAX];

    (void)snprintf(name, sizeof(name), "run-%lld-%ld",
                   (long long)clock_wall_us(), (long)getpid());
    if (rooted(g->far->dir, dir, e) < 0 || fs_join(g->dir, dir, name, e) < 0) {
        return -1;
    }
    (void)snprintf(name + strlen(name), sizeof(name) - strlen(name), ".log");
    return fs_join(g->log, dir, name, e) < 0 ? -1 : fs_make_folders(g->dir, e);
}

static void find_version(struct spark_engine *g)
{
    const char *home = spark_home(g->far);
    char path[FS_PATH_MAX];

    (void)snprintf(g->version, sizeof(g->version), "Spark");
    if (home != NULL && spark_jar(home, "spark-core_", path, NULL) == 0) {
        (void)snprintf(g->version, sizeof(g->version), "Spark %.*s",
                       (int)strcspn(strrchr(path, '-') + 1, "j") - 1,
                       strrchr(path, '-') + 1);
    }
}

static int spark_engine_open(void **ret, const struct engine_conf *conf,
                             struct err *e)
{
    struct duck_conf dc = {.threads = conf->threads,
                           .memory_bytes = conf->memory_bytes,
                           .temp_dir = conf->temp_dir};
    struct spark_engine *g;

    if (conf->far == NULL) {
        return err_set(e, ERR_INVALID, "it is not said where Spark is");
    }
    g = mem_zero(1, sizeof(*g));
    if (g == NULL) {
        return err_nomem(e, sizeof(*g));
    }
    g->far = conf->far;
    g->store = conf->store;
    g->timeout_us = conf->timeout_us;
    buf_init(&g->before, SQL_MAX);
    if (make_folder(g, e) < 0 || duck_open(&g->duck, &dc, e) < 0) {
        spark_engine_close(g);
        return -1;
    }
    find_version(g);
    *ret = g;
    return 0;
}

static const char *spark_engine_version(const void *engine)
{
    const struct spark_engine *g = engine;

    return g->version;
}

static int spark_engine_before(void *engine, struct slice statements,
                               struct err *e)
{
    struct spark_engine *g = engine;

    return buf_append(&g->before, statements, e);
}

/* --- tables ------------------------------------------------------------------------ */

/* Bytes of the folder, with its '/', that all files lie in. */
static size_t common_folder(const char *const *paths, size_t n)
{
    size_t len = (size_t)(strrchr(paths[0], '/') - paths[0]) + 1;

    for (size_t i = 1; i < n; i++) {
        while (strncmp(paths[0], paths[i], len) != 0) {
            do {
                len--;
            } while (paths[0][len - 1] != '/');
        }
    }
    return len;
}

/* CREATE VIEW name over files, from the root; a pattern of Hadoop's:
 * DIR/{a,b}. */
static int put_view(struct spark_engine *g, const char *name,
                    const char *const *paths, size_t n, struct err *e)
{
    size_t common = common_folder(paths, n);
    struct buf *b = &g->before;

    if (buf_putf(b, e,
                 "CREATE OR REPLACE TEMPORARY VIEW %s USING parquet OPTIONS "
                 "(mergeSchema 'true', path '%.*s{",
                 name, (int)common, paths[0]) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (strpbrk(paths[i], "'\\,{}[]*?") != NULL) {
            return err_set(e, ERR_INVALID,
                           "file \"%s\": Spark would read its name as a "
                           "pattern",
                           paths[i]);
        }
        if (buf_putf(b, e, "%s%s", i > 0 ? "," : "", paths[i] + common) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "}');\n", e);
}

static int view_of_files(struct spark_engine *g, const char *name,
                         struct delta *t, struct err *e)
{
    size_t n = delta_files(t);
    char(*paths)[FS_PATH_MAX] = mem_zero(n, sizeof(*paths));
    const char **list = mem_zero(n, sizeof(*list));
    char path[FS_PATH_MAX];
    int rc =
        paths == NULL || list == NULL ? err_nomem(e, n * sizeof(*paths)) : 0;

    for (size_t i = 0; i < n && rc == 0; i++) {
        list[i] = paths[i];
        rc =
            delta_file_path(t, i, path, e) < 0 ? -1 : rooted(path, paths[i], e);
    }
    if (rc == 0) {
        rc = put_view(g, name, list, n, e);
    }
    mem_free(list);
    mem_free(paths);
    return rc;
}

static int file_of(struct spark_engine *g, const char *name,
                   char path[FS_PATH_MAX], struct err *e)
{
    char file[NAME_BYTES + 16];

    (void)snprintf(file, sizeof(file), "%.*s.parquet", NAME_BYTES, name);
    return fs_join(path, g->dir, file, e);
}

static int spark_engine_add_delta(void *engine, const char *name,
                                  const char *dir, struct err *e)
{
    struct spark_engine *g = engine;
    struct delta *t = NULL;
    char path[FS_PATH_MAX];
    const char *file = path;
    const char *sql;
    struct buf b;
    int rc = -1;

    if (g->ntables == TABLES_MAX) {
        return err_set(e, ERR_LIMIT, "over %d tables", TABLES_MAX);
    }
    if (delta_open_at(&t, dir, g->store, g->duck, e) < 0) {
        return -1;
    }
    g->tables[g->ntables++] = t;
    buf_init(&b, SQL_MAX);
    /* which copies what is in a store */
    if (delta_select(t, &b, e) < 0 || buf_text(&b, &sql, e) < 0) {
        goto out;
    }
    if (delta_files(t) > 0) {
        rc = view_of_files(g, name, t, e);
    } else if (file_of(g, name, path, e) == 0 &&
               parquet_write_query(g->duck, path, sql, NULL, e) == 0) {
        rc = put_view(g, name, &file, 1, e);
    }
out:
    buf_release(&b);
    return rc;
}

static int spark_engine_add_batches(void *engine, const char *name,
                                    const struct batch *const *batches,
                                    size_t n, struct err *e)
{
    struct spark_engine *g = engine;
    char path[FS_PATH_MAX];
    const char *file = path;

    return file_of(g, name, path, e) < 0 ||
                   parquet_write(g->duck, path, batches, n, NULL, e) < 0
               ? -1
               : put_view(g, name, &file, 1, e);
}

static int spark_engine_keep(void *engine, const char *name, const char *select,
                             struct err *e)
{
    struct spark_engine *g = engine;

    return buf_putf(&g->before, e, "CACHE LAZY TABLE %s AS\n", name) < 0 ||
                   buf_puts(&g->before, select, e) < 0
               ? -1
               : buf_puts(&g->before, ";\n", e);
}

/* --- asking ------------------------------------------------------------------------ */

static bool given_up(void *arg)
{
    struct spark_engine *g = arg;

    return atomic_load(&g->stop);
}

static struct slice without_end(const char *sql)
{
    struct slice s = slice_trim(slice_of(sql));

    while (s.len > 0 && s.ptr[s.len - 1] == ';') {
        s.len--;
    }
    return s;
}

static int put_script(struct spark_engine *g, const char *const *sql, size_t n,
                      struct buf *b, struct err *e)
{
    if (buf_puts(b, g->far->settings, e) < 0 ||
        buf_append(b, buf_slice(&g->before), e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (buf_putf(b, e,
                     "INSERT OVERWRITE DIRECTORY '%s/%zu' USING parquet\n",
                     g->dir, i) < 0 ||
            buf_append(b, without_end(sql[i]), e) < 0 ||
            buf_puts(b, ";\n", e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_rows(struct spark_engine *g, size_t i, size_t max_bytes,
                     struct frame *ret, struct err *e)
{
    const char *sql;
    struct buf b;
    int rc = -1;

    buf_init(&b, SQL_MAX);
    if (buf_putf(&b, e, "SELECT * FROM read_parquet('%s/%zu/*.parquet')",
                 g->dir, i) == 0 &&
        buf_text(&b, &sql, e) == 0) {
        rc = frame_query(g->duck, sql, max_bytes, ret, e);
    }
    buf_release(&b);
    return rc;
}

static int spark_engine_query_many(void *engine, const char *const *sql,
                                   size_t n, size_t max_bytes,
                                   struct frame *ret, struct err *e)
{
    struct spark_engine *g = engine;
    char script[FS_PATH_MAX];
    struct spark_task t = {.script = script,
                           .log = g->log,
                           .timeout_us = g->timeout_us,
                           .give_up = given_up,
                           .arg = g};
    struct buf b;
    int rc = -1;

    buf_init(&b, SQL_MAX);
    atomic_store(&g->stop, false);
    if (strpbrk(g->dir, "'\\") != NULL) {
        err_set(e, ERR_INVALID,
                "folder \"%s\": a quote or a backslash cannot stand in a "
                "script for Spark",
                g->dir);
    } else if (put_script(g, sql, n, &b, e) == 0 &&
               fs_join(script, g->dir, "script.sql", e) == 0 &&
               fs_publish(script, buf_slice(&b), e) == 0) {
        rc = spark_run(g->far, &t, e);
    }
    buf_release(&b);
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = read_rows(g, i, max_bytes, &ret[i], e);
        while (rc < 0 && i-- > 0) {
            frame_release(&ret[i]);
        }
    }
    if (rc == 0) {
        (void)unlink(g->log);
    }
    return rc;
}

static int spark_engine_query(void *engine, const char *sql, size_t max_bytes,
                              struct frame *ret, struct err *e)
{
    return spark_engine_query_many(engine, &sql, 1, max_bytes, ret, e);
}

static void spark_engine_interrupt(void *engine)
{
    struct spark_engine *g = engine;

    atomic_store(&g->stop, true);
}

extern const struct engine_ops engine_spark;
const struct engine_ops engine_spark = {
    .name = "spark",
    .help = "Apache Spark, by spark-sql or on a cluster",
    .dialect = "spark",
    .open = spark_engine_open,
    .version = spark_engine_version,
    .add_delta = spark_engine_add_delta,
    .add_batches = spark_engine_add_batches,
    .keep = spark_engine_keep,
    .query = spark_engine_query,
    .query_many = spark_engine_query_many,
    .before = spark_engine_before,
    .interrupt = spark_engine_interrupt,
    .close = spark_engine_close,
};
