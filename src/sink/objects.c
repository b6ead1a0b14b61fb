/*
 * objects.c - JSON objects in a folder, named as Confluent's sink names them:
 * topics/<topic>/partition=<p>/<topic>+<p>+<10-digit offset>.json[.gz].
 *
 * An object holds the messages of a range [from, to) that are JSON text, one
 * compact document a line; its name says `from`.  The range is stored by
 * hooks.plan() before the object is published, so that whatever happens
 * between, a later run writes the same bytes under the same name.  What is no
 * JSON text, and tombstones, go to hooks.reject(); they use no line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/compress.h"
#include "core/fs.h"
#include "core/inject.h"
#include "core/mem.h"
#include "sink/sink_ops.h"
#include "json/json.h"

enum {
    PARTS_MAX = 65536,
    POOL_BYTES = 1 << 20,
    DEFAULT_FLUSH_BYTES = 64000000,
};
/* An object is built in memory; one value may exceed flush_bytes. */
#define OBJECT_BYTES_MAX ((size_t)1 << 30)

struct part {
    char topic[TOPIC_NAME_MAX + 1];
    int64_t epoch;
    int32_t partition;
    int64_t from;     /* first offset of the open object */
    int64_t next;     /* one past the last offset taken */
    int64_t plan;     /* where a planned object ends; -1 */
    int64_t first_us; /* when the open object's first message came */
    struct sink_counts counts;
    struct buf bytes;
};

struct objects {
    struct sink_conf conf;
    char *dir;
    struct part **parts;
    size_t n, cap;
    yyjson_alc alc;
    void *pool;
    struct buf packed;
};

static void objects_close(void *sink)
{
    struct objects *o = sink;

    if (o == NULL) {
        return;
    }
    for (size_t i = 0; i < o->n; i++) {
        buf_release(&o->parts[i]->bytes);
        mem_free(o->parts[i]);
    }
    mem_free(o->parts);
    buf_release(&o->packed);
    mem_free(o->pool);
    mem_free(o->dir);
    mem_free(o);
}

static int objects_open(void **sink, const struct sink_conf *conf,
                        struct err *e)
{
    struct objects *o = mem_zero(1, sizeof(*o));

    if (o == NULL) {
        return err_nomem(e, sizeof(*o));
    }
    o->conf = *conf;
    if (o->conf.topics_dir == NULL) {
        o->conf.topics_dir = "topics";
    }
    if (o->conf.flush_bytes == 0) {
        o->conf.flush_bytes = DEFAULT_FLUSH_BYTES;
    }
    buf_init(&o->packed, OBJECT_BYTES_MAX);
    o->dir = mem_text(conf->dir, strlen(conf->dir));
    o->pool = mem_resize(NULL, POOL_BYTES, 1);
    if (o->dir == NULL || o->pool == NULL) {
        err_nomem(e, POOL_BYTES);
        goto fail;
    }
    if (fs_make_folders(o->dir, e) < 0) {
        goto fail;
    }
    *sink = o;
    return 0;

fail:
    objects_close(o);
    return -1;
}

static struct part *find(const struct objects *o, const struct span *s)
{
    for (size_t i = 0; i < o->n; i++) {
        struct part *p = o->parts[i];

        if (p->partition == s->partition && p->epoch == s->epoch &&
            strcmp(p->topic, s->topic) == 0) {
            return p;
        }
    }
    return NULL;
}

static int objects_position(void *sink, const struct span *where, int64_t *ret,
                            struct err *e)
{
    struct objects *o = sink;
    const struct part *p = find(o, where);
    int64_t next;

    if (p != NULL) {
        *ret = p->next;
        return 0;
    }
    if (o->conf.hooks.position(o->conf.hooks.arg, where, &next, e) < 0) {
        return -1;
    }
    *ret = next < 0 ? 0 : next;
    return 0;
}

static struct part *add_part(struct objects *o, const struct span *s,
                             struct err *e)
{
    struct part *p;

