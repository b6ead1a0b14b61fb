/*
 * cleaner.h - a table's messages cleaned on all cores, in order.
 *
 * A cleaner has one clean handle a core.  cleaner_run() splits the messages
 * into as many runs, cleans them at the same time and leaves one output a
 * run, in order; duplicates (by the set the cleaner holds) are then taken out
 * in order, so the result does not depend on the number of cores.  One thread
 * calls.
 */
#ifndef FLOW_CLEANER_H
#define FLOW_CLEANER_H

#include "clean/clean.h"
#include "clean/dedup.h"

enum {
    CLEANER_PARTS_MAX = 16
};

struct cleaner; /* opaque */

struct cleaner_conf {
    const struct spec_table *table; /* borrowed */
    struct hash_key key;
    struct dedup *seen; /* borrowed; NULL: nothing is a duplicate */
    int threads;        /* 0: the machine's cores */
};

int cleaner_new(struct cleaner **ret, const struct cleaner_conf *conf,
                struct err *e) MUST_USE;
void cleaner_free(struct cleaner *c); /* NULL is fine */

struct cleaner_part {
    size_t first, n;      /* which of the messages it had */
    struct clean_out out; /* rows without duplicates; a reject's .message
                             counts from `first` */
    int64_t duplicates;   /* taken out */
};

/* Messages of one topic partition. */
struct cleaner_input {
    const char *topic;
    int32_t partition;
    const struct message *messages;
    size_t n;
};

/* Clean them; *ret_parts is good until the next call. */
int cleaner_run(struct cleaner *c, const struct cleaner_input *in,
                struct cleaner_part ***ret_parts, size_t *ret_n,
                struct err *e) MUST_USE;

/* Sums over all handles so far, into an initialised *ret. */
int cleaner_counts(struct cleaner *c, struct clean_counts *ret,
                   struct err *e) MUST_USE;

#endif
