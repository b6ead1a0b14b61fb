#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "broker/seglog_file_int.h"
#include "broker/seglog_meta_int.h"
#include "broker/seglog_write_int.h"
#include "core/clock.h"
#include "core/mem.h"

enum {
    READ_MIN = 64 << 10,
    READ_MAX = 8 << 20,
    POLL_US = 20000, /* for records of other processes */
    TRIES = 3        /* when a segment is closed or expires meanwhile */
};

/* What a closed segment holds of a partition. */
struct stretch {
    int64_t epoch;
    int32_t partition;
    int64_t no, first, next, at;
    struct seglog_entry *entries;
    size_t n;
};

/* Where to read. */
struct place {
    int64_t epoch;
    int32_t partition;
    int64_t no;
    int64_t at, end; /* bytes of the file; end 0: the file's own */
    int64_t offset;
};

/* Behind broker_fetch.state. */
struct cursor {
    char *mem;
    size_t cap;
    struct message *messages;
    size_t messages_cap;
    struct place last; /* where the next fetch goes on, if it asks for that */
    struct stretch span;
};

void seglog_read_release(struct broker *b, struct broker_fetch *f)
{
    struct cursor *c = f->state;

    (void)b;
    if (c) {
        mem_free(c->mem);
        mem_free(c->messages);
        mem_free(c->span.entries);
        mem_free(c);
    }
    *f = (struct broker_fetch){0};
}

/* The first span that ends behind an offset, into *s.  1, 0: none, -1. */
static int find_span(struct seglog *l, enum seglog_sql sql,
                     const struct place *p, int64_t time_us, struct stretch *s,
                     struct err *e)
{
    struct sqlite_stmt *st = l->meta.st[sql];
    int rc;

    mutex_lock(&l->meta.lock);
    sqlite_bind_int(st, 1, p->epoch);
    sqlite_bind_int(st, 2, p->partition);
    sqlite_bind_int(st, 3, p->offset);
    if (sql == SQL_SPAN_TIME) {
        sqlite_bind_int(st, 4, time_us);
    }
    rc = sqlite_step(st, e);
    if (rc > 0) {
        struct slice bytes = sqlite_column_blob(st, 4);
        void *copy = mem_resize(s->entries, bytes.len + 1, 1);

        if (copy == NULL) {
            rc = err_nomem(e, bytes.len);
        } else {
            memcpy(copy, bytes.ptr, bytes.len);
            *s = (struct stretch){
                p->epoch,
                p->partition,
                sqlite_column_int(st, 0),
                sqlite_column_int(st, 1),
                sqlite_column_int(st, 2),
                sqlite_column_int(st, 3),
                copy,
                bytes.len / sizeof(struct seglog_entry),
            };
        }
    }
    sqlite_reset(st);
    mutex_unlock(&l->meta.lock);
    return rc;
}

/* Fill in where p->offset stands when that is in a closed segment. */
static int place_closed(struct seglog *l, struct cursor *c, struct place *p,
                        struct err *e)
{
    struct stretch *s = &c->span;

    if (s->epoch != p->epoch || s->partition != p->partition ||
        p->offset < s->first || p->offset >= s->next) {
        int rc = find_span(l, SQL_SPAN_AT, p, 0, s, e);

        if (rc <= 0) {
            return rc < 0 ? -1
                          : err_set(e, ERR_NOTFOUND,
                                    "offset %" PRId64 " of partition %" PRId32
                                    " has expired",
                                    p->offset, p->partition);
        }
    }
    if (p->offset < s->first) {
        p->offset = s->first; /* what was before has expired */
    }
    p->no = s->no;
    p->at = seglog_index_at(s->entries, s->n, s->at, p->offset);
    return 0;
}

/* Where to read `offset`; 0: at the end, 1: *p says it, -1. */
static int find_place(struct seglog *l, const char *topic, struct cursor *c,
                      struct place *p, struct broker_fetch *f, struct err *e)
{
    struct seglog_topic *t = NULL;
    const struct seglog_part *part;
    const struct seglog_index *x;
    int64_t end;
    bool live;

