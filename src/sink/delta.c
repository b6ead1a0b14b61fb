/* delta.c - cleaned rows into a Delta table; its txn is the position. */
#include <inttypes.h>
#include <string.h>

#include "core/mem.h"
#include "lake/delta_at.h"
#include "sink/sink_ops.h"

enum {
    FILE_BYTES = 128 << 20,  /* rows in memory that become a data file */
    DIRECT_BYTES = 16 << 20, /* a batch of this size is not copied first */
    SPANS_MAX = 4096,        /* partitions in one commit */
    FILES_MAX = 100000,      /* data files in one commit */
    APP_MAX = 4096,
};

/* How far one partition goes with the next commit. */
struct reach {
    char *app;
    int64_t from, to;
};

struct delta_sink {
    struct sink_conf conf;
    struct delta *t;
    struct batch rows;
    struct reach *reaches;
    size_t nreaches;
    struct delta_adds adds;
    bool replace;    /* the next commit replaces what is there */
    bool new_schema; /* the next commit adds columns or properties */
};

static int make_app(const struct delta_sink *s, const struct span *where,
                    char **ret, struct err *e)
{
    struct buf b;
    const char *text;
    int rc = -1;

    buf_init(&b, APP_MAX);
    if (delta_app(&b, s->conf.pipeline, where, e) == 0 &&
        buf_text(&b, &text, e) == 0) {
        *ret = mem_text(text, b.len);
        rc = *ret != NULL ? 0 : err_nomem(e, b.len);
    }
    buf_release(&b);
    return rc;
}

static void fill_schema(const struct delta_sink *s, struct delta_prop props[4],
                        struct delta_schema *ret)
{
    props[0] = (struct delta_prop){"pinline.pipeline", s->conf.pipeline};
    props[1] = (struct delta_prop){"pinline.specHash", s->conf.spec_hash};
    props[2] = (struct delta_prop){"pinline.table", s->conf.table};
    props[3] = (struct delta_prop){"delta.logRetentionDuration",
                                   s->conf.log_retention};
    *ret =
        (struct delta_schema){.defs = s->conf.defs,
                              .columns = s->conf.columns,
                              .props = props,
                              .nprops = s->conf.log_retention != NULL ? 4 : 3,
                              .parts = s->conf.parts,
                              .nparts = s->conf.nparts};
}

static bool same(const char *a, const char *b)
{
    return a != NULL && strcmp(a, b) == 0;
}

/* May this pipeline with this spec go on with the table that is there? */
static int check_table(struct delta_sink *s, struct err *e)
{
    const char *owner = delta_prop(s->t, "pinline.pipeline");
    const char *hash = delta_prop(s->t, "pinline.specHash");
    bool more = false;

    if (!same(owner, s->conf.pipeline)) {
        return err_set(e, ERR_DENIED,
                       "table \"%s\" belongs to %s%s, not to pipeline \"%s\"; "
                       "give each its own tables (--set tables.dir=DIR)",
                       s->conf.dir, owner != NULL ? "pipeline " : "",
                       owner != NULL ? owner : "no pipeline of ours",
                       s->conf.pipeline);
    }
    if (s->conf.replace) {
        s->new_schema = true;
        return 0;
    }
    if (delta_check_schema(s->t, s->conf.defs, s->conf.columns, &more, e) < 0) {
        return err_wrap(e, "the spec has changed (run %s --full)",
                        s->conf.pipeline);
    }
    if (delta_check_parts(s->t, s->conf.parts, s->conf.nparts, e) < 0) {
        return err_wrap(e, "the settings have changed (run %s --full)",
                        s->conf.pipeline);
    }
    if (!more && !same(hash, s->conf.spec_hash)) {
        return err_set(e, ERR_INVALID,
                       "table \"%s\" was cleaned by another spec (hash %s, "
                       "now %s); run %s --full",
                       s->conf.dir, hash != NULL ? hash : "not known",
                       s->conf.spec_hash, s->conf.pipeline);
    }
    s->new_schema = more;
    return 0;
}

