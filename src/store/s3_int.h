/*
 * s3_int.h - inside of the S3 store: where it is, whose it is, and how it is
 * asked.  One thread a handle, as everywhere in the store.
 */
#ifndef STORE_S3_INT_H
#define STORE_S3_INT_H

#include "core/arena.h"
#include "core/retry.h"
#include "net/http_client.h"
#include "net/sigv4.h"
#include "store/store_ops.h"

enum {
    S3_MORE_MAX = 8,  /* headers besides those of the signature */
    S3_CODE_MAX = 64, /* bytes of an error's code */
    S3_PART_MIN = 5 << 20,
    S3_PARTS_MAX = 10000
};
/* An answer is read into memory; larger objects are read in pieces. */
#define S3_ANSWER_MAX ((size_t)1 << 30)

struct s3 {
    struct arena arena; /* every text below */
    const char *bucket;
    const char *prefix; /* "" or ends in '/' */
    const char *base;   /* "https://host[:port]", with the bucket in it for
                         * host style */
    const char *host;   /* of base, for the signature */
    const char *region;
    const char *access_key;
    const char *secret;
    const char *token; /* NULL: none */
    bool host_style;
    int64_t part_bytes;
    int64_t clock_offset_us;
    struct retry_policy retry;
    uint64_t draws; /* seeds of waits, ids of puts */
    struct http_client *http;
    struct buf url, heads, auth, scratch;

    /* of the last answer */
    int status;             /* 0: none came */
    char code[S3_CODE_MAX]; /* "NoSuchKey"; "" when there was none */
    bool again;             /* an earlier try may have been carried out */
    bool bucket_seen;       /* it is known to exist */
};

/* Fill in all up to the retry policy from conf, the environment and the files
 * in ~/.aws; rest is "//BUCKET/PREFIX".  The arena is the caller's to release
 * also on failure. */
int s3_configure(struct s3 *s, const char *rest, const struct store_conf *conf,
                 struct err *e) MUST_USE;

struct s3_ask {
    const char *method;
    const char *key;    /* below the prefix; NULL: the bucket */
    struct slice query; /* encoded, "name=value&..." */
    struct slice body;
    struct sigv4_header more[S3_MORE_MAX]; /* ended by an empty name */
};

/*
 * Ask until there is an answer that is not worth another try.  Success is any
 * 2xx; everything else is an error in words, with s->status and s->code for
 * those who know better.  *ret is good until the next call.
 */
int s3_ask(struct s3 *s, const struct s3_ask *a, struct http_answer *ret,
           struct err *e) MUST_USE;

/* Append "name=value" (and '&' before it), encoded. */
int s3_param(struct buf *b, const char *name, const char *value,
             struct err *e) MUST_USE;
/* The text of the first element at path ("Error/Code"), into text of `size`
 * bytes; false when there is none or it is longer. */
bool s3_element(struct s3 *s, struct slice xml, const char *path, char *text,
                size_t size);

/* The list op. */
int s3_list(void *store, const struct store_lister *l, struct err *e) MUST_USE;
/* One page of it, as a server answers it; *ret_more: there is another one. */
int s3_list_page(struct s3 *s, const struct store_lister *l, struct slice body,
                 bool *ret_more, struct err *e) MUST_USE;

/* Put a file's bytes in parts. */
int s3_put_parts(struct s3 *s, const char *key, struct slice bytes,
                 enum store_put_mode mode, struct err *e) MUST_USE;

enum {
    S3_ID_MAX = 33
};
/* Conditional puts carry an id, so that one whose answer was lost can tell
 * its own object from a rival's. */
void s3_put_id(struct s3 *s, char id[S3_ID_MAX]);
/* Whether the object under key was put with this id. */
int s3_is_mine(struct s3 *s, const char *key, const char *id, bool *ret,
               struct err *e) MUST_USE;
/* Add the headers of a conditional put behind the n that are there. */
size_t s3_if_absent(struct s3_ask *a, size_t n, const char *id);

#endif
