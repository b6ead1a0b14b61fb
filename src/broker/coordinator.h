/*
 * coordinator.h - groups of the members of this process, for brokers without
 * a group protocol of their own (embedded, memory).
 *
 * One coordinator a broker handle.  It has no thread: whoever polls notices
 * who has not, new topics, and what is to be shared anew.
 */
#ifndef BROKER_COORDINATOR_H
#define BROKER_COORDINATOR_H

#include "broker/broker.h"

struct coordinator; /* opaque */
struct member_ops;

int coordinator_new(struct coordinator **ret, struct broker *b,
                    struct err *e) MUST_USE;
/* Every member has left. NULL is fine. */
void coordinator_free(struct coordinator *c);

/* The members of a broker that has a coordinator. */
extern const struct member_ops coordinator_members;

#endif
