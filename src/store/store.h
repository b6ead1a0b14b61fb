/*
 * store.h - objects under keys: a folder, an S3 bucket, memory.
 *
 * Keys are UTF-8 paths without a leading '/', without "." and ".." parts, of
 * at most 1,024 bytes; a prefix of the store's url stands before each.  A put
 * is whole or not there.  Lists are in byte order of the keys.  Everything
 * has a time-out; what may be tried again is tried again with jitter, and
 * what fails at last says store, key and reason, and never a secret.  A
 * handle belongs to one thread.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "core/buf.h"
#include "core/err.h"

struct store; /* opaque */

enum {
    STORE_KEY_MAX = 1024
};

/* NULL, "" and 0: from the environment, the shared credentials file, or the
 * default, in this order. */
struct store_conf {
    const char *url; /* "DIR", "file:DIR", "s3://BUCKET[/PREFIX]", "memory:" */
    const char *endpoint;   /* s3: "http://127.0.0.1:7070"; NULL: AWS */
    const char *region;     /* s3: "us-east-1" */
    const char *access_key; /* s3 */
    const char *secret_key;
    const char *session_token;
    const char *credentials_file; /* s3: NULL: ~/.aws/credentials */
    const char *profile;          /* s3: in it; NULL: AWS_PROFILE */
    const char *ca_file;
    const char *temp_dir;    /* where large objects are built; NULL: TMPDIR */
    bool host_style;         /* s3: bucket in the host name, not in the path */
    int64_t part_bytes;      /* s3: multipart above this; 0: 25 MiB */
    int64_t timeout_us;      /* of one request; 0: 30 s */
    int retries;             /* 0: 5 */
    int64_t clock_offset_us; /* added to the clock when signing: tests */
};

/* True when the url names a store that is no folder ("s3:", "memory:"). */
bool store_url_is_remote(const char *url);

int store_open(struct store **ret, const struct store_conf *conf,
               struct err *e) MUST_USE;
void store_close(struct store *s); /* NULL is fine */
/* "s3://bucket/prefix", for messages; without credentials. */
const char *store_name(const struct store *s);

struct store_object {
    char key[STORE_KEY_MAX + 1];
    int64_t bytes;
    int64_t time_us; /* last change */
};

enum store_put_mode {
    STORE_REPLACE,
    STORE_IF_ABSENT, /* ERR_EXISTS when the key is there, and nothing changed;
                        needs store_has_if_absent() */
};

int store_put(struct store *s, const char *key, struct slice bytes,
              enum store_put_mode mode, struct err *e) MUST_USE;
/* The same from a local file, which may be of any size. */
int store_put_file(struct store *s, const char *key, const char *path,
                   enum store_put_mode mode, struct err *e) MUST_USE;
/* Append an object's bytes; ERR_NOTFOUND, ERR_LIMIT over the buf's limit,
 * ERR_CORRUPT when it came short or its checksum differs. */
int store_get(struct store *s, const char *key, struct buf *b,
              struct err *e) MUST_USE;
/* Into a new local file (published by rename). */
int store_get_file(struct store *s, const char *key, const char *path,
                   struct err *e) MUST_USE;
int store_stat(struct store *s, const char *key, struct store_object *ret,
               struct err *e) MUST_USE;
/* Deleting what is not there is fine. */
int store_delete(struct store *s, const char *key, struct err *e) MUST_USE;

/* ERR_INVALID unless the key is one as above: others may be listed, where
 * somebody else put them. */
int store_check_key(const struct store *s, const char *key,
                    struct err *e) MUST_USE;
/* Every object whose key begins with prefix and is behind `after` (NULL: from
 * the first); fn returning false ends the walk. */
int store_list(struct store *s, const char *prefix, const char *after,
               bool (*fn)(void *arg, const struct store_object *o), void *arg,
               struct err *e) MUST_USE;

/* Whether STORE_IF_ABSENT holds against other writers: tried once a handle,
 * with an object of its own that is deleted again. */
int store_has_if_absent(struct store *s, bool *ret, struct err *e) MUST_USE;

/* The folder of a store that is one; NULL for any other. */
const char *store_folder(const struct store *s);

#endif
