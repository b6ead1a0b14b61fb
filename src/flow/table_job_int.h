/*
 * table_job_int.h - what the files of table_job share.
 */
#ifndef FLOW_TABLE_JOB_INT_H
#define FLOW_TABLE_JOB_INT_H

#include "clean/crew.h"
#include "core/fs.h"
#include "flow/table_job.h"
#include "sink/sink.h"

/* One topic partition's part of the job. */
struct table_range {
    struct span span; /* from: where the sink stands; to: how far to go */
    char topic[TOPIC_NAME_MAX + 1];
    int64_t next;                /* offset that comes next */
    struct ledger_counts counts; /* since the last commit */
};

struct into_kafka; /* flow/into_kafka.h */

struct table_job {
    struct table_job_conf conf;
    char dir[FS_PATH_MAX]; /* where the set of seen rows lies */
    struct sink *sink;
    struct into_kafka *kafka; /* what the sink goes through; or NULL */
    struct dedup *seen;
    struct dedup_last *last; /* deduplicate: last */
    int64_t place;           /* of the next row, for last */
    bool have_seen;          /* seen was looked for */
    bool full;               /* the next commit replaces */
    int64_t bytes_left;      /* of what one take may read */
    int64_t messages_left;
    int64_t bytes;        /* taken since the last commit */
    int64_t committed_us; /* monotonic; or when it was opened */
    struct table_range **ranges;
    size_t n;
    struct deadletter *letters; /* not in the ledger yet */
    size_t nletters, letters_cap;
    struct arena payloads; /* theirs */
    struct table_job_totals totals;
};

/* Clean [s->from, s->to) of one range on all cores; take: what to do with the
 * blocks, in order; NULL: only their hashes are noted. */
typedef int (*table_take_fn)(struct table_job *j, struct table_range *r,
                             struct crew_block *b, struct err *e);
int table_job_clean(struct table_job *j, struct table_range *r,
                    const struct span *s, table_take_fn take,
                    struct clean_counts *counts, struct err *e) MUST_USE;

/* Find or rebuild the set of rows that the table holds. */
int table_seen_open(struct table_job *j, struct err *e) MUST_USE;
int table_seen_save(struct table_job *j, struct err *e) MUST_USE;

/* Set a record aside; durable with table_letters_write(). */
int table_letters_add(struct table_job *j, const struct table_range *r,
                      const struct crew_block *b, struct err *e) MUST_USE;
int table_letters_write(struct table_job *j, struct err *e) MUST_USE;

#endif
