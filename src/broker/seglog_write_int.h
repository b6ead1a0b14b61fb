/*
 * seglog_write_int.h - how records get into the active segment: a request is
 * prepared by its caller's thread (seglog_produce.c), then the writer's
 * thread stages many (seglog_stage.c), builds frames (seglog_build.c) and
 * stores them with one sync (seglog_write.c).
 */
#ifndef BROKER_SEGLOG_WRITE_INT_H
#define BROKER_SEGLOG_WRITE_INT_H

#include "broker/seglog_int.h"

/* ---- seglog_live.c: the active segment ---- */

/* Index what has become durable since; needs no lock, takes both. */
int seglog_live_refresh(struct seglog *l, struct err *e) MUST_USE;
/* The writer's start: find the active segment, cut what a crash left behind
 * its last whole commit, index it and fill the window. */
int seglog_live_recover(struct seglog *l, struct window *w,
                        struct err *e) MUST_USE;
/* Close the active segment and begin the next. */
int seglog_live_roll(struct seglog *l, struct err *e) MUST_USE;

/* ---- seglog_produce.c, seglog_write.c ---- */

/* The records of a request that go into one frame of one partition. */
struct seglog_chunk {
    struct seglog_part *part;
    int32_t partition;
    uint32_t count;
    int64_t first, min_us, max_us;
    struct slice body;
    uint32_t crc;
    bool crc_known;
    bool first_of_part; /* of its request */
    size_t len;         /* of the body while it is put together */
    struct seglog_request *request;
    struct seglog_chunk *next;
};

struct seglog_request {
    struct broker_produce *asked;
    struct seglog_topic *topic;
    uint8_t hash[CODEC_KEY_HASH];
    bool has_key;
    bool remembered; /* in the window by the commit under way */
    bool staged;     /* in the commit under way */
    size_t bytes;
    int32_t *parts; /* of each record; negative: refused with that code */
    int32_t one_part;
    struct seglog_chunk *chunks; /* in the order of their first records */
    size_t nchunks, chunks_cap;
    struct seglog_chunk one_chunk;
    char *bodies;
};

void seglog_produce_free(struct seglog_request *r); /* topic: dropped by whom */
int seglog_produce_start(struct broker *b, struct broker_produce *p,
                         struct err *e) MUST_USE;
int seglog_write_start(struct seglog *l, struct err *e) MUST_USE;
void seglog_write_stop(struct seglog *l); /* drains, then ends the thread */

/* A frame of the commit under way. */
struct seglog_frame {
    struct codec_frame f;
    struct seglog_part *part;
    size_t header_at; /* in writer.out */
    uint32_t body_crc;
};

/* A stretch of the commit: of writer.out, or of a request's own memory. */
struct seglog_piece {
    const char *ptr; /* NULL: of writer.out, from `at` */
    size_t at, len;
};

struct seglog_writer {
    int fd;
    int64_t no; /* the segment that fd is of; 0: not open */
    struct window *window;
    int64_t at_us;    /* of this commit; never goes back */
    int64_t began_us; /* when the active segment got its first frame */
    int64_t roll_us;  /* not before this time */
    struct seglog_part **touched;
    size_t ntouched, touched_cap;
    struct seglog_frame *frames;
    size_t nframes, frames_cap;
    struct seglog_piece *pieces;
    size_t npieces, pieces_cap;
    struct codec_run *runs;
    size_t nruns, runs_cap;
    struct buf out;
    size_t out_done; /* of out, what stands in pieces already */
    int64_t bytes;   /* of the commit */
};

/* ---- seglog_stage.c ---- */

/* Make room for the n-th thing of `size` in an array; NULL: no memory, the
 * array is as it was. */
void *seglog_stage_room(void *list, size_t n, size_t *cap, size_t size,
                        struct err *e) MUST_USE;
/* Answer it from the window, or give its records offsets and make it part of
 * the commit.  What fails here fails for this request alone (p->error). */
void seglog_stage_request(struct seglog_writer *w, struct broker_produce *p);
/* Take all of it back: the commit failed. */
void seglog_stage_undo(struct seglog_writer *w, struct broker_produce *list,
                       const struct err *why);
/* Into w->runs: what a request's records got. */
int seglog_stage_runs(struct seglog_writer *w, const struct broker_produce *p,
                      struct err *e) MUST_USE;
struct codec_key seglog_stage_key(const struct seglog_writer *w,
                                  const struct broker_produce *p);

/* ---- seglog_build.c ---- */

/* All that was staged, as bytes in w->pieces. */
int seglog_build(struct seglog_writer *w, struct err *e) MUST_USE;

#endif
