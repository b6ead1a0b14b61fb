/*
 * duck_out_int.h - a column of a result, for duck_result.c and duck_out.c.
 */
#ifndef DB_DUCK_OUT_INT_H
#define DB_DUCK_OUT_INT_H

#include "db/duck_int.h"

/* One column of a result: where its values come from, where they go. */
struct duck_out {
    struct duck_column c;
    duckdb_type from;  /* what DuckDB says */
    duckdb_type inner; /* physical type of decimals, enums; items of lists */
    uint8_t scale;
    duckdb_logical_type logical;
    char *field[2];
    size_t rows_cap, bytes_cap, bytes_len, items_cap, items;
};

/* Which of our types the column of o->logical gets; false: none.  Also fills
 * what reading it takes: from, inner, scale, the fields of a point. */
bool duck_out_find_type(const struct duck_api *api, struct duck_out *o);

#endif
