/*
 * duck_view_int.h - what a table function of ours reads; duck*.c only.
 */
#ifndef DB_DUCK_VIEW_INT_H
#define DB_DUCK_VIEW_INT_H

#include "db/duck_vector_int.h"

struct duck_index;  /* where each key of a view's column is */
struct duck_joined; /* rows of several views side by side */

/* One fed name: sets of rows, or joined rows of other views. */
struct duck_view {
    struct duck_view *next;
    struct duck *d;
    char *name;
    size_t total; /* rows */

    const struct duck_rows *sets; /* borrowed */
    size_t n;
    size_t *first;            /* how many rows are before each set */
    struct duck_index *index; /* made when it is first joined; or NULL */

    struct duck_joined *joined; /* or NULL */
};

/* Register the view under its name; it is the database's from now on, also
 * when this fails. */
int duck_view_add(struct duck *d, struct duck_view *view, const char *name,
                  struct err *e) MUST_USE;

size_t duck_view_columns(const struct duck_view *view);
const struct duck_column *duck_view_column(const struct duck_view *view,
                                           size_t i);

/* Add rows [at, at + n) of a joined view's column; false for bad UTF-8. */
bool duck_joined_put(const struct duck_joined *j, struct duck_into *to,
                     size_t col, size_t at, size_t n) MUST_USE;
void duck_joined_free(struct duck_joined *j); /* NULL is fine */
void duck_index_free(struct duck_index *x);   /* NULL is fine */

#endif
