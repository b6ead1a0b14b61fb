/*
 * pipeline.h - topics -> a sink of messages, exactly once.
 *
 * A pipeline is a consumer group of its own name: its positions, the planned
 * range of the output under way and its ledger rows live with the broker and
 * the ledger, and the output commits with them (sink/sink.h).  One pipeline
 * belongs to one thread; one process at a time runs a pipeline of a name
 * (lock file, ERR_BUSY names the holder), unless it is shared.
 */
#ifndef FLOW_PIPELINE_H
#define FLOW_PIPELINE_H

#include "broker/broker.h"
#include "flow/ledger.h"
#include "sink/sink.h"

struct pipeline; /* opaque */

struct pipeline_conf {
    const char *name;  /* "objects" */
    const char *group; /* the consumer group; NULL: as the name; borrowed */
    bool shared;       /* if the sink can, share the partitions with other
                          processes of this group */
    const char *data;  /* data directory: ledger and lock */
    struct broker *broker;
    const char *const *topics; /* names or patterns ("*.pin"); "*" for all */
    size_t ntopics;
    struct sink_conf sink;
    int64_t trigger_us; /* follow: at least this long between commits */
};

struct pipeline_counts {
    int64_t messages, written, rejected, skipped, bytes;
};

int pipeline_open(struct pipeline **ret, const struct pipeline_conf *conf,
                  struct err *e) MUST_USE;
void pipeline_close(struct pipeline *p); /* NULL is fine */

/* Everything that is in the topics now; publishes what is not full too. */
int pipeline_once(struct pipeline *p, struct pipeline_counts *ret,
                  struct err *e) MUST_USE;
/* Until stop() says so: read as records come, commit by the sink's limits. */
int pipeline_follow(struct pipeline *p, bool (*stop)(void),
                    struct pipeline_counts *ret, struct err *e) MUST_USE;

#endif
