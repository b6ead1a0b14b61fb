/*
 * objects.c - JSON objects in a store, named as Confluent's sink names them
 * (sink/objects.h).
 *
 * A range [from, to) of a topic partition is cut by count, size or time, and
 * becomes one object, or, with a partitioner, one for each place; they hold
 * the messages that are JSON text, one compact document a line.  The ranges
 * are stored by hooks.plan() before the first object is put, so that whatever
 * happens between, a later run writes the same bytes under the same names.
 * Several ranges of a partition may be under way at once; they are done in
 * order.  What is no JSON text, and tombstones, go to hooks.reject(); they use
 * no line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "sink/objects_int.h"

enum {
    PARTS_MAX = 65536,
    PLACES_MAX = 512, /* objects of one range */
    POOL_BYTES = 1 << 20,
    DEFAULT_FLUSH_BYTES = 64000000,
    MEMORY_BYTES = 128000000,
};

static void free_part(struct objects_part *p)
{
    objects_job_free(p->open);
    while (p->head != NULL) {
        struct objects_job *j = p->head;

        p->head = j->next;
        objects_job_free(j);
    }
    mem_free(p);
}

static void objects_close(void *sink)
{
    struct objects *o = sink;

    objects_crew_close(o->crew); /* before the jobs that it looks at */
    for (size_t i = 0; i < o->n; i++) {
        free_part(o->parts[i]);
    }
    objects_namer_release(&o->namer);
    mem_free(o->parts);
    mem_free(o->pool);
    mem_free(o);
}

static int open_crew(struct objects *o, struct err *e)
{
    struct objects_crew_conf crew = {.gzip = o->conf.gzip,
                                     .workers = o->namer.o.workers};

    if (o->conf.store != NULL) {
        crew.store = *o->conf.store;
    }
    crew.store.url = o->conf.dir;
    if (!store_url_is_remote(o->conf.dir) &&
        fs_make_folders(o->conf.dir, e) < 0) {
        return -1;
    }
    return objects_crew_open(&o->crew, &crew, e);
}

static int objects_open(void **sink, const struct sink_conf *conf,
                        struct err *e)
{
    struct objects *o = mem_zero(1, sizeof(*o));

    if (o == NULL) {
        return err_nomem(e, sizeof(*o));
    }
    o->conf = *conf;
    if (o->conf.flush_bytes == 0) {
        o->conf.flush_bytes = DEFAULT_FLUSH_BYTES;
    }
    o->pool = mem_resize(NULL, POOL_BYTES, 1);
    if (o->pool == NULL) {
        err_nomem(e, POOL_BYTES);
        goto fail;
    }
    if (objects_namer_init(&o->namer, conf->objects, e) < 0 ||
        open_crew(o, e) < 0) {
        goto fail;
    }
    if (o->namer.o.memory_bytes == 0) {
        o->namer.o.memory_bytes = 2 * o->conf.flush_bytes > MEMORY_BYTES
                                      ? 2 * o->conf.flush_bytes
                                      : MEMORY_BYTES;
    }
    *sink = o;
    return 0;

fail:
    objects_close(o);
    return -1;
}

static struct objects_part *find(const struct objects *o, const struct span *s)
{
    for (size_t i = 0; i < o->n; i++) {
        struct objects_part *p = o->parts[i];

        if (p->partition == s->partition && p->epoch == s->epoch &&
            strcmp(p->topic, s->topic) == 0) {
            return p;
        }
    }
    return NULL;
}

static void objects_forget(void *sink, const struct span *where)
{
    struct objects *o = sink;
    struct objects_part *p = find(o, where);
    size_t i = 0;

    if (p == NULL) {
        return;
    }
    /* what a worker has in hand is its own until it is done; the same bytes
     * will be written again by whoever goes on */
    for (struct objects_job *j = p->head; j != NULL; j = j->next) {
        if (j->given) {
            (void)objects_crew_finished(o->crew, j, true);
        }
    }
    while (o->parts[i] != p) {
        i++;
    }
    o->parts[i] = o->parts[--o->n];
    o->open_bytes -= objects_job_held(p->open);
    free_part(p);
}

static int objects_position(void *sink, const struct span *where, int64_t *ret,
                            struct err *e)
{
    struct objects *o = sink;
    const struct objects_part *p = find(o, where);
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

/* --- parts --------------------------------------------------------------------- */

static int grow(struct objects *o, struct err *e)
{
    size_t cap = o->cap ? o->cap * 2 : 8;
    struct objects_part **grown;

    if (o->n == PARTS_MAX) {
        return err_set(e, ERR_LIMIT, "more than %d partitions in one sink",
                       PARTS_MAX);
    }
    if (o->n < o->cap) {
        return 0;
    }
    grown = mem_resize(o->parts, cap, sizeof(*grown));
    if (grown == NULL) {
        return err_nomem(e, cap * sizeof(*grown));
    }
    o->parts = grown;
    o->cap = cap;
    return 0;
}

static struct objects_part *add_part(struct objects *o, const struct span *s,
                                     struct err *e)
{
    const char *first = o->n > 0 ? o->parts[0]->topic : s->topic;
    struct objects_part *p;

