#include "source/source.h"

#include <string.h>

#include "core/mem.h"
#include "core/text.h"
#include "db/login.h"
#include "source/source_ops.h"

struct source {
    const struct source_ops *ops;
    void *handle;
    size_t ntables;
};

/* Every source; the one for plain paths has no scheme. */
static const struct source_ops *const sources[] = {
    &source_files, &source_generator, &source_mysql,
    &source_path,  &source_postgres,  &source_sqlite,
};

/* What comes before "://" or a ":" that is not part of a path. */
static struct slice url_scheme(const char *url)
{
    struct slice rest = slice_of(url);
    struct slice head;

    if (!slice_cut(&rest, ':', &head) || head.len < 2 ||
        memchr(head.ptr, '/', head.len) != NULL) {
        return (struct slice){url, 0};
    }
    return (struct slice){head.ptr, head.len + 1};
}

static const struct source_ops *find(struct slice scheme)
{
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        const char *has = sources[i]->scheme;

        if (scheme.len == 0 ? has == NULL
                            : has != NULL && slice_is(scheme, has)) {
            return sources[i];
        }
    }
    return NULL;
}

/* A credentials file and the other names of schemes are databases too. */
static struct slice scheme_of(const char *url)
{
    enum login_kind kind;

    if (!login_is_url(url, &kind)) {
        return url_scheme(url);
    }
    return kind == LOGIN_MYSQL ? SLICE("mysql:") : SLICE("postgres:");
}

static int unknown(struct slice scheme, const char *url, struct err *e)
{
    struct slice shown = login_shows_password(url) ? scheme : slice_of(url);
    const char *words[ARRAY_LEN(sources)];
    const char *near;
    size_t n = 0;

    if (scheme.len == 0) {
        return err_set(e, ERR_INVALID,
                       "cannot open source \"%s\": it names no kind of source",
                       url);
    }
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        if (sources[i]->scheme != NULL) {
            words[n++] = sources[i]->scheme;
        }
    }
    near = text_nearest(scheme, words, n);
    return err_set(
        e, ERR_INVALID,
        "cannot open source \"%.*s\": no source is called \"%.*s\"%s%s",
        SLICE_FMT(shown), SLICE_FMT(scheme),
        near != NULL ? "; the nearest is " : "", near != NULL ? near : "");
}

int source_open(struct source **ret, const struct source_conf *conf,
                struct err *e)
{
    struct slice scheme = scheme_of(conf->url);
    const struct source_ops *ops = find(scheme);
    struct source *s;

    assert(conf->ntables >= 1 && conf->ntables <= SOURCE_TABLES_MAX);
    if (ops == NULL) {
        return unknown(scheme, conf->url, e);
    }
    if (ops->absent != NULL) {
        return err_set(e, ERR_UNAVAILABLE, "cannot open source \"%s\": %s",
                       ops->name, ops->absent);
    }
    s = mem_zero(1, sizeof(*s));
    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    s->ops = ops;
    s->ntables = conf->ntables;
    if (ops->open(&s->handle, conf->url + url_scheme(conf->url).len, conf, e) !=
        0) {
        mem_free(s);
        return -1;
    }
    *ret = s;
    return 0;
}

void source_close(struct source *s)
{
    if (s != NULL) {
        s->ops->close(s->handle);
        mem_free(s);
    }
}

int source_rows(struct source *s, size_t table, int64_t *ret, struct err *e)
{
    assert(table < s->ntables);
    return s->ops->rows(s->handle, table, ret, e);
}

int source_row(struct source *s, size_t table, int64_t n, struct buf *b,
               bool *ret_json, struct err *e)
{
    size_t before = b->len;
    int rc;

    assert(table < s->ntables && n >= 0);
    rc = s->ops->row(s->handle, table, n, b, ret_json, e);
    if (rc < 0) {
        b->len = before;
    }
    return rc;
}
