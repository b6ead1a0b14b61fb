#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/rand.h"
#include "core/text.h"
#include "store/store_ops.h"

/* Every store, in alphabetical order. */
static const struct store_ops *const stores[] = {
    &store_dir,
    &store_memory,
    &store_s3,
};

struct store {
    const struct store_ops *ops;
    void *impl;
    char *name;
    bool probed, has_if_absent;
};

/* --- urls ------------------------------------------------------------------- */

static const struct store_ops *find(const char *url, const char **ret_rest)
{
    const struct store_ops *plain = NULL;

    for (size_t i = 0; i < ARRAY_LEN(stores); i++) {
        const char *scheme = stores[i]->scheme;

        if (scheme == NULL) {
            plain = stores[i];
        } else if (strncmp(url, scheme, strlen(scheme)) == 0) {
            *ret_rest = url + strlen(scheme);
            return stores[i];
        }
    }
    if (strncmp(url, "file:", 5) == 0) {
        url += 5;
        url += strncmp(url, "//", 2) == 0 ? 2 : 0;
    } else if (strstr(url, "://") != NULL) {
        return NULL;
    }
    *ret_rest = url;
    return plain;
}

bool store_url_is_remote(const char *url)
{
    const char *rest;
    const struct store_ops *ops = find(url, &rest);

    return ops == NULL || ops->scheme != NULL;
}

static char *clean_name(const char *url)
{
    size_t n = strlen(url);

    while (n > 1 && url[n - 1] == '/') {
        n--;
    }
    return mem_text(url, n);
}

int store_open(struct store **ret, const struct store_conf *conf, struct err *e)
{
    const char *rest = NULL;
    const struct store_ops *ops = find(conf->url, &rest);
    struct store *s;

    if (ops == NULL) {
        return err_set(e, ERR_INVALID,
                       "unrecognized store \"%s\"; there are folders and "
                       "s3://BUCKET/PREFIX",
                       conf->url);
    }
    s = mem_zero(1, sizeof(*s));
    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    s->ops = ops;
    s->name = clean_name(conf->url);
    if (s->name == NULL) {
        mem_free(s);
        return err_nomem(e, strlen(conf->url));
    }
    if (ops->open(&s->impl, rest, conf, e) < 0) {
        err_wrap(e, "store \"%s\"", s->name);
        mem_free(s->name);
        mem_free(s);
        return -1;
    }
    *ret = s;
    return 0;
}

void store_close(struct store *s)
{
    if (s == NULL) {
        return;
    }
    s->ops->close(s->impl);
    mem_free(s->name);
    mem_free(s);
}

const char *store_name(const struct store *s)
{
    return s->name;
}

const char *store_folder(const struct store *s)
{
    return s->ops->folder == NULL ? NULL : s->ops->folder(s->impl);
}

/* --- keys ------------------------------------------------------------------- */

static bool part_is_fine(struct slice part)
{
    return part.len > 0 && !slice_is(part, ".") && !slice_is(part, "..");
}

int store_check_key(const struct store *s, const char *key, struct err *e)
{
    struct slice rest = slice_of(key);
    struct slice part;
    size_t bad = 0;
    bool more;

    if (rest.len > STORE_KEY_MAX) {
        return err_set(e, ERR_LIMIT,
                       "store \"%s\": key \"%.60s...\" is over %d bytes",
                       s->name, key, STORE_KEY_MAX);
    }
    for (size_t i = 0; i < rest.len; i++) {
        if ((unsigned char)key[i] < 0x20 || key[i] == 0x7f) {
            return err_set(e, ERR_INVALID,
                           "store \"%s\": key \"%.*s...\" has a control "
                           "character at byte %zu",
                           s->name, (int)i, key, i);
        }
    }
    if (!text_utf8_valid(rest, &bad)) {
        return err_set(e, ERR_INVALID,
                       "store \"%s\": a key is not UTF-8 at byte %zu", s->name,
                       bad);
    }
    do {
        more = slice_cut(&rest, '/', &part);
        if (!part_is_fine(part)) {
            return err_set(e, ERR_INVALID,
                           "store \"%s\": key \"%s\" has a part that is empty, "
                           "\".\" or \"..\"",
                           s->name, key);
        }
    } while (more);
    return 0;
}

/* A prefix is the beginning of keys: all parts but its last are whole. */
static int check_prefix(const struct store *s, const char *prefix,
                        struct err *e)
{
    struct slice rest = slice_of(prefix);
    struct slice part;

