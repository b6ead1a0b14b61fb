/*
 * broker.h - durable topics with partitions and offsets, whoever keeps them.
 *
 * A broker handle may be used by several threads at once.  One process at a
 * time opens the embedded topics for writing (BROKER_WRITE takes the log
 * writer's lock, ERR_BUSY names the holder); any number may read
 * (BROKER_READ) and commit group positions at the same time.  Nothing that
 * produce reported is lost: a report comes after synchronous=FULL.
 */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include "core/arena.h"
#include "core/err.h"
#include "record/message.h"
#include "record/span.h"

struct broker; /* opaque */

enum broker_mode {
    BROKER_READ,
    BROKER_WRITE,
};

struct broker_conf {
    const char *url; /* "embedded" (or NULL), "memory", "kafka://host:port" */
    const char *dir; /* embedded: the folder of topics/ and meta.db */
    enum broker_mode mode;
    int64_t segment_bytes;      /* 0: the default */
    int64_t segment_us;         /* 0: the default */
    int64_t idempotency_us;     /* window of keys; 0: 10 minutes */
    int64_t idempotency_keys;   /* at most; 0: 1,000,000 */
    const char *const *options; /* of the connector: "NAME=VALUE" */
    size_t noptions;
};

int broker_open(struct broker **ret, const struct broker_conf *conf,
                struct err *e) MUST_USE;
/* Whether the topics lie in this project's own folder or memory. */
bool broker_is_here(const char *url);
/* The url without what may be secret, "kafka://host:9092?..."; shortened to
 * fit. */
void broker_url_plain(const char *url, char *ret, size_t size);
/* Finishes what was begun (every done() has been called), then ends. */
void broker_close(struct broker *b);

/* ---- topics ---- */

struct broker_topic {
    char name[TOPIC_NAME_MAX + 1];
    int64_t epoch;
    int32_t partitions;
    int64_t created_us;
    int64_t retention_us;    /* -1: for ever */
    int64_t retention_bytes; /* a partition; -1: no limit */
};

/* Name: 1..249 of [a-zA-Z0-9._-], not "." or ".."; ERR_INVALID says so. */
bool broker_topic_name_ok(struct slice name);
/* epoch, created_us of *t are given by the broker.  ERR_EXISTS. */
int broker_topic_create(struct broker *b, const struct broker_topic *t,
                        struct err *e) MUST_USE;
int broker_topic_delete(struct broker *b, const char *name,
                        struct err *e) MUST_USE;
int broker_topic_get(struct broker *b, const char *name,
                     struct broker_topic *ret, struct err *e) MUST_USE;
/* All topics by name; *ret is the caller's (mem_free). */
int broker_topic_list(struct broker *b, struct broker_topic **ret, size_t *n,
                      struct err *e) MUST_USE;
/* First offset still held, and one past the last. */
int broker_offsets(struct broker *b, const char *topic, int32_t partition,
                   int64_t *ret_begin, int64_t *ret_end,
                   struct err *e) MUST_USE;
/* The first offset whose time is at or after time_us, else the end. */
int broker_offset_at(struct broker *b, const char *topic, int32_t partition,
                     int64_t time_us, int64_t *ret, struct err *e) MUST_USE;

/* ---- produce ---- */

struct broker_record {
    int32_t partition; /* -1: murmur2 of the key, sticky without a key */
    int64_t time_us;   /* 0: now */
    struct slice key, value, headers;
    bool has_key, has_value;
};

struct broker_report {
    int32_t partition;
    int64_t offset;     /* -1: known when it is read (Kinesis) */
    enum err_code code; /* ERR_NONE: stored; else why this record was not */
};

/*
 * One request.  The caller fills the upper half and keeps the request, the
 * records and what they point at until done().
 */
struct broker_produce {
    const char *topic;
    const struct broker_record *records;
    size_t n;
    struct slice idempotency_key; /* empty: none; scoped by principal, topic */
    struct slice principal;
    uint8_t body_digest[16]; /* the same key with another digest: ERR_CONFLICT
                                in .error.code, retriable or not: 422 */
    struct broker_report *reports; /* n of them, filled before done() */
    void (*done)(struct broker_produce *p); /* from the broker's thread, or
                                               from the caller's before
                                               start() returns */
    void *arg;

    struct err error; /* code ERR_NONE, or why all of it failed */
    bool repeated;    /* answered from an earlier request with this key */
    struct broker_produce *next; /* the broker's */
    void *state;                 /* the broker's */
};

/* Begin; done() is called once, later, unless this fails (-1). */
int broker_produce_start(struct broker *b, struct broker_produce *p,
                         struct err *e) MUST_USE;
/* The same, and wait. .done and .arg are not used. */
int broker_produce(struct broker *b, struct broker_produce *p,
                   struct err *e) MUST_USE;

/* ---- read ---- */

struct broker_fetch {
    struct message *messages; /* good until the next fetch or the release */
    size_t n;
    int64_t next; /* offset to ask for next (retention may skip) */
    int64_t end;  /* the partition's end when this was read */
    void *state;  /* the broker's; {0} before the first fetch */
};

/* Messages from offset on: about max_bytes, at least one if there is one;
 * n == 0 at the end. An offset before the beginning reads from there. */
int broker_fetch(struct broker *b, const char *topic, int32_t partition,
                 int64_t offset, size_t max_bytes, struct broker_fetch *f,
                 struct err *e) MUST_USE;
void broker_fetch_release(struct broker *b, struct broker_fetch *f);
/* Wait until the partition's end is past `offset`; false on time-out. Works
 * for records of this process at once, of others within 100 ms. */
bool broker_wait(struct broker *b, const char *topic, int32_t partition,
                 int64_t offset, int64_t timeout_us);

#include "broker/group.h"

#endif
