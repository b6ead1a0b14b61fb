/*
 * catalog.h - which spec, tables and folders a project has.
 */
#ifndef FLOW_CATALOG_H
#define FLOW_CATALOG_H

#include "clean/spec.h"
#include "flow/project.h"

/* The spec of a project: its file, or the one in the program.  Faults, a line
 * each, are appended to *faults (may be NULL). */
int catalog_spec(struct spec **ret, const struct project *p,
                 struct faults *faults, struct err *e) MUST_USE;
/* The spec's text as it is read. */
int catalog_spec_text(const struct project *p, struct buf *b,
                      struct err *e) MUST_USE;
/* The table a topic feeds: by the project's topics, else the spec's patterns;
 * NULL when none.  On a cluster, which has topics of others too, only those
 * that the project names: by prefix, topics or the names of the tables. */
const struct spec_table *catalog_topic_table(const struct project *p,
                                             const struct spec *s,
                                             const char *topic);
/* The patterns of topics that a sink reads: those that were asked for, else
 * all; on a cluster those of the tables.  *ret is the project's. */
int catalog_topics(struct project *p, const struct spec *s,
                   const struct conf_list *asked, const char *const **ret,
                   size_t *n, struct err *e) MUST_USE;
/* The folder of all cleaned tables. */
const char *catalog_tables_dir(struct project *p, struct err *e);
/* The folder of a table. */
const char *catalog_table_dir(struct project *p, const char *table,
                              struct err *e);

#endif
