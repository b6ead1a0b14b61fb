/*
 * engine.h - what runs SQL over cleaned tables: open by name, add, ask.
 *
 * Tables are added under the names that questions use (clean_pin, ...), as a
 * Delta folder or as rows in memory, which stay the caller's and unchanged
 * until engine_close().  Timestamps are UTC without a zone to the SQL.  One
 * thread at a time; only engine_interrupt() may come from another.
 *
 * DuckDB works in this process.  Spark is a program or a cluster that is given
 * a script and leaves its rows in a folder; a Databricks workspace is asked
 * over HTTP.  Both end with what runs there when asked to stop (core/stop.h).
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "lake/frame.h"
#include "store/store.h"

struct engine; /* opaque */

/* How the engines outside of this process are reached; texts may be empty. */
struct engine_far {
    const char *dir;        /* scripts, rows and logs; a cluster sees it too */
    const char *settings;   /* statements that every script begins with */
    const char *spark_home; /* "": SPARK_HOME, else spark-sql on the PATH */
    const char *spark_master; /* "local[*]", "spark://...", or the address
                                 of a submission server, "http://HOST:6066" */
    const char *spark_ui; /* of that cluster's master: where logs are read */
    const char *const *spark_options; /* NAME=VALUE */
    size_t spark_noptions;
    const char *host;       /* of the workspace; "": DATABRICKS_HOST */
    const char *token_file; /* "": DATABRICKS_TOKEN */
    const char *warehouse;  /* "": DATABRICKS_WAREHOUSE_ID */
    const char *schema;     /* CATALOG.SCHEMA of the tables */
    const char *cluster;    /* that runs jobs; "": the workspace's choice */
};

struct engine_conf {
    const char *kind;               /* "duckdb", "spark", "databricks" */
    const struct engine_far *far;   /* for all but DuckDB; borrowed */
    int threads;                    /* 0: as many as cores */
    int64_t memory_bytes;           /* 0: the engine's default */
    const char *temp_dir;           /* where it may spill; NULL: it may not */
    int64_t timeout_us;             /* of one query; 0: none */
    const struct store_conf *store; /* how tables in stores are reached, for
                                       as long as it is open; NULL */
};

int engine_open(struct engine **ret, const struct engine_conf *conf,
                struct err *e) MUST_USE;
void engine_close(struct engine *g); /* NULL is fine */
/* "duckdb 1.5.6", for reports. */
const char *engine_version(const struct engine *g);
/* How SQL is to be spelled for it: "duckdb", "spark". */
const char *engine_dialect(const struct engine *g);

/* The live files of a Delta table, as they are now. */
int engine_add_delta(struct engine *g, const char *name, const char *dir,
                     struct err *e) MUST_USE;
/* The rows of n batches with the same columns. */
int engine_add_batches(struct engine *g, const char *name,
                       const struct batch *const *batches, size_t n,
                       struct err *e) MUST_USE;
bool engine_has(const struct engine *g, const char *name);
/* It has tables of its own; none is added. */
bool engine_owns_tables(const struct engine *g);
/* Statements that are run, each time, before what is asked next; ERR_UNAVAILABLE
 * where there is no such thing. */
int engine_before(struct engine *g, struct slice statements,
                  struct err *e) MUST_USE;
/* Run a SELECT once and keep its rows under a name; a name that is there
 * already stays as it is. */
int engine_keep(struct engine *g, const char *name, const char *select,
                struct err *e) MUST_USE;
/*
 * Keep the NULL counts of every added table whose name begins with `prefix`
 * as `column_nulls` (table_name without the prefix, column_name, rows, nulls)
 * when they are known without reading the values; else *ret is false and
 * nothing is kept.
 */
int engine_keep_nulls(struct engine *g, const char *prefix, bool *ret,
                      struct err *e) MUST_USE;

/* From here on: SELECT only, nothing but the added tables is read. */
int engine_lock(struct engine *g, struct err *e) MUST_USE;
/* The rows of a SELECT; ERR_LIMIT over max_bytes, ERR_TIMEOUT. */
int engine_query(struct engine *g, const char *sql, size_t max_bytes,
                 struct frame *ret, struct err *e) MUST_USE;
/* Several at once, which costs one start instead of n; ret has n frames, on
 * success only. */
int engine_query_many(struct engine *g, const char *const *sql, size_t n,
                      size_t max_bytes, struct frame *ret,
                      struct err *e) MUST_USE;
/* Run a notebook of the workspace to its end.  The same token (at most 64
 * bytes) is the same run.  ERR_UNAVAILABLE where there are no notebooks. */
int engine_notebook(struct engine *g, const char *path, const char *interval,
                    const char *token, struct err *e) MUST_USE;
void engine_interrupt(struct engine *g);

#endif
