/*
 * delta_parts_int.h - tables with partition columns, for the files of delta.
 *
 * The values of a file are a JSON object of texts and nulls, the columns in
 * the table's order: {"category":"art","ind":null}; NULL: there are none.
 */
#ifndef LAKE_DELTA_PARTS_INT_H
#define LAKE_DELTA_PARTS_INT_H

#include "lake/delta_handle_int.h"

/* Can a table of this schema be partitioned as it says?  ERR_INVALID. */
int delta_parts_valid(const struct delta_schema *s, struct err *e) MUST_USE;

/* A live file and the values of its partition columns, borrowed. */
struct delta_ref {
    const char *values;
    size_t file;
};
/* Those of one partition side by side, else in the order of the log. */
void delta_refs_sort(struct delta_ref *refs, size_t n);
/* How many of the first are of one partition. */
size_t delta_refs_alike(const struct delta_ref *refs, size_t n);
/* A SELECT of the rows of these files, sorted; as delta_select(). */
int delta_select_some(struct delta *t, const struct delta_ref *refs, size_t n,
                      struct buf *b, struct err *e) MUST_USE;

/* Append the columns that are none of the partition's, as SQL. */
int delta_other_columns(const struct delta *t, struct buf *b,
                        struct err *e) MUST_USE;

/* Append the folder of files with these values, "category=art/"; nothing when
 * there are none. */
int delta_part_folder(const char *values, struct buf *b,
                      struct err *e) MUST_USE;
/* Where a new file with these values goes: its key, and the path that the log
 * gives it (mem_free). */
int delta_new_file(const struct delta *t, const char *values,
                   char key[STORE_KEY_MAX + 1], char **ret_path,
                   struct err *e) MUST_USE;
/* Write rows of one partition, without its columns, and note the file. */
int delta_write_file(struct delta *t, const char *values,
                     const struct batch *rows, struct delta_adds *to,
                     struct err *e) MUST_USE;
/* Room for one more, zeroed; counted by the caller when it is filled. */
struct delta_add *delta_adds_next(struct delta_adds *to, struct err *e);
struct delta_parts {
    const char *const *names;
    size_t n;
};
/* delta_write() of a table that has partition columns. */
int delta_parts_write(struct delta *t, struct delta_parts by,
                      const struct batch *rows, struct delta_adds *to,
                      struct err *e) MUST_USE;

#endif
