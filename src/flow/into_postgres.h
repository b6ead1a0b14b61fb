/*
 * into_postgres.h - which table of a Postgres database a cleaned table goes
 * to, by the project's settings postgres.*.
 */
#ifndef FLOW_INTO_POSTGRES_H
#define FLOW_INTO_POSTGRES_H

#include "flow/project.h"
#include "sink/sink.h"

/* Fill url, into, key and conflict of *ret for a table of the spec; texts live
 * in the project's arena. */
int into_postgres(struct project *p, const char *table, struct sink_conf *ret,
                  struct err *e) MUST_USE;

#endif
