/*
 * topics.h - what the files of the `topics` command share.
 */
#ifndef CLI_TOPICS_H
#define CLI_TOPICS_H

#include "cli/workspace.h"

/* Open the topics; with `make` also where there are none yet, and beside a
 * server that has them open for writing. */
int topics_open(struct workspace *w, struct cli *c, const struct args *a,
                bool make, struct err *e) MUST_USE;
/* An offset, "earliest", "latest", a time stamp, or a duration ("10m": so
 * long ago) as an offset of a partition. */
int topics_place(struct broker *b, const char *topic, int32_t partition,
                 const char *text, int64_t *ret, struct err *e) MUST_USE;
/* `topics read`. */
int topics_read(struct cli *c, const struct args *a, struct err *e) MUST_USE;

#endif
