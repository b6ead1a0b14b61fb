/*
 * seglog_int.h - the insides of the embedded topics: segment files of frames
 * (docs/format/topics.md) and meta.db, which says what they hold.
 *
 * Two locks: `meta.lock` for the connection to meta.db and `lock` for all
 * else; who takes both takes meta.lock first.  The writer's thread alone
 * writes frames; everybody reads them below the durable length.
 */
#ifndef BROKER_SEGLOG_INT_H
#define BROKER_SEGLOG_INT_H

#include "broker/broker_ops.h"
#include "broker/codec.h"
#include "broker/partition.h"
#include "broker/seglog_sql_int.h"
#include "broker/window.h"
#include "core/fs.h"
#include "core/lock.h"
#include "core/thread.h"
#include "db/sqlite.h"

enum {
    SEGLOG_FILE_HEADER = 64,      /* bytes before the first frame */
    SEGLOG_FRAME_BYTES = 1 << 20, /* a frame is closed when it reaches this */
    SEGLOG_INDEX_BYTES = 64 << 10 /* of file between two index entries */
};

/* Where a frame begins in a segment file. */
struct seglog_entry {
    int64_t first; /* its first offset */
    int64_t at;    /* byte of the file */
};

/* What one segment holds of one partition. */
struct seglog_index {
    int64_t first, next; /* offsets; equal: nothing */
    int64_t max_us;      /* of the records' times */
    int64_t last_us;     /* of the last commit */
    int64_t bytes;
    int64_t at; /* byte of the file where the first frame begins */
    struct seglog_entry *entries;
    size_t n, cap;
};

struct seglog_chunk;

struct seglog_part {
    int64_t begin, next;              /* what readers see */
    int64_t tail, cursor;             /* the writer's: assigned so far */
    struct seglog_index live;         /* in the active segment */
    struct seglog_chunk *head, *last; /* the writer's: of this commit */
};

struct seglog_topic {
    struct broker_topic info;
    struct seglog_part *parts;
    struct partition_sticky sticky;
    int refs;  /* requests under way, and 1 while in the catalogue */
    bool seen; /* while loading */
    bool dead; /* deleted; the last reference frees it */
};

/* A segment file open for reading; shared, closed when nobody needs it. */
struct seglog_file {
    int64_t no;
    int fd;
    int refs;
    int64_t used; /* for choosing which to close */
};

struct seglog_meta {
    struct mutex lock;
    struct sqlite *db;
    struct sqlite_stmt *st[SQL_COUNT];
    int64_t data_version;       /* as last seen; changes when others commit */
    int64_t catalogue;          /* version that is loaded */
    _Atomic int64_t checked_us; /* when we looked last */
};

struct seglog_durable; /* the shared page, seglog_durable.c */
struct seglog_writer;  /* the writer's own, seglog_write.c */

struct seglog {
    struct broker base;
    struct broker_conf conf; /* dir and url are not used */
    char dir[FS_PATH_MAX];   /* .../topics */
    bool writes;
    struct lock owner;
    struct seglog_meta meta;
    struct seglog_meta groups; /* a connection for positions alone: their
                                  commits must not hold up the others */
    struct seglog_durable *durable;

    struct mutex lock;
    struct cond moved;              /* some partition's end has moved */
    struct seglog_topic **by_name;  /* sorted */
    struct seglog_topic **by_epoch; /* the same, sorted by epoch */
    size_t topics, topics_cap;
    int64_t live_no, live_len; /* the active segment, as far as indexed */
    struct seglog_file files[64];
    int64_t clock;                       /* of files[].used */
    struct cond wake;                    /* the writer has something to do */
    struct broker_produce *queue, *tail; /* requests in order */
    size_t pending_bytes, pending;
    bool stop;
    struct broker_stats stats;
    struct thread thread;
    struct seglog_writer *writer;
};

/* ---- seglog_read.c, seglog_retain.c: as in broker.h ---- */

int seglog_read_offsets(struct broker *b, const char *topic, int32_t partition,
                        int64_t *ret_begin, int64_t *ret_end,
                        struct err *e) MUST_USE;
int seglog_read_offset_at(struct broker *b, const char *topic,
                          int32_t partition, int64_t time_us, int64_t *ret,
                          struct err *e) MUST_USE;
int seglog_read_fetch(struct broker *b, const char *topic, int32_t partition,
                      int64_t offset, size_t max_bytes, struct broker_fetch *f,
                      struct err *e) MUST_USE;
void seglog_read_release(struct broker *b, struct broker_fetch *f);
bool seglog_read_wait(struct broker *b, const char *topic, int32_t partition,
                      int64_t offset, int64_t timeout_us);
int seglog_retain_run(struct broker *b, struct broker_retention *r,
                      struct err *e) MUST_USE;
/* Remove the files of closed segments that hold nothing any more. */
int seglog_retain_empty(struct seglog *l, int64_t *ret_removed,
                        struct err *e) MUST_USE;

#endif
