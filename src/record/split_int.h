/*
 * split_int.h - the insides of a splitter, shared by split*.c.
 */
#ifndef RECORD_SPLIT_INT_H
#define RECORD_SPLIT_INT_H

#include "core/compress.h"
#include "record/csv.h"
#include "record/split.h"
#include "json/json.h"

struct split {
    struct split_conf conf;
    struct split_input in;
    int fd; /* of split_open(); else -1 */
    bool own_fd;

    struct compress_reader *unpack; /* NULL: not packed */
    struct buf packed;
    struct slice packed_left; /* of packed */

    struct buf window; /* unpacked bytes, used up to `at` */
    size_t at;
    int64_t offset; /* of window.ptr[at] in the unpacked file */
    int64_t line;
    bool end;     /* the window holds the last byte */
    bool started; /* the first bytes were looked at */
    bool comma;   /* a value has just ended: one comma may follow */

    bool csv;
    struct buf header;        /* ",\"name\":" of each column, back to back */
    struct csv_field *fields; /* CSV_FIELDS_MAX */
    size_t *header_ends;      /* where each stands in header */
    size_t columns;
    struct buf scratch; /* fields without their quotes */
    struct buf object;  /* the record as JSON */
    struct json_pool pool;
};

/* The bytes that were read as if not packed are the packed file's first. */
int split_repack(struct split *s, struct err *e) MUST_USE;
/* Take the first record as a header when it is one: sets s->csv. */
int split_csv_header(struct split *s, struct slice record,
                     struct err *e) MUST_USE;
/* The record as JSON in s->object: 1; 0: it is none; -1. */
int split_csv_object(struct split *s, struct slice record,
                     struct err *e) MUST_USE;
void split_close_file(struct split *s);

#endif
