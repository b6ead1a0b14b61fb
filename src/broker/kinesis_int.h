/*
 * kinesis_int.h - the inside of the broker "kinesis": AWS Kinesis Data Streams
 * and what speaks like it.
 *
 * A topic is a stream, partition i the shard with the number i, also when that
 * one is closed.  Kinesis has no dense offsets: kinesis.db in the project's
 * folder says which sequence number some offsets have (marks), and counting on
 * from a mark gives the others.  One lock guards the handle.
 */
#ifndef BROKER_KINESIS_INT_H
#define BROKER_KINESIS_INT_H

#include "broker/broker_ops.h"
#include "broker/window.h"
#include "core/thread.h"
#include "db/sqlite.h"
#include "net/aws_json.h"
#include "net/http_client.h"
#include "json/json.h"

enum {
    KINESIS_SEQUENCE_MAX = 132, /* AWS says at most 129 digits */
    KINESIS_ITERATOR_MAX = 1024,
    KINESIS_CURSORS = 256,
    KINESIS_PUT_RECORDS = 500,
    KINESIS_PUT_BYTES = 5 << 20,
    KINESIS_SHARDS_MAX = 1024,
};

/* Statements of kinesis.sql, in kinesis_meta.c. */
enum kinesis_sql {
    KINESIS_MARK_BEFORE,
    KINESIS_MARK_FIND,
    KINESIS_MARK_SET,
    KINESIS_DRAINED_GET,
    KINESIS_DRAINED_SET,
    KINESIS_REACHED_GET,
    KINESIS_REACHED_SET,
    KINESIS_POSITION_GET,
    KINESIS_POSITION_SET,
    KINESIS_POSITIONS,
    KINESIS_GROUPS,
    KINESIS_GROUP_DELETE,
    KINESIS_SQL_COUNT,
};

/* Where the reading of a shard stands. */
struct kinesis_cursor {
    char stream[TOPIC_NAME_MAX + 1];
    int64_t epoch;
    int32_t shard;
    int64_t offset; /* of the record that comes next */
    bool closed;    /* it has ended: no record comes any more */
    int64_t got_us; /* when the iterator was given; good for 5 minutes */
    int64_t end_us; /* when nothing was seen to come behind; 0: not so */
    char iterator[KINESIS_ITERATOR_MAX];
};

struct kinesis_shard {
    int32_t number;
    int32_t parents[2]; /* -1: none */
    bool open;
    char first_hash[48]; /* of its range, digits */
};

struct kinesis {
    struct broker base;
    struct mutex lock;
    struct http_client *http;
    struct aws_login login;
    char region[48];
    char url[512]; /* ends in '/' */
    struct buf heads, body;
    struct sqlite *db;
    struct sqlite_stmt *st[KINESIS_SQL_COUNT];
    struct window *window;
    struct kinesis_cursor *cursors; /* KINESIS_CURSORS, the oldest goes */
    size_t next_cursor;
    struct kinesis_known *known; /* kinesis_known_int.h; or NULL */
    uint32_t turn;               /* of records without a key */
    struct mutex told;           /* the two below; held for a moment only */
    struct broker_stats stats;
    struct broker_health health;
};

/* ---- kinesis_call.c ---- */

/* One action with k->body, tried again while that may help; ret is released
 * by the caller.  ERR_NOTFOUND, ERR_EXISTS, ERR_INVALID, ERR_DENIED,
 * ERR_CONFLICT (an iterator that is too old), ... */
int kinesis_call(struct kinesis *k, const char *action, struct json_doc *ret,
                 struct err *e) MUST_USE;
/* Begin k->body: {"StreamName":"..." */
int kinesis_body(struct kinesis *k, const char *stream, struct err *e) MUST_USE;

/* ---- kinesis_streams.c ---- */

int kinesis_topic_create(struct broker *b, const struct broker_topic *t,
                         struct err *e);
int kinesis_topic_delete(struct broker *b, const char *name, struct err *e);
int kinesis_topic_get(struct broker *b, const char *name,
                      struct broker_topic *ret, struct err *e);
int kinesis_topic_list(struct broker *b, struct broker_topic **ret, size_t *n,
                       struct err *e);
/* The shards, sorted; *ret is the caller's (mem_free). */
int kinesis_shards(struct kinesis *k, const char *stream,
                   struct kinesis_shard **ret, size_t *ret_n,
                   struct err *e) MUST_USE;

/* ---- kinesis_put.c ---- */

int kinesis_produce(struct broker *b, struct broker_produce *p, struct err *e);

/* ---- kinesis_read.c ---- */

int kinesis_fetch(struct broker *b, const char *topic, int32_t partition,
                  int64_t offset, size_t max_bytes, struct broker_fetch *f,
                  struct err *e);
void kinesis_fetch_release(struct broker *b, struct broker_fetch *f);
int kinesis_offsets(struct broker *b, const char *topic, int32_t partition,
                    int64_t *ret_begin, int64_t *ret_end, struct err *e);
int kinesis_offset_at(struct broker *b, const char *topic, int32_t partition,
                      int64_t time_us, int64_t *ret, struct err *e);
bool kinesis_wait(struct broker *b, const char *topic, int32_t partition,
                  int64_t offset, int64_t timeout_us);
/* Under the lock: the next look at an end of the stream's shards asks. */
void kinesis_end_forget(struct kinesis *k, const char *stream);
/* Under the lock: where the shard ends, by reading on from the last mark, or
 * by what a look of a quarter of a second ago saw; c->closed when nothing will
 * come behind. */
int kinesis_find_end(struct kinesis *k, struct kinesis_cursor *c,
                     int64_t *ret_end, struct err *e) MUST_USE;

/* ---- kinesis_lineage.c ---- */

/* What is known of the shards that a shard came from. */
struct kinesis_parents {
    bool ended; /* their last offsets are known */
    bool read;  /* and were given to a reader */
};
/* Under the lock: a cursor on the partition, and what its parents allow. */
int kinesis_lineage_begin(struct kinesis *k, const char *topic,
                          int32_t partition, struct kinesis_cursor *c,
                          struct kinesis_parents *ret, struct err *e) MUST_USE;

#endif
