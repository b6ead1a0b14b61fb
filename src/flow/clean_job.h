/*
 * clean_job.h - the command `clean`: files in, rows out, without topics.
 */
#ifndef FLOW_CLEAN_JOB_H
#define FLOW_CLEAN_JOB_H

#include <stdio.h>

#include "clean/clean.h"
#include "engine/engine.h"

enum clean_job_how {
    CLEAN_JOB_C,
    CLEAN_JOB_DECODED, /* decoded records, canonical JSON Lines, no cleaning */
    CLEAN_JOB_DUCKDB,  /* decoded by C, cleaned by the generated SQL */
    CLEAN_JOB_SPARK    /* the same, on Spark */
};

struct clean_job {
    enum clean_job_how how;
    const struct spec_table *table;
    const char *const *paths; /* "-": standard input */
    const char *const *names; /* what messages call them; NULL: the paths */
    size_t npaths;
    const char *output;           /* a file by its ending, or "-" */
    const char *rejects;          /* JSON Lines; NULL: counted only */
    FILE *out;                    /* for "-" */
    int threads;                  /* 0: the machine's cores */
    const struct engine_far *far; /* where Spark is */
};

struct clean_job_result {
    struct clean_counts counts; /* clean_counts_release(); by SQL: none by
                                 * column */
    int64_t rows;               /* that came out */
    int64_t duplicates;
};

/* ERR_DATA when max_rejects is passed: then no file was made. */
int clean_job_run(const struct clean_job *c, struct clean_job_result *ret,
                  struct err *e) MUST_USE;

#endif