    while (slice_cut(&rest, '/', &part)) {
        if (!part_is_fine(part)) {
            return err_set(e, ERR_INVALID,
                           "store \"%s\": prefix \"%s\" has a part that is "
                           "empty, \".\" or \"..\"",
                           s->name, prefix);
        }
    }
    return 0;
}

static int in_store(const struct store *s, const char *key, int rc,
                    struct err *e)
{
    if (rc < 0 && s->ops->scheme != NULL) { /* a folder's errors say the path */
        return err_wrap(e, "store \"%s\", key \"%s\"", s->name, key);
    }
    return rc;
}

/* --- what callers ask ------------------------------------------------------------ */

int store_put(struct store *s, const char *key, struct slice bytes,
              enum store_put_mode mode, struct err *e)
{
    if (store_check_key(s, key, e) < 0) {
        return -1;
    }
    return in_store(s, key, s->ops->put(s->impl, key, bytes, mode, e), e);
}

int store_put_file(struct store *s, const char *key, const char *path,
                   enum store_put_mode mode, struct err *e)
{
    if (store_check_key(s, key, e) < 0) {
        return -1;
    }
    return in_store(s, key, s->ops->put_file(s->impl, key, path, mode, e), e);
}

int store_get(struct store *s, const char *key, struct buf *b, struct err *e)
{
    size_t before = b->len;

    if (store_check_key(s, key, e) < 0) {
        return -1;
    }
    if (s->ops->get(s->impl, key, b, e) < 0) {
        b->len = before;
        return in_store(s, key, -1, e);
    }
    return 0;
}

int store_get_file(struct store *s, const char *key, const char *path,
                   struct err *e)
{
    if (store_check_key(s, key, e) < 0) {
        return -1;
    }
    return in_store(s, key, s->ops->get_file(s->impl, key, path, e), e);
}

int store_stat(struct store *s, const char *key, struct store_object *ret,
               struct err *e)
{
    struct store_object o = {0};

    if (store_check_key(s, key, e) < 0) {
        return -1;
    }
    (void)snprintf(o.key, sizeof(o.key), "%s", key);
    if (s->ops->stat(s->impl, key, &o, e) < 0) {
        return in_store(s, key, -1, e);
    }
    *ret = o;
    return 0;
}

int store_delete(struct store *s, const char *key, struct err *e)
{
    if (store_check_key(s, key, e) < 0) {
        return -1;
    }
    return in_store(s, key, s->ops->erase(s->impl, key, e), e);
}

int store_list(struct store *s, const char *prefix, const char *after,
               bool (*fn)(void *arg, const struct store_object *o), void *arg,
               struct err *e)
{
    struct store_lister l = {
        .prefix = prefix, .after = after, .fn = fn, .arg = arg};

    assert(prefix != NULL);
    if (check_prefix(s, prefix, e) < 0) {
        return -1;
    }
    return in_store(s, prefix, s->ops->list(s->impl, &l, e), e);
}

/*
 * A second conditional put of a key must be refused.  The key is drawn, so
 * that two processes that ask at the same time do not mislead each other.
 */
static int probe(struct store *s, bool *ret, struct err *e)
{
    uint64_t draw = rand_mix((uint64_t)clock_wall_us() ^
                             rand_mix((uint64_t)getpid()) ^ (uintptr_t)s);
    struct err second;
    char key[64];
    int rc;

    (void)snprintf(key, sizeof(key), "_pinline_probe_%016" PRIx64, draw);
    if (store_put(s, key, SLICE("1"), STORE_IF_ABSENT, e) < 0) {
        return -1;
    }
    rc = store_put(s, key, SLICE("2"), STORE_IF_ABSENT, &second);
    if (store_delete(s, key, e) < 0) {
        return -1;
    }
    if (rc < 0 && second.code != ERR_EXISTS) {
        if (e != NULL) {
            *e = second;
        }
        return -1;
    }
    *ret = rc < 0;
    return 0;
}

int store_has_if_absent(struct store *s, bool *ret, struct err *e)
{
    if (!s->probed) {
        bool has = true;

        if (s->ops->is_shared && probe(s, &has, e) < 0) {
            return err_wrap(e, "could not try conditional puts");
        }
        s->has_if_absent = has;
        s->probed = true;
    }
    *ret = s->has_if_absent;
    return 0;
}

bool store_lister_wants(const struct store_lister *l, const char *key)
{
    return strncmp(key, l->prefix, strlen(l->prefix)) == 0 &&
           (l->after == NULL || strcmp(key, l->after) > 0);
}
