/*
 * raw_rows.h - the raw records of a table as rows: every field that the table
 * reads, as it came and as text; what df_NAME shows.
 */
#ifndef FLOW_RAW_ROWS_H
#define FLOW_RAW_ROWS_H

#include "flow/batch.h"

enum {
    RAW_ROWS_BYTES_MAX = 1 << 30
};

struct raw_rows {
    struct col_def defs[SPEC_FIELDS_MAX];
    struct batch_store rows; /* their columns are defs, borrowed */
    int64_t bytes;           /* that the rows take, about */
};

/* Read all raw data of a table from where a batch would (project, spec, broker
 * and from_topics of conf); what is no record is left out.  ret stays where it
 * is, and t with it, until raw_rows_release().  ERR_LIMIT over RAW_ROWS_BYTES_MAX. */
int raw_rows_read(struct raw_rows *ret, const struct flow_batch_conf *conf,
                  const struct spec_table *t, struct err *e) MUST_USE;
void raw_rows_release(struct raw_rows *r);

#endif
