/*
 * delta_int.h - the state of a Delta table as its log tells it.
 */
#ifndef LAKE_DELTA_INT_H
#define LAKE_DELTA_INT_H

#include "core/buf.h"
#include "lake/delta.h"

enum {
    DELTA_LOG_MAX = 256 << 20, /* bytes of one log entry */
    DELTA_NAME_MAX = 64,       /* of a data file, without its folder */
    DELTA_PARTS_MAX = 6,       /* partition columns */
};

struct delta_pair {
    char *name;
    char *value;
};

struct delta_file {
    char *path; /* as the log spells it: relative, percent-encoded */
    int64_t bytes;
    int64_t time_ms;
    int64_t rows;   /* -1: not said */
    size_t columns; /* that the statistics count NULLs of */
    char *values;   /* of partition columns, a JSON object, or NULL */
    char *stats;    /* JSON, or NULL */
};

/* A file that was removed: readers of older versions may still need it. */
struct delta_gone {
    char *path;
    int64_t time_ms;
};

struct delta_state {
    int64_t version; /* -1: no entry was read */
    int min_reader, min_writer;
    char *id;
    char *schema;
    int64_t created_ms;
    char **parts; /* partition columns */
    size_t nparts;
    struct delta_pair *props;
    size_t nprops;
    struct delta_pair *apps; /* application ids, in order of appearance */
    int64_t *app_versions;
    size_t napps;
    struct delta_file *files;
    size_t nfiles, files_cap;
    bool holes;      /* files without a path, until the entry is applied */
    uint32_t *slots; /* where a path is in files, plus one; 0: free */
    size_t nslots;   /* a power of two */
    struct delta_gone *gone;
    size_t ngone, gone_cap;
};

void delta_state_init(struct delta_state *s);
void delta_state_release(struct delta_state *s);
/* Apply the lines of one log entry; `what` names it in errors. */
int delta_state_apply(struct delta_state *s, struct slice lines,
                      const char *what, struct err *e) MUST_USE;
/* Live or not. */
bool delta_state_has(const struct delta_state *s, const char *path);
/* Forget files that were removed before this time. */
void delta_state_forget(struct delta_state *s, int64_t before_ms);
/* -1 when the application never wrote. */
int64_t delta_state_position(const struct delta_state *s, const char *app);
const char *delta_state_prop(const struct delta_state *s, const char *name);

/* A file's path, as the log spells it, is one below the table's folder:
 * ERR_UNAVAILABLE for "/...", "scheme:..." and ".." parts, also when they are
 * spelled %2E, and over STORE_KEY_MAX; ERR_CORRUPT for control characters. */
int delta_check_path(struct slice path, struct err *e) MUST_USE;

/* Every live action as one JSON line each: what a checkpoint holds. */
int delta_state_lines(const struct delta_state *s, struct buf *b,
                      struct err *e) MUST_USE;

/* --- the log's lines, appended with a newline ------------------------------- */
int delta_put_protocol(struct buf *b, struct err *e) MUST_USE;
int delta_put_metadata(struct buf *b, const struct delta_state *s,
                       struct err *e) MUST_USE;
int delta_put_txn(struct buf *b, const char *app, int64_t version,
                  int64_t time_ms, struct err *e) MUST_USE;
/* change: rows come or go with it, they are not only moved. */
int delta_put_add(struct buf *b, const struct delta_file *f, bool change,
                  struct err *e) MUST_USE;
int delta_put_remove(struct buf *b, const char *path, bool change,
                     int64_t time_ms, struct err *e) MUST_USE;
/* id makes each commit's bytes its own. */
int delta_put_info(struct buf *b, const struct delta_change *c, int64_t time_ms,
                   const char *id, struct err *e) MUST_USE;

/* The schema of these columns as Delta's JSON text. */
int delta_schema_text(struct buf *b, const struct col_def *defs, size_t columns,
                      struct err *e) MUST_USE;

#endif
