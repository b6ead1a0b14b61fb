/*
 * kinesis_meta_int.h - kinesis.db: which offsets some sequence numbers have,
 * which closed shards were read to their end, where groups stand.
 *
 * All but the group functions are called under the handle's lock.
 */
#ifndef BROKER_KINESIS_META_INT_H
#define BROKER_KINESIS_META_INT_H

#include "broker/kinesis_int.h"

struct kinesis_mark {
    int64_t offset;
    char sequence[KINESIS_SEQUENCE_MAX];
};
int kinesis_meta_open(struct kinesis *k, const char *dir,
                      struct err *e) MUST_USE;
void kinesis_meta_close(struct kinesis *k);
/* The last mark at or before an offset; ERR_NOTFOUND. */
int kinesis_mark_before(struct kinesis *k, const struct kinesis_cursor *c,
                        int64_t offset, struct kinesis_mark *ret,
                        struct err *e) MUST_USE;
/* The offset of a sequence number that is a mark; ERR_NOTFOUND. */
int kinesis_mark_find(struct kinesis *k, const struct kinesis_cursor *c,
                      struct slice sequence, int64_t *ret,
                      struct err *e) MUST_USE;
int kinesis_mark_set(struct kinesis *k, const struct kinesis_cursor *c,
                     int64_t offset, struct slice sequence,
                     struct err *e) MUST_USE;
/* The offset behind the last record that broker_fetch() gave of a shard. */
int kinesis_reached_get(struct kinesis *k, const struct kinesis_cursor *c,
                        int64_t *ret, struct err *e) MUST_USE;
int kinesis_reached_set(struct kinesis *k, const struct kinesis_cursor *c,
                        int64_t offset, struct err *e) MUST_USE;
/* Whether a closed shard was read to its end by broker_fetch(). */
int kinesis_drained_get(struct kinesis *k, const struct kinesis_cursor *c,
                        bool *ret, struct err *e) MUST_USE;
int kinesis_drained_set(struct kinesis *k, const struct kinesis_cursor *c,
                        struct err *e) MUST_USE;
int kinesis_group_commit(struct broker *b, const char *group,
                         const struct broker_position *p, size_t n,
                         const int64_t *expect, struct err *e);
int kinesis_group_get(struct broker *b, const char *group, const char *topic,
                      int32_t partition, struct broker_position *ret,
                      struct err *e);
int kinesis_group_list(struct broker *b, struct broker_group **ret, size_t *n,
                       struct err *e);
int kinesis_group_positions(struct broker *b, const char *group,
                            struct broker_position **ret, size_t *n,
                            struct err *e);
int kinesis_group_delete(struct broker *b, const char *group, struct err *e);

#endif
