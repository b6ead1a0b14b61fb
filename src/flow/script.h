/*
 * script.h - the whole batch as one file of Spark SQL: raw JSON objects in,
 * cleaned tables and the answers out.
 *
 * The records are JSON objects, one a line, as `clean --decoded` writes them.
 */
#ifndef FLOW_SCRIPT_H
#define FLOW_SCRIPT_H

#include "clean/spec.h"
#include "flow/analysis.h"

enum script_format {
    SCRIPT_SQL,
    SCRIPT_DATABRICKS, /* a notebook: a cell for every statement */
    SCRIPT_IPYNB       /* the same for Jupyter, in Python cells */
};

struct script_conf {
    const struct spec *spec;
    const struct analyses *analyses; /* NULL: no answers */
    const char *raw;     /* path of a table's records; {table} is its name */
    const char *tables;  /* folder of the cleaned tables */
    const char *answers; /* folder for answers as JSON; NULL: print them */
    bool delta;          /* tables are Delta, else Parquet */
    bool metastore;      /* tables get names that other programs see */
    enum script_format format;
};

/* Append the script.  Relative paths become absolute, since Spark would take
 * some of them from its warehouse.  ERR_UNAVAILABLE as sql_query(). */
int script_spark(const struct script_conf *conf, struct buf *b,
                 struct err *e) MUST_USE;

/* Append a PySpark program that does the cleaning as a stream: from Kafka or a
 * folder of records into Delta or Postgres.  conf->raw and conf->tables are
 * its defaults; analyses are not read.  ERR_UNAVAILABLE as sql_query(). */
int script_stream(const struct script_conf *conf, struct buf *b,
                  struct err *e) MUST_USE;

#endif