static int open_table(struct delta_sink *s, struct err *e)
{
    struct delta_prop props[4];
    struct delta_schema schema;
    struct err why = {0};

    if (s->conf.read_only) {
        if (delta_open_at(&s->t, s->conf.dir, s->conf.store, NULL, &why) < 0 &&
            why.code != ERR_NOTFOUND) {
            return err_set(e, why.code, "%s", why.msg);
        }
        return 0;
    }
    if (delta_open_at(&s->t, s->conf.dir, s->conf.store, NULL, &why) == 0) {
        s->replace = s->conf.replace;
        return check_table(s, e);
    }
    if (why.code == ERR_NOTFOUND) {
        fill_schema(s, props, &schema);
        if (delta_create_at(&s->t, s->conf.dir, s->conf.store, &schema, NULL,
                            &why) == 0) {
            return 0;
        }
        if (why.code == ERR_EXISTS) {
            /* somebody was faster; their table is as good */
            return delta_open_at(&s->t, s->conf.dir, s->conf.store, NULL, e) < 0
                       ? -1
                       : check_table(s, e);
        }
    }
    if (e != NULL) {
        *e = why;
    }
    return -1;
}

static void forget(struct delta_sink *s)
{
    for (size_t i = 0; i < s->nreaches; i++) {
        mem_free(s->reaches[i].app);
    }
    delta_adds_release(&s->adds);
    s->nreaches = 0;
    batch_clear(&s->rows);
}

/* Data files that no commit names are taken back. */
static void delta_sink_close(void *sink)
{
    struct delta_sink *s = sink;

    if (s->t != NULL) {
        delta_unwrite(s->t, &s->adds);
    }
    forget(s);
    if (s->rows.cols != NULL) {
        batch_release(&s->rows);
    }
    mem_free(s->reaches);
    delta_close(s->t);
    mem_free(s);
}

static const char *delta_sink_owner(const void *sink)
{
    const struct delta_sink *s = sink;

    return s->t != NULL ? delta_prop(s->t, "pinline.pipeline") : NULL;
}

static int delta_sink_open(void **sink, const struct sink_conf *conf,
                           struct err *e)
{
    struct delta_sink *s;

    if (conf->dir == NULL || conf->defs == NULL || conf->columns == 0 ||
        (conf->pipeline == NULL && !conf->read_only) ||
        conf->spec_hash == NULL || conf->table == NULL) {
        return err_set(e, ERR_INVALID,
                       "a folder, columns, pipeline, table and spec hash are "
                       "needed");
    }
    s = mem_zero(1, sizeof(*s));
    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    s->conf = *conf;
    if (batch_init(&s->rows, conf->defs, conf->columns, e) < 0 ||
        open_table(s, e) < 0) {
        delta_sink_close(s);
        return -1;
    }
    if (s->conf.pipeline == NULL) {
        s->conf.pipeline = delta_sink_owner(s);
    }
    *sink = s;
    return 0;
}

static struct reach *find(struct delta_sink *s, const char *app)
{
    for (size_t i = 0; i < s->nreaches; i++) {
        if (strcmp(s->reaches[i].app, app) == 0) {
            return &s->reaches[i];
        }
    }
    return NULL;
}

static int delta_sink_position(void *sink, const struct span *where,
                               int64_t *ret, struct err *e)
{
    struct delta_sink *s = sink;
    const struct reach *r;
    char *app;

    if (s->t == NULL || s->conf.pipeline == NULL) { /* nothing to read */
        *ret = 0;
        return 0;
    }
    if (make_app(s, where, &app, e) < 0) {
        return -1;
    }
    r = find(s, app);
    if (r != NULL) {
        *ret = r->to;
    } else {
        *ret = s->replace ? 0 : delta_position(s->t, app);
    }
    mem_free(app);
    return 0;
}

