#include "sink/reach.h"

#include <string.h>

#include "core/mem.h"

enum {
    SPANS_MAX = 4096, /* partitions in one commit */
};

struct sink_reach *sink_reach_find(const struct sink_reaches *r,
                                   const struct span *where)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct span *at = &r->at[i]->span;

        if (at->epoch == where->epoch && at->partition == where->partition &&
            strcmp(at->topic, where->topic) == 0) {
            return r->at[i];
        }
    }
    return NULL;
}

int sink_reach_extend(struct sink_reaches *r, const struct span *span,
                      struct err *e)
{
    struct sink_reach *found = sink_reach_find(r, span);
    struct sink_reach **more;
    size_t len = strlen(span->topic);

    if (found != NULL) {
        if (sink_expect(found->span.to, span, e) < 0) {
            return -1;
        }
        found->span.to = span->to;
        return 0;
    }
    if (r->n == SPANS_MAX || len > TOPIC_NAME_MAX) {
        return err_set(e, ERR_LIMIT, "over %d partitions in one commit",
                       SPANS_MAX);
    }
    more = mem_resize(r->at, r->n + 1, sizeof(*more));
    if (more == NULL) {
        return err_nomem(e, sizeof(*more));
    }
    r->at = more;
    found = mem_zero(1, sizeof(*found));
    if (found == NULL) {
        return err_nomem(e, sizeof(*found));
    }
    memcpy(found->topic, span->topic, len);
    found->span = *span;
    found->span.topic = found->topic;
    more[r->n++] = found;
    return 0;
}

void sink_reach_clear(struct sink_reaches *r)
{
    for (size_t i = 0; i < r->n; i++) {
        mem_free(r->at[i]);
    }
    r->n = 0;
}

void sink_reach_release(struct sink_reaches *r)
{
    sink_reach_clear(r);
    mem_free(r->at);
    r->at = NULL;
}
