/*
 * files_int.h - the insides of the files source: its files, their tables and
 * where their rows begin.
 */
#ifndef SOURCE_FILES_INT_H
#define SOURCE_FILES_INT_H

#include "core/fs.h"
#include "record/guess.h"
#include "record/split.h"
#include "source/source_ops.h"

enum {
    FILES_MAX = 1 << 20,
    FILES_DEPTH_MAX = 16,      /* folders below a folder */
    FILES_MARK_EVERY = 16,     /* rows between two remembered places */
    FILES_MARKS_MAX = 1 << 28, /* of a file */
};

/* A place in a file where a row begins. */
struct files_mark {
    int64_t offset;
    int64_t line;
};

struct files_file {
    char *path;
    size_t table;
    bool indexed;
    int64_t first; /* row of the table that its first one is */
    int64_t rows;
    struct files_mark *marks; /* of rows 0, 16, 32, ... of the file */
    size_t nmarks;
    size_t marks_cap;
    int unpacked; /* a file without a name for what was packed; -1: none */
};

/* The files of a table in order, and the one that is open. */
struct files_table {
    struct files_file **files;
    size_t n;
    bool indexed;
    int64_t rows;
    struct split *split; /* of open_file; NULL: none */
    struct files_file *open_file;
    int64_t next; /* row of that file that it gives next */
};

struct files {
    struct files_file *all;
    size_t n;
    size_t cap;
    size_t ntables;
    struct files_table tables[SOURCE_TABLES_MAX];
};

/* Add a file, or what lies in a folder, to f->all with its table. */
int files_add(struct files *f, const char *path, const struct source_conf *conf,
              struct err *e) MUST_USE;

/* Open a file for t, in place of the one that is open, at its first row. */
int files_open_file(struct files_table *t, struct files_file *file,
                    struct err *e) MUST_USE;
/* Count the rows of all of a table's files and remember where they begin. */
int files_index(struct files_table *t, struct err *e) MUST_USE;

#endif