/* The span follows what this partition has in the coming commit. */
static int extend(struct delta_sink *s, const struct span *span, struct err *e)
{
    struct reach *more;
    struct reach *r;
    char *app;

    if (make_app(s, span, &app, e) < 0) {
        return -1;
    }
    r = find(s, app);
    if (r != NULL) {
        mem_free(app);
        if (sink_expect(r->to, span, e) < 0) {
            return -1;
        }
        r->to = span->to;
        return 0;
    }
    more = s->nreaches < SPANS_MAX
               ? mem_resize(s->reaches, s->nreaches + 1, sizeof(*more))
               : NULL;
    if (more == NULL) {
        mem_free(app);
        return err_set(e, ERR_LIMIT, "over %d partitions in one commit",
                       SPANS_MAX);
    }
    s->reaches = more;
    more[s->nreaches++] = (struct reach){app, span->from, span->to};
    return 0;
}

static int write_file(struct delta_sink *s, const struct batch *rows,
                      struct err *e)
{
    struct delta_prop props[4];
    struct delta_schema schema;

    if (s->adds.n >= FILES_MAX) {
        return err_set(e, ERR_LIMIT, "over %d data files in one commit",
                       FILES_MAX);
    }
    fill_schema(s, props, &schema);
    return delta_write(s->t, s->replace ? &schema : NULL, rows, &s->adds, e);
}

static int write_buffered(struct delta_sink *s, struct err *e)
{
    if (s->rows.rows == 0) {
        return 0;
    }
    if (write_file(s, &s->rows, e) < 0) {
        return -1;
    }
    batch_clear(&s->rows);
    return 0;
}

static int delta_sink_write(void *sink, const struct span *span,
                            const struct batch *rows, struct err *e)
{
    struct delta_sink *s = sink;
    int rc = 0;

    if (rows->columns != s->conf.columns) {
        return err_set(e, ERR_INVALID, "%zu columns came, %zu are expected",
                       rows->columns, s->conf.columns);
    }
    if (rows->bytes >= DIRECT_BYTES && s->rows.rows == 0) {
        rc = write_file(s, rows, e);
    } else if (rows->rows > 0) {
        rc = batch_append(&s->rows, rows, 0, rows->rows, e);
    }
    if (rc == 0 && s->rows.bytes >= FILE_BYTES) {
        rc = write_buffered(s, e);
    }
    return rc < 0 ? -1 : extend(s, span, e);
}

static int commit(struct delta_sink *s, struct err *e)
{
    struct delta_move *moves = mem_zero(s->nreaches + 1, sizeof(*moves));
    struct delta_prop props[4];
    struct delta_schema schema;
    struct delta_change c = {.operation = s->replace ? "REPLACE" : "WRITE",
                             .adds = s->adds.items,
                             .nadds = s->adds.n,
                             .moves = moves,
                             .nmoves = s->nreaches,
                             .replace = s->replace};
    int rc;

    if (moves == NULL) {
        return err_nomem(e, (s->nreaches + 1) * sizeof(*moves));
    }
    for (size_t i = 0; i < s->nreaches; i++) {
        moves[i] = (struct delta_move){s->reaches[i].app, s->reaches[i].from,
                                       s->reaches[i].to};
    }
    if (s->new_schema) {
        fill_schema(s, props, &schema);
        c.schema = &schema;
    }
    rc = delta_commit(s->t, &c, e);
    mem_free(moves);
    return rc;
}

static int delta_sink_commit(void *sink, bool flush, struct err *e)
{
    struct delta_sink *s = sink;

    (void)flush;
    if (s->nreaches == 0 && !s->replace) {
        return 0;
    }
    if (write_buffered(s, e) < 0 || commit(s, e) < 0) {
        return -1;
    }
    forget(s);
    s->replace = false;
    s->new_schema = false;
    return 0;
}

extern const struct sink_ops sink_delta;
const struct sink_ops sink_delta = {
    .name = "delta",
    .help = "cleaned rows as a Delta table in a folder",
    .takes = SINK_ROWS,
    .open = delta_sink_open,
    .owner = delta_sink_owner,
    .position = delta_sink_position,
    .write_rows = delta_sink_write,
    .commit = delta_sink_commit,
    .close = delta_sink_close,
};
