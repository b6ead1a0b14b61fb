/*
 * spark_job.h - the batch, and the cleaning of a file, as work for Spark.
 */
#ifndef FLOW_SPARK_JOB_H
#define FLOW_SPARK_JOB_H

#include "flow/decode_job.h"
#include "lake/frame.h"

enum {
    /* of the rows that `clean` reads back at once */
    SPARK_JOB_BYTES_MAX = 1 << 30
};

/* Give the engine what cleans every table of the spec into the project's
 * folder for Spark, before what is asked next over clean_NAME: then it is run.
 * Without spark.raw the raw data are decoded first, and counted by table in
 * ret (of spec->ntables). */
int spark_job_batch(const struct decode_job *j, struct engine *g,
                    struct decode_counts *ret, struct err *e) MUST_USE;

/* Clean decoded records (JSON Lines, from the root) by the generated SQL: the
 * rows, and how many there would be without deduplication. */
int spark_job_clean(const struct engine_far *far, const struct spec_table *t,
                    const char *records, struct frame *ret, int64_t *ret_all,
                    struct err *e) MUST_USE;

#endif
