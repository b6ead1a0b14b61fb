/*
 * crew.h - blocks of messages cleaned by several threads, results in order.
 *
 * fill() hands out the next block, one call at a time; blocks are cut and
 * cleaned at the same time; then, strictly in order and one at a time,
 * duplicates are taken out and take() gets the block.  What comes out does not
 * depend on the number of threads.  Memory: a few blocks a thread.
 */
#ifndef CLEAN_CREW_H
#define CLEAN_CREW_H

#include "clean/clean.h"
#include "clean/dedup.h"

enum {
    CREW_THREADS_MAX = 16,
    CREW_BLOCK = 256 << 10 /* bytes that a block should have */
};

struct crew_block {
    struct buf bytes; /* fill: raw bytes, if it wants to keep some */
    struct message *m;
    size_t n, cap;
    const char *topic; /* provenance */
    int32_t partition;
    int64_t base;         /* offset of bytes.ptr[0] */
    int64_t time_us;      /* ingest time of what cut() finds */
    bool uncut;           /* messages are still to be found by cut() */
    struct clean_out out; /* take: rows without duplicates, and rejects */
    int64_t duplicates;   /* taken out */
};

struct crew_conf {
    const struct spec_table *table; /* borrowed */
    struct hash_key key;
    struct dedup *seen; /* borrowed; NULL: nothing is a duplicate */
    int threads;        /* 0: the machine's cores */
    void *arg;
    /* Fill an empty block; n == 0 and not uncut: the end. */
    int (*fill)(void *arg, struct crew_block *b, struct err *e);
    int (*cut)(struct crew_block *b, struct err *e); /* any thread; or NULL */
    int (*take)(void *arg, struct crew_block *b, struct err *e);
};

/* Run to the end; the sums of all threads are added to *counts. */
int crew_run(const struct crew_conf *conf, struct clean_counts *counts,
             struct err *e) MUST_USE;

/* One more message in a block. */
int crew_block_add(struct crew_block *b, const struct message *m,
                   struct err *e) MUST_USE;

#endif
