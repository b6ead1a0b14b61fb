#include <stdio.h>
#include <string.h>

#include "broker/seglog_file_int.h"
#include "broker/seglog_meta_int.h"
#include "broker/seglog_write_int.h"
#include "core/mem.h"

enum {
    RESERVE = 4 << 20, /* bytes kept free for deleting on a full disk */
    NAME_ROOM = 64     /* for what is behind the folder's name */
};

static int64_t or_default(int64_t v, int64_t otherwise)
{
    return v > 0 ? v : otherwise;
}

/* Space that topic deletion can give back when the disk is full. */
static int keep_reserve(struct seglog *l, struct err *e)
{
    char path[FS_PATH_MAX];
    char *zeros;

    if (fs_join(path, l->dir, "reserve", e) < 0) {
        return -1;
    }
    if (fs_exists(path)) {
        return 0;
    }
    zeros = mem_zero(1, RESERVE);
    if (zeros == NULL) {
        return err_nomem(e, RESERVE);
    }
    if (fs_publish(path, (struct slice){zeros, RESERVE}, NULL) < 0) {
        /* the disk is full already: then without */
    }
    mem_free(zeros);
    return 0;
}

static int open_writer(struct seglog *l, struct err *e)
{
    char path[FS_PATH_MAX];

    if (fs_make_folders(l->dir, e) < 0 ||
        fs_join(path, l->dir, "lock", e) < 0) {
        return -1;
    }
    if (lock_take(&l->owner, path, "topics", e) < 0) {
        return err_wrap(e, "topics in \"%s\"", l->dir);
    }
    return keep_reserve(l, e);
}

static int open_all(struct seglog *l, const char *dir, struct err *e)
{
    char path[FS_PATH_MAX];

    if (l->writes && open_writer(l, e) < 0) {
        return -1;
    }
    if (fs_join(path, dir, "meta.db", e) < 0 ||
        seglog_meta_open(&l->meta, path, l->writes, e) < 0 ||
        seglog_meta_open(&l->groups, path, false, e) < 0 ||
        seglog_durable_open(&l->durable, l->dir, l->writes, e) < 0 ||
        seglog_catalog_load(l, e) < 0) {
        return -1;
    }
    return l->writes ? seglog_write_start(l, e) : seglog_live_refresh(l, e);
}

static void shut(struct broker *b)
{
    struct seglog *l = (struct seglog *)b;

    seglog_write_stop(l);
    seglog_files_close(l);
    seglog_catalog_release(l);
    seglog_durable_close(l->durable, l->writes);
    seglog_meta_close(&l->groups);
    seglog_meta_close(&l->meta);
    if (l->writes) {
        lock_drop(&l->owner);
    }
    mutex_release(&l->groups.lock);
    mutex_release(&l->meta.lock);
    mutex_release(&l->lock);
    cond_release(&l->moved);
    cond_release(&l->wake);
    mem_free(l);
}

static int open_seglog(struct broker **ret, const struct broker_conf *conf,
                       struct err *e)
{
    struct seglog *l;

    if (conf->dir == NULL || conf->dir[0] == '\0') {
        return err_set(e, ERR_INVALID, "embedded topics need a folder");
    }
    if (strlen(conf->dir) > FS_PATH_MAX - NAME_ROOM) {
        return err_set(e, ERR_LIMIT, "the folder's name is over %d bytes",
                       FS_PATH_MAX - NAME_ROOM);
    }
    l = mem_zero(1, sizeof(*l));
    if (l == NULL) {
        return err_nomem(e, sizeof(*l));
    }
    l->base.ops = &broker_embedded;
    l->conf = *conf;
    l->conf.dir = NULL;
    l->conf.url = NULL;
    l->conf.segment_bytes = or_default(conf->segment_bytes, (int64_t)256 << 20);
    l->conf.segment_us = or_default(conf->segment_us, 3600 * INT64_C(1000000));
    l->conf.idempotency_us =
        or_default(conf->idempotency_us, 600 * INT64_C(1000000));
    l->conf.idempotency_keys = or_default(conf->idempotency_keys, 1000000);
    l->writes = conf->mode == BROKER_WRITE;
    l->owner.fd = -1;
    mutex_init(&l->lock);
    mutex_init(&l->meta.lock);
    mutex_init(&l->groups.lock);
    cond_init(&l->moved);
    cond_init(&l->wake);
    if (fs_join(l->dir, conf->dir, "topics", e) < 0 ||
        open_all(l, conf->dir, e) < 0) {
        shut(&l->base);
        return -1;
    }
    *ret = &l->base;
    return 0;
}

static void count(struct broker *b, struct broker_stats *ret)
{
    struct seglog *l = (struct seglog *)b;
    struct sqlite_stmt *st = l->meta.st[SQL_SEGMENTS];
    int64_t closed = 0;

    mutex_lock(&l->meta.lock);
    while (sqlite_step(st, NULL) > 0) {
        closed += sqlite_column_int(st, 2);
    }
    sqlite_reset(st);
    mutex_lock(&l->lock);
    *ret = l->stats;
    ret->disk_bytes = closed + l->live_len;
    mutex_unlock(&l->lock);
    mutex_unlock(&l->meta.lock);
}

const struct broker_ops broker_embedded = {
    .name = "embedded",
    .help = "durable topics in files of the data folder",
    .open = open_seglog,
    .close = shut,
    .topic_create = seglog_catalog_create,
    .topic_delete = seglog_catalog_delete,
    .topic_get = seglog_catalog_get,
    .topic_list = seglog_catalog_list,
    .offsets = seglog_read_offsets,
    .offset_at = seglog_read_offset_at,
    .produce = seglog_produce_start,
    .fetch = seglog_read_fetch,
    .fetch_release = seglog_read_release,
    .wait = seglog_read_wait,
    .group_commit = seglog_group_commit,
    .group_get = seglog_group_get,
    .group_list = seglog_group_list,
    .group_positions = seglog_group_positions,
    .group_delete = seglog_group_delete,
    .retain = seglog_retain_run,
    .stats = count,
};