    if (seglog_catalog_lock(l, topic, p->partition, &t, e) < 0) {
        return -1;
    }
    part = &t->parts[p->partition];
    x = &part->live;
    end = part->next;
    p->epoch = t->info.epoch;
    p->offset = p->offset < part->begin ? part->begin : p->offset;
    live = x->first != x->next && p->offset >= x->first;
    if (live) {
        p->no = l->live_no;
        p->end = l->live_len;
        p->at = seglog_index_at(x->entries, x->n, x->at, p->offset);
    }
    mutex_unlock(&l->lock);
    if (p->offset > end) {
        return err_set(e, ERR_INVALID,
                       "offset %" PRId64 " is past the end of topic \"%s\" "
                       "partition %" PRId32 ", which is %" PRId64,
                       p->offset, topic, p->partition, end);
    }
    f->end = end;
    f->next = p->offset;
    if (p->offset == end) {
        return 0;
    }
    if (!live && place_closed(l, c, p, e) < 0) {
        return -1;
    }
    if (c->last.epoch == p->epoch && c->last.partition == p->partition &&
        c->last.no == p->no && c->last.offset == p->offset) {
        p->at = c->last.at;
    }
    return 1;
}

/* A fetch under way: `have` bytes of the file stand at c->mem, which is byte
 * place.at; `pos` of them are dealt with. */
struct fetch {
    struct cursor *c;
    const struct seglog_file *file;
    struct place place;
    struct broker_fetch *out;
    size_t left; /* bytes that are still asked for */
    size_t have, pos;
};

static int damaged(const struct fetch *x, struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "segment %" PRId64 " is damaged at byte %" PRId64,
                   x->place.no, x->place.at + (int64_t)x->pos);
}

/* Go on at what was not dealt with: up to `want` bytes of the file, at least
 * `need`. */
static int read_some(struct fetch *x, size_t need, size_t want, struct err *e)
{
    struct cursor *c = x->c;
    struct place *p = &x->place;

    p->at += (int64_t)x->pos;
    x->pos = 0;
    x->have = 0;
    want = want < need ? need : want;
    if (p->end > 0 && (uint64_t)(p->end - p->at) < want) {
        want = (size_t)(p->end - p->at);
    }
    if (c->cap < want) {
        char *mem = mem_resize(c->mem, want, 1);

        if (mem == NULL) {
            return err_nomem(e, want);
        }
        c->mem = mem;
        c->cap = want;
    }
    while (x->have < want) {
        ssize_t n = pread(x->file->fd, c->mem + x->have, want - x->have,
                          (off_t)(p->at + (int64_t)x->have));

        if (n < 0 && errno != EINTR) {
            return err_set(e, ERR_IO,
                           "could not read segment %" PRId64 " at byte %" PRId64
                           ": %s",
                           p->no, p->at, strerror(errno));
        }
        if (n == 0) {
            break;
        }
        x->have += n < 0 ? 0 : (size_t)n;
    }
    return x->have < need ? damaged(x, e) : 0;
}

static int room_for(struct fetch *x, uint32_t count, struct err *e)
{
    struct cursor *c = x->c;
    size_t cap = (x->out->n + count) * 2;
    void *list;

    if (c->messages_cap >= x->out->n + count) {
        return 0;
    }
    list = mem_resize(c->messages, cap, sizeof(*c->messages));
    if (list == NULL) {
        return err_nomem(e, cap * sizeof(*c->messages));
    }
    c->messages = list;
    c->messages_cap = cap;
    return 0;
}

/* The records of one frame that are asked for. */
static int take_frame(struct fetch *x, const struct codec_frame *f,
                      struct err *e)
{
    const char *frame = x->c->mem + x->pos;
    struct slice body = {frame + CODEC_HEADER + f->keys_len, f->body_len};
    int64_t end = f->first + f->count;
    struct message m = {.offset = f->first};

