/*
 * sql_int.h - the words in which the dialects differ; sql*.c only.
 */
#ifndef CLEAN_SQL_INT_H
#define CLEAN_SQL_INT_H

#include "clean/op_int.h"
#include "clean/sql.h"

struct sql_words {
    const char *name;
    char quote;          /* around names */
    bool escapes;        /* string literals take backslashes */
    const char *trim;    /* of {x}, ASCII blanks */
    const char *list[3]; /* begin, between, end of an array of values */
    const char *settings;
    const char *read_file; /* {q}: the quoted path */
};

const struct sql_words *sql_words(enum sql_dialect d);
/* 'text' and "name" as the dialect wants them. */
int sql_put_text(const struct sql_words *w, struct slice s, struct buf *b,
                 struct err *e) MUST_USE;
int sql_put_name(const struct sql_words *w, const char *name, struct buf *b,
                 struct err *e) MUST_USE;

/* What stands for the names in a template. */
struct sql_fill {
    const char *x, *k, *t, *a, *q;
};
int sql_expand(const char *form, const struct sql_fill *f, struct buf *b,
               struct err *e) MUST_USE;
/* The {a} of an operation on one part. */
int sql_args(const struct sql_words *w, enum sql_dialect d, const struct op *op,
             const struct spec_column *c, size_t part, struct buf *b,
             struct err *e) MUST_USE;
/* The common table expression `fields`: pos, and kN, xN for field N. */
int sql_fields(const struct spec_table *t, enum sql_dialect d, struct buf *b,
               struct err *e) MUST_USE;

#endif
