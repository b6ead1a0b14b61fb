#include "sink/sink.h"

#include <inttypes.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "sink/sink_ops.h"

extern const struct sink_ops sink_delta;
extern const struct sink_ops sink_file_stream;
extern const struct sink_ops sink_kafka;
extern const struct sink_ops sink_null;
extern const struct sink_ops sink_objects;
extern const struct sink_ops sink_postgres;

/* Every sink, in alphabetical order. */
static const struct sink_ops *const sinks[] = {
    &sink_delta, &sink_file_stream, &sink_kafka,
    &sink_null,  &sink_objects,     &sink_postgres,
};

struct sink {
    const struct sink_ops *ops;
    void *impl;
};

static const struct sink_ops *find(const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(sinks); i++) {
        if (strcmp(sinks[i]->name, kind) == 0) {
            return sinks[i];
        }
    }
    return NULL;
}

static int refuse(const char *kind, struct err *e)
{
    const char *names[ARRAY_LEN(sinks)];
    const char *near;

    for (size_t i = 0; i < ARRAY_LEN(sinks); i++) {
        names[i] = sinks[i]->name;
    }
    near = text_nearest(slice_of(kind), names, ARRAY_LEN(names));
    if (near != NULL) {
        return err_set(e, ERR_INVALID,
                       "unrecognized sink \"%s\"; did you mean \"%s\"?", kind,
                       near);
    }
    return err_set(e, ERR_INVALID, "unrecognized sink \"%s\"", kind);
}

int sink_open(struct sink **ret, const struct sink_conf *conf, struct err *e)
{
    const struct sink_ops *ops = find(conf->kind);
    struct sink *s;

    if (ops == NULL) {
        return refuse(conf->kind, e);
    }
    if (ops->unavailable != NULL) {
        return err_set(e, ERR_UNAVAILABLE, "sink \"%s\": %s", conf->kind,
                       ops->unavailable);
    }
    s = mem_zero(1, sizeof(*s));
    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    s->ops = ops;
    if (ops->open(&s->impl, conf, e) < 0) {
        mem_free(s);
        return err_wrap(e, "could not open sink \"%s\"", conf->kind);
    }
    *ret = s;
    return 0;
}

enum sink_takes sink_takes(const struct sink *s)
{
    return s->ops->takes;
}

const char *sink_owner(const struct sink *s)
{
    return s->ops->owner != NULL ? s->ops->owner(s->impl) : NULL;
}

int sink_position(struct sink *s, const struct span *where, int64_t *ret,
                  struct err *e)
{
    return s->ops->position(s->impl, where, ret, e);
}

int sink_write_messages(struct sink *s, const struct span *span,
                        const struct message *m, size_t n, struct err *e)
{
    assert(s->ops->takes == SINK_MESSAGES);
    return s->ops->write_messages(s->impl, span, m, n, e);
}

int sink_write_rows(struct sink *s, const struct span *span,
                    const struct batch *rows, struct err *e)
{
    assert(s->ops->takes == SINK_ROWS);
    return s->ops->write_rows(s->impl, span, rows, e);
}

int sink_commit(struct sink *s, bool flush, struct err *e)
{
    return s->ops->commit(s->impl, flush, e);
}

bool sink_shares(const struct sink *s)
{
    return s->ops->forget != NULL;
}

void sink_forget(struct sink *s, const struct span *where)
{
    s->ops->forget(s->impl, where);
}

void sink_close(struct sink *s)
{
    if (s == NULL) {
        return;
    }
    s->ops->close(s->impl);
    mem_free(s);
}

int sink_expect(int64_t next, const struct span *span, struct err *e)
{
    if (span->from == next) {
        return 0;
    }
    return err_set(e, ERR_FENCED,
                   "topic \"%s\" partition %" PRId32 ": got offset %" PRId64
                   ", but the output is at %" PRId64,
                   span->topic, span->partition, span->from, next);
}