    if (!codec_frame_ok(f, frame)) {
        return damaged(x, e);
    }
    if (room_for(x, f->count, e) < 0) {
        return -1;
    }
    for (; m.offset < end && x->left > 0; m.offset++) {
        size_t size = body.len;

        if (!codec_take_record(&body, &m)) {
            return damaged(x, e);
        }
        size -= body.len;
        if (m.offset >= x->place.offset) {
            x->c->messages[x->out->n++] = m;
            x->place.offset = m.offset + 1;
            x->left = size < x->left ? x->left - size : 0;
        }
    }
    return 0;
}

/* One step: 1: go on, 0: enough, -1. */
static int step(struct fetch *x, struct err *e)
{
    const struct place *p = &x->place;
    size_t want = x->left < READ_MIN
                      ? READ_MIN
                      : (x->left > READ_MAX ? READ_MAX : x->left);
    struct codec_frame f;
    size_t size;

    if (x->left == 0 || (p->end > 0 && p->at + (int64_t)x->pos >= p->end)) {
        return 0;
    }
    if (x->pos > x->have || x->have - x->pos < CODEC_HEADER) {
        if (x->out->n > 0) {
            return 0; /* what was taken stands in this memory */
        }
        if (read_some(x, 0, want + CODEC_HEADER, e) < 0) {
            return -1;
        }
        if (x->have == 0) {
            return 0;
        }
    }
    if (x->have - x->pos < CODEC_HEADER ||
        !codec_get_header(x->c->mem + x->pos, &f)) {
        return damaged(x, e);
    }
    size = codec_frame_size(&f);
    if (f.epoch == p->epoch && f.partition == p->partition &&
        f.first + f.count > p->offset) {
        if (x->have - x->pos < size) {
            return x->out->n > 0 ? 0
                                 : (read_some(x, size, want, e) < 0 ? -1 : 1);
        }
        if (take_frame(x, &f, e) < 0) {
            return -1;
        }
        if (p->offset < f.first + f.count) {
            return 0; /* the rest of it next time */
        }
    }
    x->pos += size;
    return 1;
}

static int fetch_once(struct seglog *l, const char *topic, struct fetch *x,
                      struct err *e)
{
    struct seglog_file *file = NULL;
    struct cursor *c = x->c;
    int rc = find_place(l, topic, c, &x->place, x->out, e);

    if (rc <= 0) {
        return rc;
    }
    mutex_lock(&l->lock);
    rc = seglog_file_take(l, x->place.no, &file, e);
    mutex_unlock(&l->lock);
    if (rc < 0) {
        return -1;
    }
    x->file = file;
    do {
        rc = step(x, e);
    } while (rc > 0);
    seglog_file_give(l, file);
    c->last = x->place;
    c->last.at += (int64_t)x->pos;
    x->out->next = x->place.offset;
    if (rc == 0 && x->out->n == 0) {
        c->last.epoch = 0;
        return err_set(e, ERR_CORRUPT,
                       "segment %" PRId64 " does not hold offset %" PRId64
                       " of topic \"%s\" partition %" PRId32,
                       x->place.no, x->place.offset, topic, x->place.partition);
    }
    return rc;
}

int seglog_read_fetch(struct broker *b, const char *topic, int32_t partition,
                      int64_t offset, size_t max_bytes, struct broker_fetch *f,
                      struct err *e)
{
    struct seglog *l = (struct seglog *)b;
    struct err why = {.code = ERR_NONE};
    int rc = -1;

    if (f->state == NULL) {
        f->state = mem_zero(1, sizeof(struct cursor));
        if (f->state == NULL) {
            return err_nomem(e, sizeof(struct cursor));
        }
    }
    f->n = 0;
    for (int tries = 0; rc < 0 && tries < TRIES; tries++) {
        struct fetch x = {.c = f->state,
                          .out = f,
                          .place = {.partition = partition, .offset = offset},
                          .left = max_bytes > 0 ? max_bytes : 1};

        if (seglog_live_refresh(l, &why) < 0 ||
            seglog_catalog_refresh(l, tries > 0, &why) < 0) {
            break;
        }
        rc = fetch_once(l, topic, &x, &why);
        if (rc < 0 && why.code != ERR_NOTFOUND) {
            break;
        }
    }
    if (rc < 0) {
        f->n = 0;
        if (e) {
            *e = why;
        }
        return -1;
    }
    f->messages = ((struct cursor *)f->state)->messages;
    return 0;
}

