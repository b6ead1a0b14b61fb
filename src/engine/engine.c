#include "engine/engine.h"

#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "engine/engine_ops.h"

enum {
    NAMES_MAX = 256 /* tables and kept results of one engine */
};

extern const struct engine_ops engine_databricks;
extern const struct engine_ops engine_duckdb;
extern const struct engine_ops engine_spark;

/* Every engine, in alphabetical order. */
static const struct engine_ops *const engines[] = {
    &engine_databricks,
    &engine_duckdb,
    &engine_spark,
};

struct engine {
    const struct engine_ops *ops;
    void *impl;
    char *names[NAMES_MAX];
    size_t nnames;
};

static const struct engine_ops *find(const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
        if (strcmp(engines[i]->name, kind) == 0) {
            return engines[i];
        }
    }
    return NULL;
}

static int refuse(const char *kind, struct err *e)
{
    const char *names[ARRAY_LEN(engines)];
    const char *near;

    for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
        names[i] = engines[i]->name;
    }
    near = text_nearest(slice_of(kind), names, ARRAY_LEN(names));
    return err_set(e, ERR_INVALID,
                   "unrecognized engine \"%s\"; did you mean \"%s\"?", kind,
                   near != NULL ? near : names[0]);
}

int engine_open(struct engine **ret, const struct engine_conf *conf,
                struct err *e)
{
    const struct engine_ops *ops = find(conf->kind);
    struct engine *g;

    if (ops == NULL) {
        return refuse(conf->kind, e);
    }
    if (ops->unavailable != NULL) {
        return err_set(e, ERR_UNAVAILABLE, "engine \"%s\": %s", conf->kind,
                       ops->unavailable);
    }
    g = mem_zero(1, sizeof(*g));
    if (g == NULL) {
        return err_nomem(e, sizeof(*g));
    }
    g->ops = ops;
    if (ops->open(&g->impl, conf, e) < 0) {
        mem_free(g);
        return err_wrap(e, "could not open engine \"%s\"", conf->kind);
    }
    *ret = g;
    return 0;
}

void engine_close(struct engine *g)
{
    if (g == NULL) {
        return;
    }
    g->ops->close(g->impl);
    for (size_t i = 0; i < g->nnames; i++) {
        mem_free(g->names[i]);
    }
    mem_free(g);
}

const char *engine_version(const struct engine *g)
{
    return g->ops->version(g->impl);
}

const char *engine_dialect(const struct engine *g)
{
    return g->ops->dialect;
}

bool engine_owns_tables(const struct engine *g)
{
    return g->ops->owns_tables;
}

static int lacks(const struct engine *g, const char *what, struct err *e)
{
    return err_set(e, ERR_UNAVAILABLE, "engine \"%s\" cannot %s", g->ops->name,
                   what);
}

bool engine_has(const struct engine *g, const char *name)
{
    for (size_t i = 0; i < g->nnames; i++) {
        if (strcmp(g->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static int remember(struct engine *g, const char *name, struct err *e)
{
    if (engine_has(g, name)) {
        return 0;
    }
    if (g->nnames == NAMES_MAX) {
        return err_set(e, ERR_LIMIT, "over %d tables", NAMES_MAX);
    }
    g->names[g->nnames] = mem_text(name, strlen(name));
    if (g->names[g->nnames] == NULL) {
        return err_nomem(e, strlen(name));
    }
    g->nnames++;
    return 0;
}

int engine_add_delta(struct engine *g, const char *name, const char *dir,
                     struct err *e)
{
    return g->ops->add_delta(g->impl, name, dir, e) < 0 ? -1
                                                        : remember(g, name, e);
}

int engine_add_batches(struct engine *g, const char *name,
                       const struct batch *const *batches, size_t n,
                       struct err *e)
{
    return g->ops->add_batches(g->impl, name, batches, n, e) < 0
               ? -1
               : remember(g, name, e);
}

int engine_keep(struct engine *g, const char *name, const char *select,
                struct err *e)
{
    if (engine_has(g, name)) {
        return 0;
    }
    if (g->ops->keep == NULL) {
        return lacks(g, "keep rows under a name", e);
    }
    return g->ops->keep(g->impl, name, select, e) < 0 ? -1
                                                      : remember(g, name, e);
}

int engine_keep_nulls(struct engine *g, const char *prefix, bool *ret,
                      struct err *e)
{
    *ret = false;
    if (g->ops->keep_nulls == NULL || engine_has(g, "column_nulls")) {
        return 0;
    }
    if (g->ops->keep_nulls(g->impl, prefix, ret, e) < 0) {
        return -1;
    }
    return *ret ? remember(g, "column_nulls", e) : 0;
}

int engine_lock(struct engine *g, struct err *e)
{
    return g->ops->lock != NULL ? g->ops->lock(g->impl, e)
                                : lacks(g, "be locked for foreign SQL", e);
}

int engine_query(struct engine *g, const char *sql, size_t max_bytes,
                 struct frame *ret, struct err *e)
{
    return g->ops->query(g->impl, sql, max_bytes, ret, e);
}

int engine_query_many(struct engine *g, const char *const *sql, size_t n,
                      size_t max_bytes, struct frame *ret, struct err *e)
{
    if (g->ops->query_many != NULL) {
        return g->ops->query_many(g->impl, sql, n, max_bytes, ret, e);
    }
    for (size_t i = 0; i < n; i++) {
        if (g->ops->query(g->impl, sql[i], max_bytes, &ret[i], e) < 0) {
            while (i-- > 0) {
                frame_release(&ret[i]);
            }
            return -1;
        }
    }
    return 0;
}

int engine_before(struct engine *g, struct slice statements, struct err *e)
{
    return g->ops->before != NULL ? g->ops->before(g->impl, statements, e)
                                  : lacks(g, "run other statements first", e);
}

int engine_notebook(struct engine *g, const char *path, const char *interval,
                    const char *token, struct err *e)
{
    return g->ops->notebook != NULL
               ? g->ops->notebook(g->impl, path, interval, token, e)
               : lacks(g, "run notebooks", e);
}

void engine_interrupt(struct engine *g)
{
    if (g->ops->interrupt != NULL) {
        g->ops->interrupt(g->impl);
    }
}
