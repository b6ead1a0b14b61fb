/* null.c - a sink that forgets everything; the shortest connector. */
#include "core/mem.h"
#include "sink/sink_ops.h"

struct null_sink {
    int64_t next; /* of the one partition it is used for in tests */
    int64_t written;
};

static int null_open(void **sink, const struct sink_conf *conf, struct err *e)
{
    struct null_sink *s = mem_zero(1, sizeof(*s));

    (void)conf;
    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    *sink = s;
    return 0;
}

static int null_position(void *sink, const struct span *where, int64_t *ret,
                         struct err *e)
{
    const struct null_sink *s = sink;

    (void)where;
    (void)e;
    *ret = s->next;
    return 0;
}

static int null_write(void *sink, const struct span *span,
                      const struct message *m, size_t n, struct err *e)
{
    struct null_sink *s = sink;

    (void)m;
    (void)n;
    (void)e;
    s->written = span->to;
    return 0;
}

static int null_commit(void *sink, bool flush, struct err *e)
{
    struct null_sink *s = sink;

    (void)flush;
    (void)e;
    s->next = s->written;
    return 0;
}

static void null_close(void *sink)
{
    mem_free(sink);
}

extern const struct sink_ops sink_null;
const struct sink_ops sink_null = {
    .name = "null",
    .help = "forgets everything; for measuring what comes before it",
    .takes = SINK_MESSAGES,
    .open = null_open,
    .position = null_position,
    .write_messages = null_write,
    .commit = null_commit,
    .close = null_close,
};
