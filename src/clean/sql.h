/*
 * sql.h - a cleaning spec as SQL text, for engines that are not ours.
 *
 * The SQL reads decoded records (one JSON object each, valid UTF-8, unique
 * keys) from a relation `decoded` with columns pos (growing with a record's
 * position) and record (its JSON), and gives the same rows as clean.h.
 */
#ifndef CLEAN_SQL_H
#define CLEAN_SQL_H

#include "clean/spec.h"

enum sql_dialect {
    SQL_DUCKDB,
    SQL_SPARK
};

/* "duckdb" or "spark"; ERR_INVALID. */
int sql_dialect_of(const char *word, enum sql_dialect *ret,
                   struct err *e) MUST_USE;

/* Append the query.  ERR_UNAVAILABLE names what only C can do (provenance,
 * on_error: stop). */
int sql_query(const struct spec_table *t, enum sql_dialect d, struct buf *b,
              struct err *e) MUST_USE;
/* Append what makes `decoded` out of a file of JSON Lines. */
int sql_input(enum sql_dialect d, const char *path, struct buf *b,
              struct err *e) MUST_USE;
/* Append the statements without which the query means something else. */
int sql_settings(enum sql_dialect d, struct buf *b, struct err *e) MUST_USE;
/* Append a SELECT of the fields that the table reads, as they came and as
 * text, from a relation like `decoded`; Spark only. */
int sql_raw_fields(const struct spec_table *t, const char *relation,
                   struct buf *b, struct err *e) MUST_USE;
/* Append a script that stands alone: a head that says what it is, the input,
 * and a table clean_NAME. */
int sql_script(const struct spec *s, const struct spec_table *t,
               enum sql_dialect d, struct buf *b, struct err *e) MUST_USE;

#endif
