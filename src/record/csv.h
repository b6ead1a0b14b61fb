/*
 * csv.h - records of RFC 4180: fields, quotes, line ends.
 *
 * A quote opens a field only as its first byte; inside, two stand for one and
 * line ends are text.  Records end in LF or CRLF.  Nothing here keeps state.
 */
#ifndef RECORD_CSV_H
#define RECORD_CSV_H

#include "core/buf.h"

enum {
    CSV_FIELDS_MAX = 1024 /* of a record */
};

struct csv_field {
    struct slice text; /* without the quotes around it */
    bool quoted;       /* so that "" is an empty text and nothing is NULL */
};

/*
 * The record that begins s: *ret_len bytes without its line end, *ret_all with
 * it.  False when it does not end in s; at the end of the input (`last`) a
 * missing line end is fine, an open quote is not.
 */
bool csv_record(struct slice s, bool last, size_t *ret_len, size_t *ret_all);

/*
 * Cut one record into its fields.  Their texts point into the record, or into
 * *scratch where quotes had to go (what was in it is lost), and are good until
 * either changes.  ERR_MALFORMED: text behind a closing quote, an open quote;
 * ERR_LIMIT: more than max fields.
 */
int csv_fields(struct slice record, struct buf *scratch,
               struct csv_field *fields, size_t max, size_t *ret_n,
               struct err *e) MUST_USE;

/* Append one field, in quotes where it needs them; an empty text is "". */
int csv_print_text(struct buf *b, struct slice s, struct err *e) MUST_USE;

#endif
