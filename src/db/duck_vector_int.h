/*
 * duck_vector_int.h - columns of ours into vectors of DuckDB; duck*.c only.
 */
#ifndef DB_DUCK_VECTOR_INT_H
#define DB_DUCK_VECTOR_INT_H

#include "db/duck_int.h"

duckdb_logical_type duck_type_make(const struct duck_api *api,
                                   const struct duck_column *c);

/* A vector that is filled from its beginning on.  Texts stay where they are:
 * the columns' memory is borrowed for as long as the vector's rows live. */
struct duck_into {
    const struct duck_api *api;
    duckdb_vector v;
    size_t at;    /* values that it has */
    size_t items; /* of its lists */
};

/* Add rows [from, from + n) of a column; false for bad UTF-8. */
bool duck_vector_put(struct duck_into *to, const struct duck_column *c,
                     size_t from, size_t n) MUST_USE;

/* Rows picked from sets: set refs[i] >> shift, there row refs[i] & mask. */
struct duck_picks {
    const struct duck_rows *sets;
    unsigned shift; /* under 32 */
    const uint32_t *refs;
};

/* Can rows of such a column be picked?  Not of lists and points. */
bool duck_vector_picks(const struct duck_column *c);
/* Add n picked rows of a column; false for bad UTF-8. */
bool duck_vector_pick(struct duck_into *to, const struct duck_picks *p,
                      size_t col, size_t n) MUST_USE;

#endif
