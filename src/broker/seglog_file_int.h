/*
 * seglog_file_int.h - segment files: names, reading them, what they hold and
 * how far they are safe.
 */
#ifndef BROKER_SEGLOG_FILE_INT_H
#define BROKER_SEGLOG_FILE_INT_H

#include "broker/seglog_int.h"

/* ---- seglog_index.c ---- */

/* Add a frame that begins at byte `at`.  Without memory for an entry reading
 * takes longer, no more. */
void seglog_index_add(struct seglog_index *x, const struct codec_frame *f,
                      int64_t at);
void seglog_index_clear(struct seglog_index *x);
/* The byte to read from on for this offset; `at` of the first frame. */
int64_t seglog_index_at(const struct seglog_entry *entries, size_t n,
                        int64_t at, int64_t offset);

/* ---- seglog_file.c ---- */

void seglog_file_path(const struct seglog *l, int64_t no,
                      char path[FS_PATH_MAX]);
/* Make an empty segment, durable with its name. */
int seglog_file_make(struct seglog *l, int64_t no, struct err *e) MUST_USE;
/* A reference to it, to be given back; `lock` is held.  ERR_NOTFOUND. */
int seglog_file_take(struct seglog *l, int64_t no, struct seglog_file **ret,
                     struct err *e) MUST_USE;
void seglog_file_give(struct seglog *l, struct seglog_file *f);
/* Close a file that was removed, so that its bytes are given back. */
void seglog_file_forget(struct seglog *l, int64_t no);
void seglog_files_close(struct seglog *l);

/* Reading a stretch of a segment frame by frame. */
struct seglog_walk {
    int fd;
    const char *path; /* for errors */
    int64_t at, end;  /* the next frame; where the stretch ends */
    char *mem;
    size_t cap, have;
    int64_t mem_at; /* the file's byte at mem[0] */
};
/* n bytes at w->at, good until the next call; NULL with code ERR_NOTFOUND
 * when the stretch ends before, else another error. */
const char *seglog_walk_need(struct seglog_walk *w, size_t n, struct err *e);
void seglog_walk_release(struct seglog_walk *w);

/* ---- seglog_durable.c: how far the log is safe, seen by all processes ---- */

int seglog_durable_open(struct seglog_durable **ret, const char *dir,
                        bool writes, struct err *e) MUST_USE;
void seglog_durable_close(struct seglog_durable *d, bool writes);
/* False: it holds nothing that can be trusted (new, or after a crash of the
 * machine). */
bool seglog_durable_get(const struct seglog_durable *d, int64_t *ret_no,
                        int64_t *ret_len);
void seglog_durable_set(struct seglog_durable *d, int64_t no, int64_t len);

#endif
