/*
 * file_stream.c - every value on a line of its own, appended to one file, as
 * Kafka Connect's FileStreamSink writes them.
 *
 * FILE.position, published by rename after the lines are on disk, says how
 * long the file is and how far each partition has come.  What a crash left
 * behind that length is cut off on opening, so nothing is lost or repeated.
 * A file that was moved away is begun anew from the stored positions.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/inject.h"
#include "core/mem.h"
#include "sink/sink_ops.h"
#include "json/json.h"

enum {
    PARTS_MAX = 65536,
    LINES_MAX = 1 << 27, /* bytes between two commits */
    LINES_WRITE = 1 << 20,
    POSITION_MAX = 1 << 24,
};

struct part {
    char topic[TOPIC_NAME_MAX + 1];
    int64_t epoch;
    int32_t partition;
    int64_t from; /* committed */
    int64_t next; /* written */
    struct sink_counts counts;
};

struct file_stream {
    struct sink_hooks hooks;
    char *path;
    char *position_path;
    int fd;
    int64_t size; /* committed length of the file */
    struct part *parts;
    size_t n, cap;
    struct buf lines;
};

static void stream_close(void *sink)
{
    struct file_stream *f = sink;

    if (f == NULL) {
        return;
    }
    if (f->fd >= 0) {
        (void)close(f->fd);
    }
    buf_release(&f->lines);
    mem_free(f->parts);
    mem_free(f->position_path);
    mem_free(f->path);
    mem_free(f);
}

static struct part *find(const struct file_stream *f, const struct span *s)
{
    for (size_t i = 0; i < f->n; i++) {
        struct part *p = &f->parts[i];

        if (p->partition == s->partition && p->epoch == s->epoch &&
            strcmp(p->topic, s->topic) == 0) {
            return p;
        }
    }
    return NULL;
}

static int add_part(struct file_stream *f, const struct span *s,
                    struct part **ret, struct err *e)
{
    struct part *p;

    if (f->n == PARTS_MAX) {
        return err_set(e, ERR_LIMIT, "more than %d partitions in one sink",
                       PARTS_MAX);
    }
    if (f->n == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 8;

        p = mem_resize(f->parts, cap, sizeof(*p));
        if (p == NULL) {
            return err_nomem(e, cap * sizeof(*p));
        }
        f->parts = p;
        f->cap = cap;
    }
    p = &f->parts[f->n++];
    *p = (struct part){.epoch = s->epoch,
                       .partition = s->partition,
                       .from = s->from,
                       .next = s->from};
    (void)snprintf(p->topic, sizeof(p->topic), "%s", s->topic);
    *ret = p;
    return 0;
}

static int damaged(const struct file_stream *f, struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "file \"%s\" is damaged; remove it and \"%s\" to write the "
                   "file anew from the topics",
                   f->position_path, f->path);
}

static int load_part(struct file_stream *f, yyjson_val *v, struct err *e)
{
    struct slice topic;
    char name[TOPIC_NAME_MAX + 1];
    struct span s = {.topic = name};
    int64_t partition;
    struct part *p;

    if (!json_get_text(v, "topic", &topic) || topic.len > TOPIC_NAME_MAX ||
        !json_get_i64(v, "epoch", &s.epoch) ||
        !json_get_i64(v, "partition", &partition) ||
        !json_get_i64(v, "next", &s.from)) {
        return damaged(f, e);
    }
    (void)snprintf(name, sizeof(name), "%.*s", SLICE_FMT(topic));
    s.partition = (int32_t)partition;
    return add_part(f, &s, &p, e);
}

/* What FILE.position says; a missing one says nothing was written. */
static int load(struct file_stream *f, struct err *e)
{
    struct json_doc d = {0};
    struct buf b;
    yyjson_val *v;
    size_t i;
    size_t max;
    int rc = -1;

    buf_init(&b, POSITION_MAX);
    if (!fs_exists(f->position_path)) {
        rc = 0;
        goto out;
    }
    if (fs_read(f->position_path, &b, e) < 0) {
        goto out;
    }
    if (json_parse(&d, buf_slice(&b), JSON_NUMBERS, NULL, e) < 0 ||
        !json_get_i64(d.root, "size", &f->size)) {
        damaged(f, e);
        goto out;
    }
    yyjson_arr_foreach(json_get(d.root, "positions"), i, max, v)
    {
        if (load_part(f, v, e) < 0) {
            goto out;
        }
    }
    rc = 0;
out:
    json_release(&d);
    buf_release(&b);
    return rc;
}

