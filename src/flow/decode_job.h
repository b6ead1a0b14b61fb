/*
 * decode_job.h - a table's raw messages as decoded records, one JSON object a
 * line: what engines read that are not ours.
 */
#ifndef FLOW_DECODE_JOB_H
#define FLOW_DECODE_JOB_H

#include "broker/broker.h"
#include "clean/spec.h"
#include "flow/project.h"

struct decode_job {
    struct project *project;
    const struct spec *spec;
    struct broker *broker;
    bool from_topics; /* else from the JSON objects */
};

struct decode_counts {
    int64_t messages;
    int64_t records;  /* that were written */
    int64_t rejected; /* no record, or none that can be read */
};

/* Everything there is of table t into path (.jsonl), which appears whole or
 * not at all. */
int decode_table(const struct decode_job *j, const struct spec_table *t,
                 const char *path, struct decode_counts *ret,
                 struct err *e) MUST_USE;

#endif
