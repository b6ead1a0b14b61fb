/*
 * compress.h - gzip out and in, zstd in; recognised by their first bytes.
 *
 * Everything is bounded by the caller's buffers.  One thread per handle.
 */
#ifndef CORE_COMPRESS_H
#define CORE_COMPRESS_H

#include "core/buf.h"

enum compress_kind {
    COMPRESS_NONE,
    COMPRESS_GZIP,
    COMPRESS_ZSTD,
};

/* By magic; four bytes are enough. */
enum compress_kind compress_sniff(struct slice head);

/* One gzip member of s behind what is in *b; no time stamp, so that the same
 * bytes give the same bytes. */
int compress_gzip(struct slice s, struct buf *b, struct err *e) MUST_USE;
/* The whole of s, unpacked behind what is in *b (whose ceiling bounds it);
 * COMPRESS_NONE copies.  ERR_MALFORMED when damaged or cut short. */
int compress_unpack(enum compress_kind kind, struct slice s, struct buf *b,
                    struct err *e) MUST_USE;

/* Gzip in pieces: what is finished is appended to *b; call with last = true
 * once, at the end. */
struct compress_writer;
int compress_writer_new(struct compress_writer **ret, struct err *e) MUST_USE;
int compress_writer_put(struct compress_writer *w, struct slice s, bool last,
                        struct buf *b, struct err *e) MUST_USE;
void compress_writer_free(struct compress_writer *w);

/* Unpacking in pieces, members and frames one behind the other. */
struct compress_reader;
int compress_reader_new(struct compress_reader **ret, enum compress_kind kind,
                        struct err *e) MUST_USE;
/* Take from the front of *in and write at most cap bytes to out.  Nothing
 * written and *in empty: more input is needed. */
int compress_reader_step(struct compress_reader *r, struct slice *in, char *out,
                         size_t cap, size_t *ret_written,
                         struct err *e) MUST_USE;
/* At the end of input: ERR_MALFORMED when it was cut short. */
int compress_reader_end(struct compress_reader *r, struct err *e) MUST_USE;
void compress_reader_free(struct compress_reader *r);

#endif
