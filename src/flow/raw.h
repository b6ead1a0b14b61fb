/*
 * raw.h - the messages of a span, read back from where they landed: the
 * topics, or the JSON objects that a sink wrote.
 *
 * Both ways give the same messages at the same offsets: what the objects sink
 * could not hold (no JSON text, tombstones) is read from its dead letters, and
 * ranges that a partitioner spread over several objects from the topics.
 * Objects lose keys, headers and the spelling of white space only.
 */
#ifndef FLOW_RAW_H
#define FLOW_RAW_H

#include "broker/broker.h"
#include "core/arena.h"
#include "flow/ledger.h"
#include "sink/objects.h"
#include "store/store.h"

struct raw; /* opaque; one thread */

struct raw_conf {
    struct broker *broker;
    struct ledger *ledger;
    bool from_objects;
    /* objects: where they are, their names, the sink's pipeline */
    const struct store_conf *store;
    const struct sink_objects *objects;
    bool gzip; /* which names are tried first */
    const char *pipeline;
    bool others; /* processes with ledgers of their own make objects too: what
                    this ledger does not know is read from the topic */
};

/* Read [span->from, span->to); conf and span->topic are borrowed. */
int raw_open(struct raw **ret, const struct raw_conf *conf,
             const struct span *span, struct err *e) MUST_USE;
void raw_close(struct raw *r); /* NULL is fine */
/* The next messages in order; *n == 0 at the end.  They are good until the
 * next call.  ERR_CORRUPT names an object that is missing or damaged. */
int raw_next(struct raw *r, const struct message **ret, size_t *n,
             struct err *e) MUST_USE;

#endif
