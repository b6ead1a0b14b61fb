/*
 * split.h - raw files as messages, recognised by content.
 *
 * JSON values one after another, with line feeds, blanks, commas or nothing
 * between them, also over several lines; an array is one value.  CSV with a
 * header: each record an object of texts, an empty field without quotes null.
 * A line that is neither is one binary message, so that nothing is lost.
 * gzip, zstd and a UTF-8 byte order mark are taken off before.
 *
 * Memory is bounded by the largest message.  One thread at a time.
 */
#ifndef RECORD_SPLIT_H
#define RECORD_SPLIT_H

#include "core/buf.h"

enum {
    SPLIT_MESSAGE_MAX = 64 << 20, /* bytes, unless the caller says less */
    SPLIT_CHUNK = 256 << 10       /* bytes read at once, unless he says so */
};

struct split; /* opaque */

struct split_conf {
    const char *name;   /* of the file, for messages; borrowed */
    size_t max_message; /* bytes; more is ERR_LIMIT; 0: SPLIT_MESSAGE_MAX */
    size_t chunk;       /* 0: SPLIT_CHUNK */
    /* Values are cut but not parsed: `json` then means that it may be. */
    bool unparsed;
    /* A CSV header must have one of these names; borrowed; none: any header
     * of at least two distinct words will do. */
    const char *const *columns;
    size_t ncolumns;
};

/* Where bytes come from.  read: *ret 0 is the end.  seek may be NULL. */
struct split_input {
    int (*read)(void *ctx, char *out, size_t cap, size_t *ret, struct err *e);
    int (*seek)(void *ctx, int64_t offset, struct err *e);
    void *ctx; /* borrowed */
};

struct split_message {
    struct slice bytes; /* until the next call */
    bool json;          /* it is JSON text; else post it as binary */
    int64_t line;       /* from 1: where it begins in the unpacked file */
    int64_t offset;     /* from 0: the same in bytes */
};

/* A file, or "-" for standard input; conf->name may be NULL. */
int split_open(struct split **ret, const char *path,
               const struct split_conf *conf, struct err *e) MUST_USE;
/* A file that is open; closed by split_free(), on failure too. */
int split_open_fd(struct split **ret, int fd, const struct split_conf *conf,
                  struct err *e) MUST_USE;
int split_new(struct split **ret, const struct split_input *in,
              const struct split_conf *conf, struct err *e) MUST_USE;
void split_free(struct split *s); /* NULL is fine */

/* 1: a message, 0: the end, -1: with file, line and byte. */
int split_next(struct split *s, struct split_message *ret,
               struct err *e) MUST_USE;

/* Whether the file is packed, once split_next() was called; then it cannot
 * seek. */
bool split_packed(const struct split *s);
/* Go on at a message that split_next() gave before.  ERR_INVALID when the
 * input cannot seek. */
int split_seek(struct split *s, int64_t offset, int64_t line,
               struct err *e) MUST_USE;

#endif
