/*
 * seglog_meta_int.h - meta.db and what is kept in memory of it: topics,
 * partitions, positions of groups.
 */
#ifndef BROKER_SEGLOG_META_INT_H
#define BROKER_SEGLOG_META_INT_H

#include "broker/seglog_int.h"

/* ---- seglog_meta.c ---- */

int seglog_meta_open(struct seglog_meta *m, const char *path, bool create,
                     struct err *e) MUST_USE;
void seglog_meta_close(struct seglog_meta *m);
/* Has somebody else changed the catalogue since it was loaded? Lock held. */
int seglog_meta_moved(struct seglog_meta *m, bool *ret, struct err *e) MUST_USE;
/* Bind numbers in order, run, reset. */
int seglog_meta_run(struct seglog_meta *m, enum seglog_sql sql,
                    const int64_t *v, int n, struct err *e) MUST_USE;

/* ---- seglog_catalog.c ---- */

/* Bring what is known of topics up to meta.db; takes both locks. */
int seglog_catalog_load(struct seglog *l, struct err *e) MUST_USE;
/* The same when others changed it; `now`: even if we looked just before. */
int seglog_catalog_refresh(struct seglog *l, bool now, struct err *e) MUST_USE;
void seglog_catalog_release(struct seglog *l);
/* NULL: no such topic; `lock` is held. */
struct seglog_topic *seglog_catalog_find(struct seglog *l, const char *name);
struct seglog_topic *seglog_catalog_epoch(struct seglog *l, int64_t epoch);
void seglog_catalog_drop(struct seglog_topic *t); /* one reference less */
/* Look it up, refreshing when it is not there, and check the partition; on
 * success `lock` is held. */
int seglog_catalog_lock(struct seglog *l, const char *name, int32_t partition,
                        struct seglog_topic **ret, struct err *e) MUST_USE;
int seglog_catalog_create(struct broker *b, const struct broker_topic *t,
                          struct err *e) MUST_USE;
int seglog_catalog_delete(struct broker *b, const char *name,
                          struct err *e) MUST_USE;
int seglog_catalog_get(struct broker *b, const char *name,
                       struct broker_topic *ret, struct err *e) MUST_USE;
int seglog_catalog_list(struct broker *b, struct broker_topic **ret, size_t *n,
                        struct err *e) MUST_USE;

/* ---- seglog_group.c: as in broker.h ---- */

int seglog_group_commit(struct broker *b, const char *group,
                        const struct broker_position *p, size_t n,
                        const int64_t *expect, struct err *e) MUST_USE;
int seglog_group_get(struct broker *b, const char *group, const char *topic,
                     int32_t partition, struct broker_position *ret,
                     struct err *e) MUST_USE;
int seglog_group_list(struct broker *b, struct broker_group **ret, size_t *n,
                      struct err *e) MUST_USE;
int seglog_group_positions(struct broker *b, const char *group,
                           struct broker_position **ret, size_t *n,
                           struct err *e) MUST_USE;
int seglog_group_delete(struct broker *b, const char *group,
                        struct err *e) MUST_USE;

#endif
