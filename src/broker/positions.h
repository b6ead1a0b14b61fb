/*
 * positions.h - positions of consumer groups kept in memory.
 *
 * The caller's lock guards it.  Epochs are checked by the caller.
 */
#ifndef BROKER_POSITIONS_H
#define BROKER_POSITIONS_H

#include "broker/broker.h"

struct position_row {
    char group[TOPIC_NAME_MAX + 1];
    struct broker_position p;
};

/* Sorted by group, topic, partition; {0} is empty. */
struct positions {
    struct position_row *rows;
    size_t n;
};

void positions_release(struct positions *x);
/* The position, or NULL. */
const struct broker_position *positions_find(const struct positions *x,
                                             const char *group,
                                             const char *topic,
                                             int32_t partition);
int positions_set(struct positions *x, const char *group,
                  const struct broker_position *p, struct err *e) MUST_USE;
/* Drop all of a group, or (group NULL) all in a topic; returns how many. */
size_t positions_drop(struct positions *x, const char *group,
                      const char *topic);

/* As broker_group_list() and broker_group_positions(). */
int positions_groups(const struct positions *x, struct broker_group **ret,
                     size_t *n, struct err *e) MUST_USE;
int positions_of(const struct positions *x, const char *group,
                 struct broker_position **ret, size_t *n,
                 struct err *e) MUST_USE;

#endif
