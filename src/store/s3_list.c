/*
 * s3_list.c - ListObjectsV2, page by page.
 */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/num.h"
#include "net/xml.h"
#include "store/s3_int.h"

enum {
    PAGE_BYTES = 8 << 20,
    TOKEN_MAX = 2048,
    FIELD_MAX = 2048,
    EMPTY_MAX = 1000
};

/* One page, while it is read. */
struct page {
    struct s3 *s;
    const struct store_lister *l;
    struct store_object found;
    char last[STORE_KEY_MAX + 1]; /* key, for the order */
    bool any;                     /* objects on this page */
    char key[FIELD_MAX];
    char size[32];
    char time[48];
    char token[TOKEN_MAX];
    char truncated[8];
    size_t len; /* of the field that is being read */
    int empty;  /* pages without an object, one behind the other */
    bool over;
};

struct field {
    const char *path;
    size_t offset, size;
};

static const struct field fields[] = {
    {"ListBucketResult/Contents/Key", offsetof(struct page, key), FIELD_MAX},
    {"ListBucketResult/Contents/Size", offsetof(struct page, size), 32},
    {"ListBucketResult/Contents/LastModified", offsetof(struct page, time), 48},
    {"ListBucketResult/NextContinuationToken", offsetof(struct page, token),
     TOKEN_MAX},
    {"ListBucketResult/IsTruncated", offsetof(struct page, truncated), 8},
};

/* "2026-11-21T15:04:05.000Z", whole seconds; 0 for what is no such time. */
static int64_t iso_time(const char *text)
{
    static const char shape[] = "YYYY-NN-DDThh:mm:ss";
    struct slice s = slice_of(text);
    int64_t us = 0;

    s.len = s.len < sizeof(shape) - 1 ? s.len : sizeof(shape) - 1;
    (void)clock_parse(s, shape, &us);
    return us;
}

/* An object whose fields have been read. */
static int take_object(struct page *p, struct err *e)
{
    struct store_object *o = &p->found;
    size_t skip = strlen(p->s->prefix);

    if (strncmp(p->key, p->s->prefix, skip) != 0 ||
        strlen(p->key) - skip > STORE_KEY_MAX || p->key[skip] == '\0') {
        return 0;
    }
    (void)snprintf(o->key, sizeof(o->key), "%.*s", STORE_KEY_MAX,
                   p->key + skip);
    if (!num_i64(slice_of(p->size), &o->bytes)) {
        return err_set(e, ERR_MALFORMED, "object \"%.80s\" has no size",
                       o->key);
    }
    o->time_us = iso_time(p->time);
    if (strcmp(o->key, p->last) <= 0 && p->last[0] != '\0') {
        return err_set(e, ERR_MALFORMED,
                       "the server at %s lists \"%.80s\" behind \"%.80s\", "
                       "which is no order of bytes",
                       p->s->host, o->key, p->last);
    }
    memcpy(p->last, o->key, strlen(o->key) + 1);
    p->any = true;
    /* a folder's marker is no object of ours */
    if (o->key[strlen(o->key) - 1] != '/' && store_lister_wants(p->l, o->key)) {
        p->over = !p->l->fn(p->l->arg, o);
    }
    return 0;
}

static int take_event(struct page *p, const struct xml *x,
                      const struct xml_event *v, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        char *text = (char *)p + fields[i].offset;

        if (!xml_is_at(x, fields[i].path)) {
            continue;
        }
        if (v->kind == XML_OPEN) {
            p->len = 0;
            text[0] = '\0';
        } else if (v->kind == XML_TEXT) {
            if (p->len + v->text.len >= fields[i].size) {
                return err_set(e, ERR_LIMIT,
                               "a list has a field of over %zu "
                               "bytes",
                               fields[i].size);
            }
            memcpy(text + p->len, v->text.ptr, v->text.len);
            p->len += v->text.len;
            text[p->len] = '\0';
        }
        return 0;
    }
    if (v->kind == XML_OPEN && slice_is(v->name, "Contents")) {
        p->key[0] = '\0';
    }
    if (v->kind == XML_CLOSE && slice_is(v->name, "Contents")) {
        return take_object(p, e);
    }
    return 0;
}