int seglog_read_offsets(struct broker *b, const char *topic, int32_t partition,
                        int64_t *ret_begin, int64_t *ret_end, struct err *e)
{
    struct seglog *l = (struct seglog *)b;
    struct seglog_topic *t = NULL;

    if (seglog_live_refresh(l, e) < 0 ||
        seglog_catalog_refresh(l, false, e) < 0 ||
        seglog_catalog_lock(l, topic, partition, &t, e) < 0) {
        return -1;
    }
    *ret_begin = t->parts[partition].begin;
    *ret_end = t->parts[partition].next;
    mutex_unlock(&l->lock);
    return 0;
}

/* The first record at or after a time among what one fetch after another
 * finds from p->offset on, into p->offset. */
static int scan_time(struct broker *b, const char *topic, struct place *p,
                     int64_t time_us, struct err *e)
{
    struct broker_fetch f = {0};
    int rc;

    do {
        rc = seglog_read_fetch(b, topic, p->partition, p->offset, READ_MAX / 8,
                               &f, e);
        if (rc == 0) {
            p->offset = f.next;
        }
        for (size_t i = 0; rc == 0 && i < f.n; i++) {
            if (f.messages[i].time_us >= time_us) {
                p->offset = f.messages[i].offset;
                rc = 1;
            }
        }
    } while (rc == 0 && f.n > 0);
    seglog_read_release(b, &f);
    return rc < 0 ? -1 : 0;
}

int seglog_read_offset_at(struct broker *b, const char *topic,
                          int32_t partition, int64_t time_us, int64_t *ret,
                          struct err *e)
{
    struct seglog *l = (struct seglog *)b;
    struct seglog_topic *t = NULL;
    struct place p = {.partition = partition};
    struct stretch s = {0};
    const struct seglog_index *x;
    int64_t from;
    int rc;

    if (seglog_live_refresh(l, e) < 0 ||
        seglog_catalog_lock(l, topic, partition, &t, e) < 0) {
        return -1;
    }
    p.epoch = t->info.epoch;
    p.offset = t->parts[partition].begin;
    x = &t->parts[partition].live;
    from = x->first != x->next ? x->first : t->parts[partition].next;
    mutex_unlock(&l->lock);
    rc = find_span(l, SQL_SPAN_TIME, &p, time_us, &s, e);
    mem_free(s.entries);
    p.offset = rc > 0 ? s.first : from;
    if (rc < 0 || scan_time(b, topic, &p, time_us, e) < 0) {
        return -1;
    }
    *ret = p.offset;
    return 0;
}

bool seglog_read_wait(struct broker *b, const char *topic, int32_t partition,
                      int64_t offset, int64_t timeout_us)
{
    struct seglog *l = (struct seglog *)b;
    int64_t until = clock_mono_us() + timeout_us;

    for (;;) {
        struct seglog_topic *t = NULL;
        int64_t now = clock_mono_us();
        int64_t pause = now + POLL_US < until ? now + POLL_US : until;
        bool there = false;
        bool stop = false;

        if (seglog_live_refresh(l, NULL) == 0 &&
            seglog_catalog_lock(l, topic, partition, &t, NULL) == 0) {
            there = t->parts[partition].next > offset;
            if (!there && l->writes && !l->stop) {
                (void)cond_wait_until(&l->moved, &l->lock, until);
                pause = 0; /* look again */
            }
            stop = l->stop;
            mutex_unlock(&l->lock);
        }
        if (there || stop || now >= until) {
            return there && !stop;
        }
        if (pause > now) {
            clock_sleep_us(pause - now);
        }
    }
}
