/*
 * worker_chunks.h - the rows of a query as the lines that flow/worker.h calls
 * "chunks"; cmd_worker.c only.
 */
#ifndef CLI_WORKER_CHUNKS_H
#define CLI_WORKER_CHUNKS_H

#include <stdio.h>

#include "flow/worker.h"
#include "record/batch.h"

enum {
    WORKER_CHUNK_BYTES = 1 << 20 /* a chunk ends behind the row that fills it */
};

/* Write rows to out, as far as the limits of r go.  ERR_LIMIT over
 * WORKER_ANSWER_MAX bytes. */
int worker_chunks_write(const struct batch *rows,
                        const struct worker_request *r, FILE *out,
                        struct err *e) MUST_USE;

#endif