    if (o->n == PARTS_MAX) {
        err_set(e, ERR_LIMIT, "more than %d partitions in one sink", PARTS_MAX);
        return NULL;
    }
    if (o->n == o->cap) {
        size_t cap = o->cap ? o->cap * 2 : 8;
        struct part **grown = mem_resize(o->parts, cap, sizeof(*grown));

        if (grown == NULL) {
            err_nomem(e, cap * sizeof(*grown));
            return NULL;
        }
        o->parts = grown;
        o->cap = cap;
    }
    p = mem_zero(1, sizeof(*p));
    if (p == NULL) {
        err_nomem(e, sizeof(*p));
        return NULL;
    }
    (void)snprintf(p->topic, sizeof(p->topic), "%s", s->topic);
    p->epoch = s->epoch;
    p->partition = s->partition;
    p->plan = -1;
    buf_init(&p->bytes, OBJECT_BYTES_MAX);
    if (objects_position(o, s, &p->next, e) < 0 ||
        o->conf.hooks.planned(o->conf.hooks.arg, s, &p->plan, e) < 0) {
        mem_free(p);
        return NULL;
    }
    p->from = p->next;
    o->parts[o->n++] = p;
    return p;
}

static struct span range(const struct part *p)
{
    return (struct span){p->topic, p->epoch, p->partition, p->from, p->next};
}

/* The folder is made, and path filled. */
static int object_path(const struct objects *o, const struct part *p,
                       char path[FS_PATH_MAX], struct err *e)
{
    const char *top = o->conf.topics_dir;
    char dir[FS_PATH_MAX];
    int n = snprintf(dir, sizeof(dir), "%s/%s%s%s/partition=%" PRId32, o->dir,
                     top, top[0] ? "/" : "", p->topic, p->partition);

    if (n < 0 || (size_t)n >= sizeof(dir)) {
        return err_set(e, ERR_LIMIT, "path \"%.80s...\" is too long", o->dir);
    }
    if (fs_make_folders(dir, e) < 0) {
        return -1;
    }
    n = snprintf(path, FS_PATH_MAX, "%s/%s+%" PRId32 "+%010" PRId64 ".json%s",
                 dir, p->topic, p->partition, p->from,
                 o->conf.gzip ? ".gz" : "");
    if (n < 0 || n >= FS_PATH_MAX) {
        return err_set(e, ERR_LIMIT, "path \"%.80s...\" is too long", dir);
    }
    return 0;
}

/* An object that is there already must hold the same text. */
static int compare(const char *path, struct slice want, struct err *e)
{
    struct buf stored;
    struct buf plain;
    int rc = -1;

    buf_init(&stored, OBJECT_BYTES_MAX);
    buf_init(&plain, OBJECT_BYTES_MAX);
    if (fs_read(path, &stored, e) < 0 ||
        compress_unpack(compress_sniff(buf_slice(&stored)), buf_slice(&stored),
                        &plain, e) < 0) {
        goto out;
    }
    if (!slice_eq(buf_slice(&plain), want)) {
        err_set(
            e, ERR_CORRUPT,
            "object \"%s\" exists with other content; it was written by "
            "another topic of this name: move it away or use another folder",
            path);
        goto out;
    }
    rc = 0;
out:
    buf_release(&plain);
    buf_release(&stored);
    return rc;
}

static int publish(struct objects *o, struct part *p, struct err *e)
{
    char path[FS_PATH_MAX];
    struct slice bytes;

    if (o->conf.array && buf_puts(&p->bytes, "]\n", e) < 0) {
        return -1;
    }
    bytes = buf_slice(&p->bytes);
    if (object_path(o, p, path, e) < 0) {
        return -1;
    }
    if (fs_exists(path)) {
        return compare(path, bytes, e);
    }
    if (o->conf.gzip) {
        buf_clear(&o->packed);
        if (compress_gzip(bytes, &o->packed, e) < 0) {
            return err_wrap(e, "object \"%s\"", path);
        }
        bytes = buf_slice(&o->packed);
    }
    return fs_publish(path, bytes, e);
}

/* End the open object at p->next and begin the next one. */
static int cut(struct objects *o, struct part *p, struct err *e)
{
    const struct sink_hooks *h = &o->conf.hooks;
    struct span s = range(p);

    if (p->plan < 0) {
        INJECT(objects_before_plan);
        if (h->plan(h->arg, &s, e) < 0) {
            return -1;
        }
        p->plan = p->next;
    }
    INJECT(objects_before_publish);
    if (p->counts.written > 0 && publish(o, p, e) < 0) {
        return -1;
    }
    INJECT(objects_before_commit);
    if (h->done(h->arg, &s, &p->counts, e) < 0) {
        return -1;
    }
    p->from = p->next;
    p->plan = -1;
    p->counts = (struct sink_counts){0};
    buf_clear(&p->bytes);
    return 0;
}

