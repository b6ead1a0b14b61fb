/*
 * record_body.h - records of Kafka REST v3: one JSON object after another, or
 * the entries of a batch.
 *
 * A record that is wrong is an item with an error; the others go on.  The
 * bytes of the items are in one buffer, from which broker_records are made.
 */
#ifndef API_RECORD_BODY_H
#define API_RECORD_BODY_H

#include "api/produce_body.h"

struct record_body_part { /* a key or a value */
    bool given;           /* also as null */
    bool has;             /* bytes, maybe none */
    const char *type;     /* "JSON" */
    size_t len;           /* of its bytes in the text */
};

struct record_body_item {
    int code;          /* 0: to be stored; else an error_code with words */
    const char *words; /* in the arena */
    const char *id;    /* of a batch's entry; in the arena, or NULL */
    int32_t partition; /* -1: by the key */
    int64_t time_us;   /* 0: now */
    struct record_body_part key, value;
    size_t headers_len;
};

struct record_body {
    struct arena arena;
    struct buf text; /* of each item: key, value, headers */
    struct record_body_item *items;
    size_t n, cap;
};

/* Concatenated objects; false with *f when there is none, too many, or the
 * first is no JSON.  What is no JSON later is the last item. */
bool record_body_stream(struct record_body *ret, struct slice body,
                        size_t records_max, struct produce_fault *f);
/* {"entries":[{"id":...},...]} */
bool record_body_batch(struct record_body *ret, struct slice body,
                       size_t entries_max, struct produce_fault *f);
/* After either, also after false. */
void record_body_release(struct record_body *b);

/* The items without an error, in order: fills at most b->n recs that point
 * into b->text; returns how many. now_us is the time of those without. */
size_t record_body_records(const struct record_body *b, int64_t now_us,
                           struct broker_record *recs);

#endif
