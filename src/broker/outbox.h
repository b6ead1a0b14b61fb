/*
 * outbox.h - records and positions that are stored together, or not at all.
 *
 * On Kafka a transaction: who reads what is committed sees all that was put
 * between two commits, or nothing of it, and a group's positions move with it.
 * An outbox has a name.  Opening it settles what an earlier holder of the name
 * left (its last commit is there, or is dropped), and that holder gets
 * ERR_FENCED from then on.  An outbox belongs to one thread; one that failed is
 * closed, never used on.
 */
#ifndef BROKER_OUTBOX_H
#define BROKER_OUTBOX_H

#include "broker/broker.h"

struct outbox; /* opaque */

struct outbox_conf {
    const char *name;  /* on Kafka the transactional.id; 1..249 bytes */
    const char *group; /* whose positions move */
};

/* ERR_UNAVAILABLE: this broker has no transactions. */
int outbox_open(struct outbox **ret, struct broker *b,
                const struct outbox_conf *conf, struct err *e) MUST_USE;
/* Records are copied; they are seen after the next commit.  Partitions are
 * chosen as for broker_produce().  A record that the topic does not take is
 * told here or by the commit (ERR_LIMIT). */
int outbox_put(struct outbox *o, const char *topic,
               const struct broker_record *records, size_t n,
               struct err *e) MUST_USE;
/* Everything put becomes visible and the group stands at these positions. */
int outbox_commit(struct outbox *o, const struct broker_position *p, size_t n,
                  struct err *e) MUST_USE;
/* Drops what was not committed; before the broker is closed; NULL is fine. */
void outbox_close(struct outbox *o);

#endif
