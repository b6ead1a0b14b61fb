/*
 * generate.h - writes the rows of a source's tables as files or as a database.
 *
 * A file appears under its name when it is whole and on disk; a run that was
 * stopped or failed leaves what was there before.
 */
#ifndef FLOW_GENERATE_H
#define FLOW_GENERATE_H

#include "core/progress.h"
#include "source/source.h"

enum generate_format {
    GENERATE_JSONL,
    GENERATE_CSV, /* refuses rows that are no JSON object */
};

struct generate_conf {
    struct source *source;
    const char *const *tables; /* the source's, in order */
    size_t ntables;
    enum generate_format format;
    bool gzip;
    bool replace; /* databases: tables that are there are dropped */
    struct progress *progress; /* told of each row; may be NULL */
};

struct generate_counts {
    int64_t rows;
    int64_t bytes; /* written, packed if gzip */
};

/* DIR/TABLE.jsonl (.csv, .gz): one row a line. */
int generate_files(const struct generate_conf *conf, const char *dir,
                   struct generate_counts *ret, struct err *e) MUST_USE;
/* A table of typed columns for each of pin, geo and user, named as in the
 * seeds' databases, in place of what the file held under these names. */
int generate_sqlite(const struct generate_conf *conf, const char *path,
                    struct generate_counts *ret, struct err *e) MUST_USE;
/* The same in the database of a url (db/login.h), by COPY or LOAD DATA, with an
 * index on the key; ERR_EXISTS when a table is there and replace is not said. */
int generate_database(const struct generate_conf *conf, const char *url,
                      struct generate_counts *ret, struct err *e) MUST_USE;

#endif
