/*
 * codec.h - topics as bytes: records, and the frames that carry them.
 *
 * docs/format/topics.md is the reference.  A frame is a header, the
 * idempotency keys and a body of records; its checksum covers all of it.
 * Nothing here allocates; what is taken apart borrows the bytes.
 */
#ifndef BROKER_CODEC_H
#define BROKER_CODEC_H

#include "broker/broker.h"
#include "core/buf.h"

enum {
    CODEC_HEADER = 72,           /* bytes of a frame's header */
    CODEC_BODY_MAX = 72 << 20,   /* one record of the largest size, and more */
    CODEC_KEYS_MAX = 72 << 20,   /* the same for the keys */
    CODEC_KEY_HASH = 16,         /* bytes of a key's hash, of a digest */
    CODEC_KEY_ENTRY = 16 * 2 + 4 /* bytes of a key without its runs */
};

/* ---- records ---- */

/* The bytes that codec_put_record() will write. */
size_t codec_record_size(const struct broker_record *r, int64_t time_us);
/* Returns the byte behind what it wrote. */
char *codec_put_record(char *at, const struct broker_record *r,
                       int64_t time_us);
/* Take one record off the front of *body; false when it is malformed.  The
 * message's offset is left alone. */
bool codec_take_record(struct slice *body, struct message *ret);

/* ---- frames ---- */

struct codec_frame {
    int64_t epoch;
    int64_t first;          /* offset of the first record */
    int64_t at_us;          /* when it was committed */
    int64_t min_us, max_us; /* of the records' times */
    int32_t partition;
    uint32_t count;    /* records */
    uint32_t body_len; /* bytes */
    uint32_t keys_len; /* bytes */
    uint32_t more;     /* frames of the same commit that follow */
    uint32_t crc;
};

/* The header without its checksum. */
void codec_put_header(const struct codec_frame *f, char header[CODEC_HEADER]);
/* Of the whole frame, from the checksum of its body alone. */
uint32_t codec_crc(const char header[CODEC_HEADER], struct slice keys,
                   uint32_t body_crc);
void codec_put_crc(char header[CODEC_HEADER], uint32_t crc);
/* False: these bytes are no header. */
bool codec_get_header(const char header[CODEC_HEADER], struct codec_frame *ret);
/* Bytes of the frame with its header. */
size_t codec_frame_size(const struct codec_frame *f);
/* Does the checksum of a whole frame hold? */
bool codec_frame_ok(const struct codec_frame *f, const char *frame);

/* ---- idempotency keys in a frame ---- */

/* Consecutive records of a request that went to one partition; negative:
 * they were refused with the code -partition. */
struct codec_run {
    int32_t partition;
    uint32_t count;
    int64_t first;
};

struct codec_key {
    uint8_t hash[CODEC_KEY_HASH];   /* of principal, topic and key */
    uint8_t digest[CODEC_KEY_HASH]; /* of the request's body */
    uint32_t runs;                  /* how many follow it */
    const char *run_bytes;          /* for codec_get_run() */
};

int codec_put_key(struct buf *b, const struct codec_key *k,
                  const struct codec_run *runs, struct err *e) MUST_USE;
/* Take one off the front of *keys; false when it is malformed. */
bool codec_take_key(struct slice *keys, struct codec_key *ret);
struct codec_run codec_get_run(const struct codec_key *k, uint32_t i);

#endif