    if (objects_namer_check(&o->namer, first, s, e) < 0 || grow(o, e) < 0) {
        return NULL;
    }
    p = mem_zero(1, sizeof(*p));
    if (p == NULL) {
        err_nomem(e, sizeof(*p));
        return NULL;
    }
    (void)snprintf(p->topic, sizeof(p->topic), "%s", s->topic);
    p->epoch = s->epoch;
    p->partition = s->partition;
    p->tail = &p->head;
    if (objects_position(o, s, &p->next, e) < 0 ||
        o->conf.hooks.planned(o->conf.hooks.arg, s, &p->plan, e) < 0 ||
        objects_begin(p, e) < 0) {
        free_part(p);
        return NULL;
    }
    o->parts[o->n++] = p;
    return p;
}

/* --- messages ------------------------------------------------------------------------ */

static int reject(struct objects *o, const struct objects_part *p,
                  const struct message *m, const char *rule, const char *why,
                  struct err *e)
{
    const struct sink_hooks *h = &o->conf.hooks;
    struct span s = {p->topic, p->epoch, p->partition, m->offset,
                     m->offset + 1};

    return h->reject(h->arg, &s, m, rule, why, e);
}

/* A record's own time has come, or it belongs elsewhere: the range ends before
 * it.  What was planned by a former run ends where that said. */
static bool turns(const struct objects *o, const struct objects_part *p,
                  const struct objects_place *at)
{
    const struct sink_objects *c = &o->namer.o;

    if (p->plan.n > 0 || p->open->counts.written == 0) {
        return false;
    }
    if (c->rotate_us > 0 && (at->time_us >= p->first_time_us + c->rotate_us ||
                             (c->partitioner >= OBJECTS_DAILY &&
                              strcmp(at->encoded, p->place) != 0))) {
        return true;
    }
    return p->open->n >= PLACES_MAX;
}

static int append_value(const struct objects *o, struct objects_text *t,
                        yyjson_val *v, struct err *e)
{
    if (o->conf.array &&
        buf_putc(&t->bytes, t->bytes.len == 0 ? '[' : ',', e) < 0) {
        return -1;
    }
    if (v == NULL) {
        if (buf_puts(&t->bytes, "null", e) < 0) {
            return -1;
        }
    } else if (json_print(&t->bytes, v, JSON_ESCAPE_ASTRAL, e) < 0) {
        return -1;
    }
    return o->conf.array ? 0 : buf_putc(&t->bytes, '\n', e);
}

/* Into the open range's text for a place. */
static int add_line(struct objects *o, struct objects_part *p,
                    const char *encoded, int64_t offset, yyjson_val *v,
                    struct err *e)
{
    size_t held = objects_job_held(p->open);
    struct objects_text *t = objects_job_text(p->open, encoded, offset, e);
    size_t before;
    int rc;