/* Cut off what was not committed. */
static int open_file(struct file_stream *f, struct err *e)
{
    bool there = fs_exists(f->path);
    int64_t size = 0;

    if (there && fs_size(f->path, &size, e) < 0) {
        return -1;
    }
    if (!there) {
        f->size = 0;
    } else if (size < f->size) {
        return err_set(e, ERR_CORRUPT,
                       "file \"%s\" has %" PRId64 " bytes, but %" PRId64
                       " were written; restore it, or move it away to begin a "
                       "new one from here",
                       f->path, size, f->size);
    }
    f->fd = open(f->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (f->fd < 0 || ftruncate(f->fd, (off_t)f->size) < 0) {
        return err_set(e, ERR_IO, "could not open file \"%s\": %s", f->path,
                       strerror(errno));
    }
    return 0;
}

static int stream_open(void **sink, const struct sink_conf *conf, struct err *e)
{
    struct file_stream *f = mem_zero(1, sizeof(*f));
    char path[FS_PATH_MAX];

    if (f == NULL) {
        return err_nomem(e, sizeof(*f));
    }
    f->fd = -1;
    f->hooks = conf->hooks;
    buf_init(&f->lines, LINES_MAX);
    (void)snprintf(path, sizeof(path), "%s.position", conf->dir);
    f->path = mem_text(conf->dir, strlen(conf->dir));
    f->position_path = mem_text(path, strlen(path));
    if (f->path == NULL || f->position_path == NULL) {
        err_nomem(e, sizeof(path));
        goto fail;
    }
    if (load(f, e) < 0 || open_file(f, e) < 0) {
        goto fail;
    }
    *sink = f;
    return 0;

fail:
    stream_close(f);
    return -1;
}

static int stream_position(void *sink, const struct span *where, int64_t *ret,
                           struct err *e)
{
    const struct part *p = find(sink, where);

    (void)e;
    *ret = p ? p->next : 0;
    return 0;
}

static int write_lines(struct file_stream *f, struct err *e)
{
    if (fs_write_all(f->fd, buf_slice(&f->lines), f->path, e) < 0) {
        return -1;
    }
    buf_clear(&f->lines);
    return 0;
}

static int take(struct file_stream *f, struct part *p, const struct message *m,
                struct err *e)
{
    if (!m->has_value) {
        struct span s = {p->topic, p->epoch, p->partition, m->offset,
                         m->offset + 1};

        p->counts.skipped++;
        return f->hooks.reject(f->hooks.arg, &s, m, "tombstone", "no value", e);
    }
    if (buf_append(&f->lines, m->value, e) < 0 ||
        buf_putc(&f->lines, '\n', e) < 0) {
        return -1;
    }
    p->counts.written++;
    return f->lines.len < LINES_WRITE ? 0 : write_lines(f, e);
}

static int stream_write(void *sink, const struct span *span,
                        const struct message *m, size_t n, struct err *e)
{
    struct file_stream *f = sink;
    struct part *p = find(f, span);

    if (p == NULL) {
        struct span begin = *span;

        begin.from = 0;
        if (add_part(f, &begin, &p, e) < 0) {
            return -1;
        }
    }
    if (sink_expect(p->next, span, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (take(f, p, &m[i], e) < 0) {
            return -1;
        }
    }
    p->next = span->to;
    return 0;
}

static int print_positions(const struct file_stream *f, int64_t size,
                           struct buf *b, struct err *e)
{
    if (buf_putf(b, e, "{\"size\":%" PRId64 ",\"positions\":[", size) < 0) {
        return -1;
    }
    for (size_t i = 0; i < f->n; i++) {
        const struct part *p = &f->parts[i];

        /* a topic name needs no escaping */
        if (buf_putf(b, e,
                     "%s{\"topic\":\"%s\",\"epoch\":%" PRId64
                     ",\"partition\":%" PRId32 ",\"next\":%" PRId64 "}",
                     i ? "," : "", p->topic, p->epoch, p->partition,
                     p->next) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "]}\n", e);
}

static int report_done(struct file_stream *f, struct err *e)
{
    static const struct sink_plan none = {0};

    for (size_t i = 0; i < f->n; i++) {
        struct part *p = &f->parts[i];
        struct span s = {p->topic, p->epoch, p->partition, p->from, p->next};

        if (p->next > p->from &&
            f->hooks.done(f->hooks.arg, &s, &p->counts, &none, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int stream_commit(void *sink, bool flush, struct err *e)
{
    struct file_stream *f = sink;
    struct buf b;
    int64_t size;
    int rc = -1;

    (void)flush;
    buf_init(&b, POSITION_MAX);
    if (write_lines(f, e) < 0) {
        goto out;
    }
    INJECT(file_stream_before_sync);
    if (fs_sync(f->fd, f->path, e) < 0 || fs_size(f->path, &size, e) < 0 ||
        report_done(f, e) < 0 || print_positions(f, size, &b, e) < 0) {
        goto out;
    }
    INJECT(file_stream_before_commit);
    if (fs_publish(f->position_path, buf_slice(&b), e) < 0) {
        goto out;
    }
    f->size = size;
    for (size_t i = 0; i < f->n; i++) {
        f->parts[i].from = f->parts[i].next;
        f->parts[i].counts = (struct sink_counts){0};
    }
    rc = 0;
out:
    buf_release(&b);
    return rc;
}

extern const struct sink_ops sink_file_stream;
const struct sink_ops sink_file_stream = {
    .name = "file_stream",
    .help = "values as lines appended to one file, like FileStreamSink",
    .takes = SINK_MESSAGES,
    .open = stream_open,
    .position = stream_position,
    .write_messages = stream_write,
    .commit = stream_commit,
    .close = stream_close,
};
