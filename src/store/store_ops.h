/*
 * store_ops.h - what a store must implement.  For connector authors only;
 * callers use store/store.h, whose contract holds for every op.
 *
 * store.c checks keys before it calls, and puts the store's name and the key
 * in front of errors.  open() either succeeds, and close() is then called
 * exactly once, or fails and has released all it took.
 */
#ifndef STORE_STORE_OPS_H
#define STORE_STORE_OPS_H

#include "store/store.h"

/* What store_list() was asked. */
struct store_lister {
    const char *prefix; /* never NULL */
    const char *after;  /* or NULL */
    bool (*fn)(void *arg, const struct store_object *o);
    void *arg;
};

struct store_ops {
    const char *name;   /* as in help and messages */
    const char *scheme; /* "s3:"; NULL: takes plain paths */
    const char *help;   /* one line, no full stop */
    bool is_shared;     /* has a far side, which may ignore conditional puts */

    int (*open)(void **store, const char *rest, const struct store_conf *conf,
                struct err *e);
    int (*put)(void *store, const char *key, struct slice bytes,
               enum store_put_mode mode, struct err *e);
    int (*put_file)(void *store, const char *key, const char *path,
                    enum store_put_mode mode, struct err *e);
    int (*get)(void *store, const char *key, struct buf *b, struct err *e);
    int (*get_file)(void *store, const char *key, const char *path,
                    struct err *e);
    /* key is filled in already */
    int (*stat)(void *store, const char *key, struct store_object *ret,
                struct err *e);
    int (*erase)(void *store, const char *key, struct err *e);
    int (*list)(void *store, const struct store_lister *l, struct err *e);
    const char *(*folder)(const void *store); /* NULL: never a folder */
    void (*close)(void *store);
};

extern const struct store_ops store_dir;
extern const struct store_ops store_memory;
extern const struct store_ops store_s3;

/* Whether a key is one that was asked for. */
bool store_lister_wants(const struct store_lister *l, const char *key);

#endif
