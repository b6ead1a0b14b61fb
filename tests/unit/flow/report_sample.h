/* report_sample.h - a report of made-up and odd answers, for tests. */
#ifndef TESTS_REPORT_SAMPLE_H
#define TESTS_REPORT_SAMPLE_H

#include "flow/report.h"

enum {
    SAMPLE_ANSWERS = 9
};

struct report_sample {
    struct report report;
    struct batch rows[SAMPLE_ANSWERS];
    struct account accounts[4];
};

int report_sample_make(struct report_sample *s, struct err *e) MUST_USE;
void report_sample_release(struct report_sample *s);

#endif