static int reject(struct objects *o, const struct part *p,
                  const struct message *m, const char *rule,
                  const struct err *why, struct err *e)
{
    const struct sink_hooks *h = &o->conf.hooks;
    struct span s = range(p);

    s.from = m->offset;
    s.to = m->offset + 1;
    return h->reject(h->arg, &s, m, rule, why->msg, e);
}

static int append_value(struct objects *o, struct part *p, yyjson_val *v,
                        struct err *e)
{
    if (o->conf.array &&
        buf_putc(&p->bytes, p->counts.written == 0 ? '[' : ',', e) < 0) {
        return -1;
    }
    if (json_print(&p->bytes, v, JSON_ESCAPE_ASTRAL, e) < 0) {
        return -1;
    }
    return o->conf.array ? 0 : buf_putc(&p->bytes, '\n', e);
}

/* One message into the open object, or aside. */
static int take(struct objects *o, struct part *p, const struct message *m,
                struct err *e)
{
    struct json_doc d = {0};
    struct err why = {0};
    int rc = -1;

    if (!m->has_value) {
        (void)snprintf(why.msg, sizeof(why.msg), "no value");
        p->counts.skipped++;
        return reject(o, p, m, "tombstone", &why, e);
    }
    yyjson_alc_pool_init(&o->alc, o->pool, POOL_BYTES);
    if (json_parse(&d, m->value, 0,
                   m->value.len < POOL_BYTES / 16 ? &o->alc : NULL, &why) < 0) {
        if (why.code == ERR_NOMEM) {
            *e = why;
            return -1;
        }
        p->counts.rejected++;
        return reject(o, p, m, "not_json", &why, e);
    }
    rc = append_value(o, p, d.root, e);
    json_release(&d);
    if (rc == 0) {
        p->counts.written++;
    }
    return rc;
}

static bool full(const struct objects *o, const struct part *p)
{
    if (p->plan >= 0) {
        return p->next >= p->plan;
    }
    return (o->conf.flush_records > 0 &&
            p->counts.written >= o->conf.flush_records) ||
           (int64_t)p->bytes.len >= o->conf.flush_bytes;
}

/* Retention took offsets that were never read: an object has no gap in it. */
static int skip_gap(struct objects *o, struct part *p, int64_t offset,
                    struct err *e)
{
    if (p->next > p->from && cut(o, p, e) < 0) {
        return -1;
    }
    p->from = offset;
    p->next = offset;
    return 0;
}

static int objects_write(void *sink, const struct span *span,
                         const struct message *m, size_t n, struct err *e)
{
    struct objects *o = sink;
    struct part *p = find(o, span);

    if (p == NULL) {
        p = add_part(o, span, e);
    }
    if (p == NULL) {
        return -1;
    }
    if (span->from != p->next) {
        return err_set(e, ERR_FENCED,
                       "topic \"%s\" partition %" PRId32 ": got offset %" PRId64
                       ", but the output is at %" PRId64,
                       p->topic, p->partition, span->from, p->next);
    }
    for (size_t i = 0; i < n; i++) {
        if (m[i].offset != p->next && skip_gap(o, p, m[i].offset, e) < 0) {
            return -1;
        }
        if (p->next == p->from) {
            p->first_us = clock_mono_us();
        }
        if (take(o, p, &m[i], e) < 0) {
            return err_wrap(e, "topic \"%s\" offset %" PRId64, p->topic,
                            m[i].offset);
        }
        p->next = m[i].offset + 1;
        if (full(o, p) && cut(o, p, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int objects_commit(void *sink, bool flush, struct err *e)
{
    struct objects *o = sink;
    int64_t now = clock_mono_us();

    for (size_t i = 0; i < o->n; i++) {
        struct part *p = o->parts[i];
        bool late =
            o->conf.flush_us > 0 && now - p->first_us >= o->conf.flush_us;

        /* a planned object waits until its range is complete */
        if (p->next > p->from && p->plan < 0 && (flush || late) &&
            cut(o, p, e) < 0) {
            return -1;
        }
    }
    return 0;
}

extern const struct sink_ops sink_objects;
const struct sink_ops sink_objects = {
    .name = "objects",
    .help = "JSON objects in a folder, with the names of Confluent's S3 sink",
    .takes = SINK_MESSAGES,
    .open = objects_open,
    .position = objects_position,
    .write_messages = objects_write,
    .commit = objects_commit,
    .close = objects_close,
};
