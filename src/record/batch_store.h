/*
 * batch_store.h - rows that stay in memory: batches copied, packed, into large
 * pieces.
 *
 * A batch that grows asks for room many times and has too much of it in the
 * end.  Whoever keeps rows does better to fill one batch again and again and
 * to store a copy: each byte of it is touched once.  One thread at a time.
 */
#ifndef RECORD_BATCH_STORE_H
#define RECORD_BATCH_STORE_H

#include "record/batch.h"

struct batch_store_piece;

struct batch_store {
    struct batch_store_piece *head;
    const struct batch **list; /* what was stored, in order */
    size_t n, cap;
};

void batch_store_init(struct batch_store *s);
void batch_store_release(struct batch_store *s); /* its batches end */

/* Copy all rows to the end of the list.  The copy is never changed and lives
 * as long as the store; the columns' definitions stay borrowed. */
int batch_store_add(struct batch_store *s, const struct batch *from,
                    struct err *e) MUST_USE;
/* The same without a row: a table of no batch has no columns. */
int batch_store_add_none(struct batch_store *s, const struct col_def *defs,
                         size_t columns, struct err *e) MUST_USE;

#endif