    if (t == NULL) {
        return -1;
    }
    before = t->bytes.len;
    rc = append_value(o, t, v, e);
    p->open->bytes += t->bytes.len - before;
    o->open_bytes += objects_job_held(p->open) - held;
    return rc;
}

/* One document (NULL: null) into the open range. */
static int put(struct objects *o, struct objects_part *p,
               const struct message *m, yyjson_val *v, struct err *e)
{
    struct objects_place at;
    struct err why = {0};

    if (objects_place(&o->namer, p->partition, m, v, p->open->wall_us, &at,
                      &why) < 0) {
        if (why.code != ERR_DATA) {
            *e = why;
            return -1;
        }
        p->open->counts.rejected++;
        return reject(o, p, m, "no_place", why.msg, e);
    }
    if (turns(o, p, &at)) {
        int64_t wall = p->open->wall_us;

        if (objects_cut(o, p, e) < 0) {
            return -1;
        }
        p->open->wall_us = wall;
        p->first_us = clock_mono_us();
    }
    if (p->open->counts.written == 0) {
        p->first_time_us = at.time_us;
    }
    if (add_line(o, p, at.encoded,
                 o->namer.o.partitioner == OBJECTS_DEFAULT ? p->open->from
                                                           : m->offset,
                 v, e) < 0) {
        return -1;
    }
    memcpy(p->place, at.encoded, strlen(at.encoded) + 1);
    p->open->counts.written++;
    return 0;
}

static int take_null(struct objects *o, struct objects_part *p,
                     const struct message *m, struct err *e)
{
    switch (o->namer.o.nulls) {
    case OBJECTS_NULLS_FAIL:
        return err_set(e, ERR_DATA,
                       "it has no value (a tombstone), and objects.nulls is "
                       "\"fail\"; set it to \"ignore\" or \"write\"");
    case OBJECTS_NULLS_WRITE:
        return put(o, p, m, NULL, e);
    case OBJECTS_NULLS_IGNORE:
        break;
    }
    p->open->counts.skipped++;
    return reject(o, p, m, "tombstone", "no value", e);
}

/* One message into the open range, or aside. */
static int take(struct objects *o, struct objects_part *p,
                const struct message *m, struct err *e)
{
    struct json_doc d = {0};
    struct err why = {0};
    int rc;

    if (!m->has_value) {
        return take_null(o, p, m, e);
    }
    yyjson_alc_pool_init(&o->alc, o->pool, POOL_BYTES);
    if (json_parse(&d, m->value, 0,
                   m->value.len < POOL_BYTES / 16 ? &o->alc : NULL, &why) < 0) {
        if (why.code == ERR_NOMEM) {
            *e = why;
            return -1;
        }
        p->open->counts.rejected++;
        return reject(o, p, m, "not_json", why.msg, e);
    }
    rc = put(o, p, m, d.root, e);
    json_release(&d);
    return rc;
}

static bool full(const struct objects *o, const struct objects_part *p)
{
    if (p->plan.n > 0) {
        return p->next >= p->plan.to[0];
    }
    return (o->conf.flush_records > 0 &&
            p->open->counts.written >= o->conf.flush_records) ||
           (int64_t)p->open->bytes >= o->conf.flush_bytes;
}

/* Retention took offsets that were never read: a range has no gap in it. */
static int skip_gap(struct objects *o, struct objects_part *p, int64_t offset,
                    struct err *e)
{
    if (p->next > p->open->from && objects_cut(o, p, e) < 0) {
        return -1;
    }
    p->open->from = offset;
    p->next = offset;
    (void)objects_pass_plan(p);
    return 0;
}

static int take_all(struct objects *o, struct objects_part *p,
                    const struct message *m, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (m[i].offset != p->next && skip_gap(o, p, m[i].offset, e) < 0) {
            return -1;
        }
        if (p->next == p->open->from) {
            p->first_us = clock_mono_us();
            p->open->wall_us = p->plan.n > 0 && p->plan.wall_us[0] > 0
                                   ? p->plan.wall_us[0]
                                   : clock_wall_us();
        }
        if (take(o, p, &m[i], e) < 0) {
            return err_wrap(e, "topic \"%s\" offset %" PRId64, p->topic,
                            m[i].offset);
        }
        p->next = m[i].offset + 1;
        if (full(o, p) && objects_cut(o, p, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int objects_write(void *sink, const struct span *span,
                         const struct message *m, size_t n, struct err *e)
{
    struct objects *o = sink;
    struct objects_part *p = find(o, span);

    if (p == NULL) {
        p = add_part(o, span, e);
    }
    if (p == NULL) {
        return -1;
    }
    if (sink_expect(p->next, span, e) < 0) {
        return -1;
    }
    if (take_all(o, p, m, n, e) < 0 || objects_send(o, p, e) < 0 ||
        objects_make_room(o, e) < 0) {
        return -1;
    }
    return objects_reap(o, p, false, 0, e);
}

/* --- time ------------------------------------------------------------------------------ */

/* Whether a whole multiple of the interval has passed on the zone's clock. */
static bool boundary(const struct objects *o, int64_t since_us, int64_t now_us)
{
    int64_t every = o->namer.o.schedule_us;

    return every > 0 && zone_to_local(o->namer.zone, since_us) / every !=
                            zone_to_local(o->namer.zone, now_us) / every;
}

static bool is_late(const struct objects *o, const struct objects_part *p)
{
    return (o->conf.flush_us > 0 &&
            clock_mono_us() - p->first_us >= o->conf.flush_us) ||
           boundary(o, p->open->wall_us, clock_wall_us());
}

static int objects_commit(void *sink, bool flush, struct err *e)
{
    struct objects *o = sink;

    for (size_t i = 0; i < o->n; i++) {
        struct objects_part *p = o->parts[i];

        /* a planned range waits until it is complete */
        if (p->next > p->open->from && p->plan.n == 0 &&
            (flush || is_late(o, p)) && objects_cut(o, p, e) < 0) {
            return -1;
        }
        if (objects_send(o, p, e) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < o->n; i++) {
        if (objects_reap(o, o->parts[i], flush, 0, e) < 0) {
            return -1;
        }
    }
    return 0;
}

extern const struct sink_ops sink_objects;
const struct sink_ops sink_objects = {
    .name = "objects",
    .help = "JSON objects in a folder or S3, named as Confluent's S3 sink does",
    .takes = SINK_MESSAGES,
    .open = objects_open,
    .position = objects_position,
    .write_messages = objects_write,
    .commit = objects_commit,
    .forget = objects_forget,
    .close = objects_close,
};
