/*
 * generator_flaw_int.h - what may be wrong with a generated row, and what is
 * left of it after cleaning, as planted.
 */
#ifndef SOURCE_GENERATOR_FLAW_INT_H
#define SOURCE_GENERATOR_FLAW_INT_H

#include "source/generator_int.h"

/* What a flaw does to the cleaned rows, as planted. */
enum gen_effect {
    GEN_SAME,       /* another spelling of the same */
    GEN_NULL,       /* the column becomes NULL */
    GEN_VALUE,      /* the column has the flaw's value */
    GEN_REJECT,     /* no record; .reason */
    GEN_TWICE,      /* the record comes twice from one message */
    GEN_AND_REJECT, /* the record, and a second part that is rejected */
};
struct gen_flaw {
    const char *name;
    int8_t table; /* enum gen_table; -1: any */
    int8_t json;  /* the row is JSON text */
    enum gen_effect effect;
    const char *column; /* raw column; NULL: the whole message */
    const char *put;    /* the column's new JSON text; NULL: taken out */
    const char *reason; /* GEN_REJECT */
    int64_t value;      /* GEN_VALUE of followers and age */
    /* changes the row where put does not say it all; may be NULL */
    int (*apply)(const struct gen_flaw *flaw, const struct gen_fact *f,
                 struct gen_row *row, struct buf *b, struct err *e);
};
/* The flaw of a table's row n, or NULL. */
const struct gen_flaw *generator_flaw(const struct gen *g, enum gen_table table,
                                      int64_t n);
/* Every flaw once: NULL at the end. */
const struct gen_flaw *generator_flaw_at(size_t i);
/* Append the row with its flaw. */
int generator_flawed(const struct gen_flaw *flaw, const struct gen_fact *f,
                     struct gen_row *row, struct buf *b,
                     struct err *e) MUST_USE;

#endif
