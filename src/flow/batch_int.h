/*
 * batch_int.h - what the files of batch share.
 */
#ifndef FLOW_BATCH_INT_H
#define FLOW_BATCH_INT_H

#include "flow/batch.h"
#include "flow/table_job.h"

/* conf->interval of one table; job as it would be opened for all of it. */
int batch_interval_table(const struct flow_batch_conf *conf,
                         const struct table_job_conf *job,
                         struct flow_batch_table *ret, struct err *e) MUST_USE;

#endif