static int read_page(struct page *p, struct slice body, struct err *e)
{
    struct xml_event v;
    struct xml x;
    int rc;

    p->token[0] = '\0';
    p->truncated[0] = '\0';
    p->any = false;
    xml_init(&x, body, &p->s->scratch);
    while ((rc = xml_next(&x, &v, e)) == 1 && !p->over) {
        if (take_event(p, &x, &v, e) < 0) {
            return -1;
        }
    }
    return rc < 0 ? err_wrap(e, "the list of %s", p->s->host) : 0;
}

/* Is there another page?  Lists without an end, and without objects, are no
 * lists. */
static int go_on(struct page *p, bool *ret, struct err *e)
{
    *ret = !p->over && strcmp(p->truncated, "true") == 0;
    if (*ret && p->token[0] == '\0') {
        return err_set(e, ERR_MALFORMED,
                       "the server at %s cut a list and does not say how to "
                       "go on",
                       p->s->host);
    }
    p->empty = p->any ? 0 : p->empty + 1;
    if (*ret && p->empty > EMPTY_MAX) {
        return err_set(e, ERR_MALFORMED,
                       "the server at %s gave %d pages of a list without an "
                       "object",
                       p->s->host, EMPTY_MAX);
    }
    return 0;
}

int s3_list_page(struct s3 *s, const struct store_lister *l, struct slice body,
                 bool *ret_more, struct err *e)
{
    struct page *p = mem_zero(1, sizeof(*p));
    int rc;

    if (p == NULL) {
        return err_nomem(e, sizeof(*p));
    }
    p->s = s;
    p->l = l;
    rc = read_page(p, body, e) < 0 ? -1 : go_on(p, ret_more, e);
    mem_free(p);
    return rc;
}

static int ask_page(struct page *p, struct buf *query, struct http_answer *ret,
                    struct err *e)
{
    struct s3 *s = p->s;
    struct s3_ask a = {.method = "GET"};
    char text[2 * STORE_KEY_MAX + 1];
    int rc = 0;

    buf_clear(query);
    if (p->token[0] != '\0') {
        rc = s3_param(query, "continuation-token", p->token, e);
    }
    if (rc < 0 || s3_param(query, "list-type", "2", e) < 0) {
        return -1;
    }
    (void)snprintf(text, sizeof(text), "%s%s", s->prefix, p->l->prefix);
    if (text[0] != '\0' && s3_param(query, "prefix", text, e) < 0) {
        return -1;
    }
    (void)snprintf(text, sizeof(text), "%s%s", s->prefix,
                   p->l->after != NULL ? p->l->after : "");
    if (p->l->after != NULL && s3_param(query, "start-after", text, e) < 0) {
        return -1;
    }
    a.query = buf_slice(query);
    return s3_ask(s, &a, ret, e);
}

int s3_list(void *store, const struct store_lister *l, struct err *e)
{
    struct page *p = mem_zero(1, sizeof(*p));
    struct http_answer answer;
    struct buf query;
    struct buf body; /* fn() may ask the store for something else */
    bool more = true;
    int rc = 0;

    if (p == NULL) {
        return err_nomem(e, sizeof(*p));
    }
    p->s = store;
    p->l = l;
    buf_init(&query, PAGE_BYTES);
    buf_init(&body, PAGE_BYTES);
    while (rc == 0 && more) {
        rc = ask_page(p, &query, &answer, e);
        if (rc == 0) {
            buf_clear(&body);
            rc = buf_append(&body, answer.body, e);
        }
        if (rc == 0) {
            rc = read_page(p, buf_slice(&body), e);
        }
        if (rc == 0) {
            rc = go_on(p, &more, e);
        }
    }
    buf_release(&body);
    buf_release(&query);
    mem_free(p);
    return rc;
}
