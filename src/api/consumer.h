/*
 * consumer.h - one consumer instance of the Kafka REST API, without HTTP.
 *
 * It belongs to one thread, which calls consumer_tick() about every second
 * and before each operation.  Errors say by their code what the contract
 * calls them: ERR_CONFLICT is an illegal state, ERR_NOTFOUND an unknown topic
 * or partition, ERR_DATA a stored record that is no JSON, ERR_FENCED a
 * partition that is another's by now.
 *
 * Positions.  A read gives records from `next` on and moves it, but what it
 * gave counts as received only with the next read or commit: until then
 * consumer_unread() takes it back (the answer could not be sent), and the
 * read may be repeated under its key.  Automatic commits store what counts as
 * received, an explicit commit all that was given.
 */
#ifndef API_CONSUMER_H
#define API_CONSUMER_H

#include "api/media.h"
#include "broker/member.h"
#include "core/buf.h"

struct consumer; /* opaque */

enum {
    CONSUMER_KEY_MAX = 255,        /* bytes of an Idempotency-Key */
    CONSUMER_PARTITIONS_MAX = 4096 /* of one instance */
};

enum consumer_reset {
    CONSUMER_LATEST,
    CONSUMER_EARLIEST,
};

struct consumer_conf {
    const char *group, *name;
    enum media_format format; /* binary or json */
    enum consumer_reset reset;
    bool auto_commit;
    size_t prefetch_bytes; /* on brokers that fetch ahead; 0: the default */
};

int consumer_new(struct consumer **ret, struct broker *b,
                 const struct consumer_conf *conf, struct err *e) MUST_USE;
/* Leave the group.  With auto_commit all that was given is stored if
 * `received`, else only what counts as received.  NULL is fine. */
void consumer_free(struct consumer *c, bool received);

/* ---- what it reads ---- */

/* topics or pattern of *conf; ERR_CONFLICT after the other or an assign. */
int consumer_subscribe(struct consumer *c, const struct member_conf *conf,
                       struct err *e) MUST_USE;
void consumer_unsubscribe(struct consumer *c);

struct consumer_place {
    const char *topic;
    int32_t partition;
    int64_t offset; /* of an assignment: not used */
    int64_t time_us;
    bool by_time;         /* time_us, and not offset */
    const char *metadata; /* of a commit; NULL: "" */
};
enum {
    CONSUMER_BEGINNING = -2, /* as an offset to seek to */
    CONSUMER_END = -1
};

int consumer_assign(struct consumer *c, const struct consumer_place *p,
                    size_t n, struct err *e) MUST_USE;
/* Follow the group: take, give up, commit what is due. */
int consumer_tick(struct consumer *c, struct err *e) MUST_USE;
/* Whether it has what it subscribed to, or did not subscribe. */
bool consumer_settled(const struct consumer *c);
/* ["a","b"], and {"topic":"a","partition":0} each, appended without the
 * brackets around. */
int consumer_print_topics(const struct consumer *c, struct buf *b,
                          struct err *e) MUST_USE;
int consumer_print_assignment(const struct consumer *c, struct buf *b,
                              struct err *e) MUST_USE;

/* ---- reading ---- */

int consumer_seek(struct consumer *c, const struct consumer_place *p, size_t n,
                  struct err *e) MUST_USE;

struct consumer_read {
    size_t max_bytes; /* of keys and values; at least one record is given */
    struct slice key; /* Idempotency-Key; empty: none */
    int64_t n;        /* out: records */
    int64_t bytes;    /* out: of keys and values */
    bool more;        /* out: records are known to be there, though n is 0 */
    bool repeated;    /* out: the same as the last read, by its key */
};
/* Append the records as an array of JSON objects.  Never waits for records
 * to come.  ERR_DATA tells of the first record, which counts as read. */
int consumer_read(struct consumer *c, struct consumer_read *r, struct buf *b,
                  struct err *e) MUST_USE;
/* The answer to the last read never reached the client. */
void consumer_unread(struct consumer *c);

/* ---- positions of the group ---- */

/* n == 0: all that was given.  The offsets are those of the last records
 * processed: the position stored is one more. */
int consumer_commit(struct consumer *c, const struct consumer_place *p,
                    size_t n, struct err *e) MUST_USE;
/* {"topic","partition","offset","metadata"} of each place that has one. */
int consumer_print_committed(struct consumer *c, const struct consumer_place *p,
                             size_t n, struct buf *b, struct err *e) MUST_USE;

#endif
