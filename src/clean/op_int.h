/*
 * op_int.h - the cleaning operations: what a column program is made of.
 *
 * An operation is one row of a table: its name, the C function that runs it on
 * one value, and the SQL that does the same to a column of values.  A row
 * whose SQL is NULL is "C only" and refused by name when SQL is asked for.
 *
 * SQL templates: {x} the value, at first the field's text; {k} the field's kind
 * (string, int, number, bool, array, object); {t} its text without outer
 * blanks; {a} what enum op_args says.
 */
#ifndef CLEAN_OP_INT_H
#define CLEAN_OP_INT_H

#include "json/json.h"

#include "clean/clean.h"

struct op_value {
    enum clean_rule why; /* CLEAN_OK, or why there is none */
    yyjson_val *json;    /* the field, before it is converted */
    struct slice text;
    int64_t i;
    double d;
};

/* Memory for one value at a time; grows, never per row. */
struct op_scratch {
    char *p;
    size_t cap;
    struct slice *items;
    size_t nitems, items_cap;
    bool failed; /* out of memory */
};

struct op_part {
    const struct spec_column *col;
    size_t index; /* of the part within the column */
    struct op_scratch *scratch;
};

typedef void (*op_fn)(const struct op_part *p, struct op_value *v);

enum {
    OPS_MAX = 10, /* of one value */
    OP_STEPS = 3  /* of SQL: each sees the step before as {x} */
};

/* How sql.c writes {a}. */
enum op_args {
    OP_NO_ARGS,
    OP_TEXTS,  /* the column's null: texts, quoted, commas between */
    OP_EACH,   /* duckdb_each for every prefix, with {q} its quoted text */
    OP_SIGN,   /* the pattern of item start and strip_each: */
    OP_ITEMS,  /* the split: character, quoted */
    OP_LIMITS, /* "low AND high" of the part's range */
};

struct op {
    const char *name;
    op_fn run;
    enum op_args args;
    const char *duckdb[OP_STEPS]; /* none: C only */
    const char *spark[OP_STEPS];
};

enum op_id {
    OP_ASCII,
    OP_BIGINT,
    OP_BLANK,
    OP_COUNT,
    OP_DOUBLE,
    OP_INT,
    OP_JOIN_LETTERS,
    OP_NULL,
    OP_RANGE,
    OP_SPLIT,
    OP_STRIP_EACH,
    OP_STRIP_PREFIX,
    OP_TEXT,
    OP_TIMESTAMP,
    OPS
};

/* The row of an operation; the table is in op.c. */
const struct op *op_get(enum op_id id);
/* The operations on one value (or one part) of a column, in order. */
size_t op_list(const struct spec_column *c, enum op_id ids[OPS_MAX]);

/* Room for n bytes; NULL sets failed. */
char *op_room(struct op_scratch *s, size_t n);

/* ops_text.c */
void ops_text(const struct op_part *p, struct op_value *v);
void ops_text_null(const struct op_part *p, struct op_value *v);
void ops_text_blank(const struct op_part *p, struct op_value *v);
void ops_text_strip_prefix(const struct op_part *p, struct op_value *v);
void ops_text_strip_each(const struct op_part *p, struct op_value *v);
void ops_text_join_letters(const struct op_part *p, struct op_value *v);
void ops_text_ascii(const struct op_part *p, struct op_value *v);
void ops_text_split(const struct op_part *p, struct op_value *v);
/* ops_number.c */
void ops_number_int(const struct op_part *p, struct op_value *v);
void ops_number_bigint(const struct op_part *p, struct op_value *v);
void ops_number_count(const struct op_part *p, struct op_value *v);
void ops_number_double(const struct op_part *p, struct op_value *v);
void ops_number_time(const struct op_part *p, struct op_value *v);
void ops_number_range(const struct op_part *p, struct op_value *v);

#endif
