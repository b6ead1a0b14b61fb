/*
 * postgres_int.h - the insides of the Postgres sink.
 *
 * postgres.c is the sink and its transactions, postgres_table.c makes or
 * checks the table, postgres_rows.c spells rows for COPY.
 */
#ifndef SINK_POSTGRES_INT_H
#define SINK_POSTGRES_INT_H

#include "db/postgres.h"
#include "record/batch.h"
#include "sink/reach.h"

enum {
    POSTGRES_SQL_MAX = 1 << 20,
    POSTGRES_COLUMNS_MAX = 256,
};

struct postgres_sink {
    struct sink_conf conf;
    struct postgres *db;
    char *owner; /* pipeline that has written to the table; NULL: none */
    struct slice schema; /* of conf.into; empty: the server's choice */
    struct slice table;
    struct batch rows; /* not handed over yet */
    struct sink_reaches reaches;
    struct buf bytes;                /* rows as COPY has them */
    bool zero[POSTGRES_COLUMNS_MAX]; /* columns with zero bytes in texts */
    bool begun;                      /* a transaction and its COPY run */
    bool replace; /* the coming commit replaces what is there */
};

/* A statement of sink/sql; the program's own. */
const char *postgres_sink_sql(const char *name);

/* "a", "b", ... of all columns, or of the key. */
int postgres_sink_columns(const struct postgres_sink *s, bool key,
                          struct buf *b, struct err *e) MUST_USE;
/* Make the table, its position table and its key, or check what is there. */
int postgres_sink_table(struct postgres_sink *s, struct err *e) MUST_USE;

/* Before the rows of a batch are spelt: which columns hold zero bytes (they
 * become U+FFFD); ERR_DATA for texts that are no UTF-8. */
int postgres_sink_look(struct postgres_sink *s, const struct batch *rows,
                       struct err *e) MUST_USE;
/* Rows [from, to) in COPY's binary form behind what is in s->bytes. */
int postgres_sink_spell(struct postgres_sink *s, const struct batch *rows,
                        size_t from, size_t to, struct err *e) MUST_USE;
/* The header and the end of COPY's binary form. */
int postgres_sink_head(struct buf *b, struct err *e) MUST_USE;
int postgres_sink_tail(struct buf *b, struct err *e) MUST_USE;

#endif
