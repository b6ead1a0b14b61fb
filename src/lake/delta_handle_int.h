/*
 * delta_handle_int.h - the handle that the files of delta share.
 */
#ifndef LAKE_DELTA_HANDLE_INT_H
#define LAKE_DELTA_HANDLE_INT_H

#include "lake/delta_int.h"
#include "store/store.h"

enum {
    DELTA_KEY_MAX = 80 /* of a name in the log */
};

struct delta {
    char *dir; /* as it was opened: a folder, or "s3://..." */
    struct store *store;
    const char *folder;     /* NULL: not on this machine */
    char temp[FS_PATH_MAX]; /* copies; "" until needed */
    bool probed;            /* the store honours conditional puts */
    struct delta_state s;
    int64_t checkpointed; /* version of the newest checkpoint, -1: none */
    unsigned checkpoints; /* made by this handle */
    struct duck *duck;    /* borrowed, or `own`, or NULL until needed */
    struct duck *own;
};

int delta_handle_new(struct delta **ret, const char *url,
                     const struct store_conf *where, struct duck *duck,
                     struct err *e) MUST_USE;
int delta_need_duck(struct delta *t, struct err *e) MUST_USE;

/* "_delta_log/00000000000000000007.json" */
void delta_log_key(char key[DELTA_KEY_MAX], int64_t version,
                   const char *ending);
/* Entry `version` behind what is in *b; *ret false: there is none. */
int delta_log_get(struct delta *t, int64_t version, struct buf *b, bool *ret,
                  struct err *e) MUST_USE;
/* Put-if-absent: the one door through which log entries come into being.
 * *ret_lost: another one is there. */
int delta_log_put(struct delta *t, int64_t version, struct slice lines,
                  bool *ret_lost, struct err *e) MUST_USE;

/* Where the engine writes a file of that name, and, when it is durable there,
 * its way into the store (the copy is gone then). */
int delta_place(struct delta *t, const char *name, char path[FS_PATH_MAX],
                struct err *e) MUST_USE;
int delta_send(struct delta *t, const char *key, const char *path,
               struct err *e) MUST_USE;
int delta_drop(struct delta *t, const char *key, struct err *e) MUST_USE;
/* Live file i is where delta_file_path() says. */
int delta_fetch(struct delta *t, size_t i, struct err *e) MUST_USE;
/* A path as the log spells it, as a key. */
void delta_key_of(const char *path, char key[STORE_KEY_MAX + 1]);

/* Load the newest checkpoint that can be found; *ret false: there is none. */
int delta_checkpoint_read(struct delta *t, int64_t version,
                          struct err *e) MUST_USE;
/* The metaData line of the table with this schema and these properties on top
 * of what it has. */
int delta_put_schema(struct delta *t, const struct delta_schema *schema,
                     int64_t now_ms, struct buf *b, struct err *e) MUST_USE;
/* A data file with a name as we give them. */
bool delta_is_ours(const char *path);
/* How long removed files are remembered. */
int64_t delta_gone_us(const struct delta *t);
/* A random name: 32 hexadecimal digits. */
int delta_random(char hex[33], struct err *e) MUST_USE;

#endif
