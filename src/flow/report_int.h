/*
 * report_int.h - what the three forms of the report share.
 */
#ifndef FLOW_REPORT_INT_H
#define FLOW_REPORT_INT_H

#include "flow/report.h"

/* One value of a result as JSON; medians without a fraction when whole. */
int report_value(struct buf *b, const struct batch *rows, size_t col,
                 size_t row, struct err *e) MUST_USE;
/* The columns of a chart line; -1 when it names none or they are absent. */
struct report_chart {
    bool line; /* else bars */
    int x, y, series;
};
struct report_chart report_chart_of(const struct report_answer *a);
/* A column as a number, false when it is none or NULL. */
bool report_number(const struct batch *rows, int col, size_t row, double *ret);

#endif
