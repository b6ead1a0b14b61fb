#include "cli/topics.h"

#include <inttypes.h>

#include "clean/parse.h"
#include "core/clock.h"
#include "core/num.h"

int topics_open(struct workspace *w, struct cli *c, const struct args *a,
                bool make, struct err *e)
{
    struct err why;
    int rc;

    if (workspace_load_for(w, c, a, e) < 0) {
        return -1;
    }
    w->only_topics = true;
    rc = workspace_broker(w, BROKER_READ, &why);
    if (rc < 0 && make && why.code == ERR_NOTFOUND) {
        rc = workspace_broker(w, BROKER_WRITE, &why);
    }
    if (rc < 0) {
        workspace_close(w);
        *e = why;
    }
    return rc;
}

int topics_place(struct broker *b, const char *topic, int32_t partition,
                 const char *text, int64_t *ret, struct err *e)
{
    struct slice s = slice_of(text);
    int64_t begin = 0;
    int64_t end = 0;
    int64_t v = 0;

    if (broker_offsets(b, topic, partition, &begin, &end, e) < 0) {
        return -1;
    }
    if (slice_is(s, "earliest")) {
        *ret = begin;
        return 0;
    }
    if (slice_is(s, "latest")) {
        *ret = end;
        return 0;
    }
    if (num_i64(s, &v)) {
        if (v < begin || v > end) {
            return err_set(e, ERR_INVALID,
                           "offset %" PRId64 " of topic \"%s\" partition "
                           "%" PRId32 " is not within %" PRId64 " to %" PRId64,
                           v, topic, partition, begin, end);
        }
        *ret = v;
        return 0;
    }
    if (num_duration_us(s, &v)) {
        v = clock_wall_us() - v;
    } else if (!parse_time(s, &v)) {
        return err_set(e, ERR_INVALID,
                       "\"%s\" is no place in a topic: give earliest, latest, "
                       "an offset, a time as 2026-01-31T12:00:00Z, or how long "
                       "ago as 10m",
                       text);
    }
    return broker_offset_at(b, topic, partition, v, ret, e);
}
