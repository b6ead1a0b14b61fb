#include "lake/delta.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/inject.h"
#include "core/mem.h"
#include "core/num.h"
#include "lake/delta_at.h"
#include "lake/delta_handle_int.h"
#include "json/json.h"

#define LOG "_delta_log/"

enum {
    TRIES_MAX = 50,       /* lost races before a commit gives up */
    CHECKPOINT_EVERY = 10 /* versions, and a tenth of the files */
};

/* --- reading the log ------------------------------------------------------------ */

/* Apply the entry after the present one; *ret false: there is none yet. */
static int read_next(struct delta *t, bool *ret, struct err *e)
{
    char what[DELTA_KEY_MAX];
    struct buf b;
    int rc;

    buf_init(&b, DELTA_LOG_MAX);
    rc = delta_log_get(t, t->s.version + 1, &b, ret, e);
    if (rc == 0 && *ret) {
        delta_log_key(what, t->s.version + 1, ".json");
        rc = delta_state_apply(&t->s, buf_slice(&b), what, e);
        t->s.version += rc == 0 ? 1 : 0;
    }
    buf_release(&b);
    return rc < 0 ? err_wrap(e, "table \"%s\"", t->dir) : 0;
}

int delta_refresh(struct delta *t, struct err *e)
{
    bool more = true;

    while (more) {
        if (read_next(t, &more, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* What the names in the log's folder say. */
struct listing {
    int64_t checkpoint; /* newest whole one, -1: none */
    int64_t last;       /* newest entry, -1: none */
    bool parts;         /* there are checkpoints in parts */
};

static bool look_at(void *arg, const struct store_object *o)
{
    struct listing *l = arg;
    const char *name = o->key + strlen(LOG);
    int64_t version;
    size_t n = 20; /* digits */

    if (strlen(name) < n || !num_i64((struct slice){name, n}, &version)) {
        return true;
    }
    if (strcmp(name + n, ".json") == 0) {
        l->last = version > l->last ? version : l->last;
    } else if (strcmp(name + n, ".checkpoint.parquet") == 0) {
        l->checkpoint = version > l->checkpoint ? version : l->checkpoint;
    } else if (strncmp(name + n, ".checkpoint.", 12) == 0) {
        l->parts = true;
    }
    return true;
}

/* The checkpoint that _last_checkpoint names, -1 when it names none: where
 * reading the list may begin. */
static int64_t hint(struct delta *t)
{
    int64_t version = -1;
    struct json_doc doc;
    struct buf b;

    buf_init(&b, 1 << 16);
    if (store_get(t->store, LOG "_last_checkpoint", &b, NULL) == 0 &&
        json_parse(&doc, buf_slice(&b), JSON_NUMBERS, NULL, NULL) == 0) {
        if (!json_get_i64(doc.root, "version", &version)) {
            version = -1;
        }
        json_release(&doc);
    }
    buf_release(&b);
    return version;
}

static int list(struct delta *t, struct listing *l, struct err *e)
{
    int64_t from = hint(t);
    char after[DELTA_KEY_MAX];

    *l = (struct listing){-1, -1, false};
    if (from >= 0) {
        delta_log_key(after, from, "");
        if (store_list(t->store, LOG, after, look_at, l, e) < 0) {
            return -1;
        }
    }
    if (l->checkpoint < 0) { /* no hint, or a wrong one */
        *l = (struct listing){-1, -1, false};
        if (store_list(t->store, LOG, NULL, look_at, l, e) < 0) {
            return -1;
        }
    }
    if (l->checkpoint < 0 && l->last < 0) {
        return err_set(e, ERR_NOTFOUND, "\"%s\" holds no Delta table", t->dir);
    }
    return 0;
}

static int load(struct delta *t, struct err *e)
{
    struct listing l;

    if (list(t, &l, e) < 0) {
        return -1;
    }
    if (l.checkpoint >= 0) {
        if (delta_checkpoint_read(t, l.checkpoint, e) < 0) {
            return -1;
        }
        t->s.version = l.checkpoint;
        t->checkpointed = l.checkpoint;
    }
    if (delta_refresh(t, e) < 0) {
        return -1;
    }
    if (t->s.version < l.last) {
        return err_set(e, l.parts ? ERR_UNAVAILABLE : ERR_CORRUPT,
                       "table \"%s\": log entry %lld is missing%s", t->dir,
                       (long long)t->s.version + 1,
                       l.parts ? "; checkpoints in parts are not understood"
                               : "");
    }
    if (t->s.id == NULL || t->s.schema == NULL || t->s.min_reader == 0) {
        return err_set(e, ERR_CORRUPT,
                       "table \"%s\": the log says nothing about %s", t->dir,
                       t->s.min_reader == 0 ? "the protocol" : "the schema");
    }
    return 0;
}

/* --- open and create ------------------------------------------------------------ */

int delta_open(struct delta **ret, const char *url, struct duck *duck,
               struct err *e)
{
    return delta_open_at(ret, url, NULL, duck, e);
}

int delta_open_at(struct delta **ret, const char *url,
                  const struct store_conf *where, struct duck *duck,
                  struct err *e)
{
    struct delta *t;

    if (delta_handle_new(&t, url, where, duck, e) < 0) {
        return -1;
    }
    if (load(t, e) < 0) {
        delta_close(t);
        return -1;
    }
    *ret = t;
    return 0;
}

int delta_create(struct delta **ret, const char *url,
                 const struct delta_schema *schema, struct duck *duck,
                 struct err *e)
{
    return delta_create_at(ret, url, NULL, schema, duck, e);
}

int delta_create_at(struct delta **ret, const char *url,
                    const struct store_conf *where,
                    const struct delta_schema *schema, struct duck *duck,
                    struct err *e)
{
    struct delta_change c = {.operation = "CREATE TABLE", .schema = schema};
    struct delta *t;

    if (delta_handle_new(&t, url, where, duck, e) < 0) {
        return -1;
    }
    if (delta_refresh(t, e) < 0) {
        delta_close(t);
        return -1;
    }
    if (t->s.version >= 0) {
        delta_close(t);
        return err_set(e, ERR_EXISTS, "\"%s\" holds a Delta table already",
                       url);
    }
    if (delta_commit(t, &c, e) < 0) {
        delta_close(t);
        return -1;
    }
    *ret = t;
    return 0;
}

/* --- committing ----------------------------------------------------------------------- */

static int check_fences(const struct delta *t, const struct delta_change *c,
                        struct err *e)
{
    for (size_t i = 0; i < c->nmoves; i++) {
        const struct delta_move *m = &c->moves[i];
        int64_t at = delta_position(t, m->app);

        if (m->to < m->from) {
            return err_set(e, ERR_INVALID,
                           "\"%s\" would move from %lld to %lld", m->app,
                           (long long)m->from, (long long)m->to);
        }
        if (c->replace || at == m->from) {
            continue;
        }
        return err_set(
            e, ERR_FENCED,
            "table \"%s\" stands at offset %lld of \"%s\", not at %lld%s",
            t->dir, (long long)at, m->app, (long long)m->from,
            m->to < at ? " (was the topic made anew?)"
                       : "; another writer was here");
    }
    return 0;
}

static int check_change(const struct delta *t, const struct delta_change *c,
                        struct err *e)
{
    const char *append_only = delta_prop(t, "delta.appendOnly");

    if (t->s.min_writer > 2) {
        return err_set(e, ERR_UNAVAILABLE,
                       "table \"%s\" needs Delta writer version %d; version 2 "
                       "is what we write",
                       t->dir, t->s.min_writer);
    }
    if (c->replace && append_only != NULL && strcmp(append_only, "true") == 0) {
        return err_set(e, ERR_DENIED,
                       "table \"%s\" is append-only (delta.appendOnly)",
                       t->dir);
    }
    if (c->schema != NULL && !c->replace && t->s.version >= 0) {
        bool more;

        if (delta_check_schema(t, c->schema->defs, c->schema->columns, &more,
                               e) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < c->nremoves; i++) {
        if (!delta_state_has(&t->s, c->removes[i])) {
            return err_set(e, ERR_CONFLICT,
                           "table \"%s\": the file \"%s\" was taken away by "
                           "another writer",
                           t->dir, c->removes[i]);
        }
    }
    return check_fences(t, c, e);
}

/* Positions of ours that this replacement does not set go back to 0. */
static int put_resets(const struct delta *t, const struct delta_change *c,
                      int64_t now_ms, struct buf *b, struct err *e)
{
    for (size_t i = 0; i < t->s.napps; i++) {
        const char *app = t->s.apps[i].name;
        bool moved = strncmp(app, "pinline:", 8) != 0;

        for (size_t k = 0; k < c->nmoves && !moved; k++) {
            moved = strcmp(app, c->moves[k].app) == 0;
        }
        if (!moved && delta_put_txn(b, app, 0, now_ms, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int put_files(const struct delta *t, const struct delta_change *c,
                     int64_t now_ms, struct buf *b, struct err *e)
{
    for (size_t i = 0; i < t->s.nfiles && c->replace; i++) {
        if (delta_put_remove(b, t->s.files[i].path, true, now_ms, e) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < c->nremoves; i++) {
        if (delta_put_remove(b, c->removes[i], !c->rearrange, now_ms, e) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < c->nadds; i++) {
        struct delta_file f = {.path = c->adds[i].path,
                               .values = c->adds[i].values,
                               .stats = c->adds[i].stats,
                               .bytes = c->adds[i].bytes,
                               .time_ms = now_ms};

        if (delta_put_add(b, &f, !c->rearrange, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int build(struct delta *t, const struct delta_change *c, struct buf *b,
                 struct err *e)
{
    int64_t now_ms = clock_wall_us() / 1000;
    char id[33];

    if (delta_random(id, e) < 0 || delta_put_info(b, c, now_ms, id, e) < 0 ||
        (t->s.version < 0 && delta_put_protocol(b, e) < 0) ||
        (c->schema != NULL &&
         delta_put_schema(t, c->schema, now_ms, b, e) < 0)) {
        return -1;
    }
    for (size_t i = 0; i < c->nmoves; i++) {
        if (delta_put_txn(b, c->moves[i].app, c->moves[i].to, now_ms, e) < 0) {
            return -1;
        }
    }
    if (c->replace && put_resets(t, c, now_ms, b, e) < 0) {
        return -1;
    }
    return put_files(t, c, now_ms, b, e);
}

/* One try; *ret_lost: somebody else took the version, which was now read. */
static int try_commit(struct delta *t, const struct delta_change *c,
                      bool *ret_lost, struct err *e)
{
    struct buf b;
    int rc = -1;

    *ret_lost = false;
    buf_init(&b, DELTA_LOG_MAX);
    if (check_change(t, c, e) < 0 || build(t, c, &b, e) < 0) {
        goto out;
    }
    INJECT(delta_before_log);
    if (delta_log_put(t, t->s.version + 1, buf_slice(&b), ret_lost, e) < 0) {
        goto out;
    }
    if (*ret_lost) {
        rc = delta_refresh(t, e);
        goto out;
    }
    INJECT(delta_after_log);
    rc = delta_state_apply(&t->s, buf_slice(&b), t->dir, e);
    t->s.version += rc == 0 ? 1 : 0;
out:
    buf_release(&b);
    return rc;
}

/* A checkpoint costs what it holds: large ones come seldom. */
static bool due(const struct delta *t)
{
    int64_t since = t->s.version - (t->checkpointed > 0 ? t->checkpointed : 0);
    int64_t holds = (int64_t)(t->s.nfiles + t->s.ngone);

    return since >= CHECKPOINT_EVERY && since >= holds / CHECKPOINT_EVERY;
}

int delta_commit(struct delta *t, const struct delta_change *c, struct err *e)
{
    bool lost = true;

    for (int i = 0; lost; i++) {
        int64_t before = t->s.version;

        if (i == TRIES_MAX) {
            return err_set(e, ERR_CONFLICT,
                           "table \"%s\": lost %d races with other writers",
                           t->dir, TRIES_MAX);
        }
        if (try_commit(t, c, &lost, e) < 0) {
            return -1;
        }
        if (lost && before < 0 && c->schema != NULL) {
            return err_set(e, ERR_EXISTS,
                           "\"%s\" was made a table by somebody else", t->dir);
        }
    }
    return due(t) ? delta_checkpoint(t, e) : 0;
}

/* --- questions ------------------------------------------------------------------------ */

int64_t delta_version(const struct delta *t)
{
    return t->s.version;
}

const char *delta_prop(const struct delta *t, const char *name)
{
    return delta_state_prop(&t->s, name);
}

int64_t delta_position(const struct delta *t, const char *app)
{
    int64_t at = delta_state_position(&t->s, app);

    return at < 0 ? 0 : at;
}

size_t delta_files(const struct delta *t)
{
    return t->s.nfiles;
}

int64_t delta_rows(const struct delta *t)
{
    int64_t rows = 0;

    for (size_t i = 0; i < t->s.nfiles; i++) {
        if (t->s.files[i].rows < 0) {
            return -1;
        }
        rows += t->s.files[i].rows;
    }
    return rows;
}

int64_t delta_bytes(const struct delta *t)
{
    int64_t bytes = 0;

    for (size_t i = 0; i < t->s.nfiles; i++) {
        bytes += t->s.files[i].bytes;
    }
    return bytes;
}
