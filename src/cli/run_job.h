/*
 * run_job.h - the stages of `run`, one after the other.
 */
#ifndef CLI_RUN_JOB_H
#define CLI_RUN_JOB_H

#include "cli/answers.h"
#include "cli/cmd_int.h"

enum {
    RUN_INPUTS_MAX = 1024
};

struct run_conf {
    struct cli *cli;
    const char *const *sets; /* settings given as options */
    size_t nsets;
    bool append;
    bool only_new; /* answer over the new rows */
    enum answers_format format;
    const char *page; /* the HTML report; NULL: DATA/report.html */
    int64_t rows;     /* -1: as configured, all of --input */
    const char *const *inputs;
    size_t ninputs;
};

int run_job(const struct run_conf *conf, struct err *e) MUST_USE;

#endif
