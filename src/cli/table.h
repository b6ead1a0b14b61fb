/*
 * table.h - rows on standard output: aligned for people, JSON or CSV for
 * programs, from cells or from a batch.
 *
 * Cells are copied.  Widths are counted in terminal columns (UTF-8; wide and
 * combining characters are known).  One thread.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

#include "core/arena.h"
#include "core/buf.h"
#include "record/batch.h"

enum table_format {
    TABLE_TEXT,
    TABLE_JSON,
    TABLE_CSV,
};

/* For OPT_CHOICE; the index is a table_format.  Ended by NULL. */
extern const char *const table_formats[];

enum {
    TABLE_COLUMNS_MAX = 64,
    TABLE_BYTES_MAX = 256 << 20
};

struct table_cell {
    struct slice text;
    enum {
        TABLE_NULL,
        TABLE_WORD,
        TABLE_NUMBER
    } kind;
};

struct table {
    const char *const *names; /* of the columns; borrowed */
    size_t columns;
    struct arena arena;
    struct table_cell *cells; /* row by row */
    size_t count, cap;
    size_t whole; /* 1 + the last column, when its texts are never cut; or 0 */
};

/* names: `columns` of them. */
void table_init(struct table *t, const char *const *names, size_t columns);
void table_release(struct table *t);
/* The next cell of the row; a row is done when it has all its cells. */
int table_put(struct table *t, struct slice text, struct err *e) MUST_USE;
int table_putf(struct table *t, struct err *e, const char *fmt, ...)
    PRINTF_LIKE(3, 4) MUST_USE;
int table_put_int(struct table *t, int64_t v, struct err *e) MUST_USE;
int table_put_null(struct table *t, struct err *e) MUST_USE;

struct table_style {
    enum table_format format;
    int width;   /* text lines are cut here; 0: never */
    bool colour; /* bold heads */
};

/* All of it behind what is in *b.  An empty table prints its heads. */
int table_print(const struct table *t, const struct table_style *style,
                struct buf *b, struct err *e) MUST_USE;
/* The same for a batch; JSON is an array of objects and a line feed. */
int table_print_batch(const struct batch *rows, const struct table_style *style,
                      struct buf *b, struct err *e) MUST_USE;
/* Straight to a file, row by row, for results of any length; every row ends
 * up in out or the call fails (ERR_IO). */
int table_write_batch(const struct batch *rows, const struct table_style *style,
                      FILE *out, struct err *e) MUST_USE;

struct args;
struct cli;

/* What --format and the terminal ask for. */
struct table_style table_style_of(const struct cli *c, const struct args *a);
/* The end of a table: where rc is 0 it is written to c->out; it is released
 * either way.  Returns rc, or -1 when it could not be written. */
int table_show(struct table *t, const struct cli *c, const struct args *a,
               int rc, struct err *e) MUST_USE;

/* Terminal columns that s takes. */
size_t table_width(struct slice s);

#endif
