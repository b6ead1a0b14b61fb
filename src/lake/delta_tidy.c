/* delta_tidy.c - small files into large ones, files and entries that nobody
 * needs any more. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/inject.h"
#include "core/mem.h"
#include "core/num.h"
#include "lake/delta_parts_int.h"
#include "lake/delta_tidy.h"
#include "lake/stats_sum.h"

enum {
    SQL_MAX = 64 << 20,
    STATS_MAX = 1 << 20,
    GROUP_FILES_MAX = 10000, /* that become one */
    DELETES_MAX = 100000,    /* in one go */
};
#define GROUP_BYTES_MAX ((int64_t)128 << 20)
#define DAY_US          ((int64_t)86400 * 1000000)

/* "interval 30 days" as microseconds; `otherwise` when it is not said so. */
static int64_t duration(const struct delta *t, const char *prop,
                        int64_t otherwise)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {
        {"millisecond", 1000},
        {"second", 1000000},
        {"minute", 60 * (int64_t)1000000},
        {"hour", 3600 * (int64_t)1000000},
        {"day", DAY_US},
        {"week", 7 * DAY_US},
    };
    const char *text = delta_prop(t, prop);
    struct slice rest = text != NULL ? slice_of(text) : SLICE("");
    struct slice word;
    int64_t n;

    if (strncmp(rest.len > 0 ? rest.ptr : "", "interval ", 9) == 0) {
        rest = slice_of(rest.ptr + 9);
    }
    if (!slice_cut(&rest, ' ', &word) || !num_i64(word, &n) || n < 0) {
        return otherwise;
    }
    if (rest.len > 0 && rest.ptr[rest.len - 1] == 's') {
        rest.len--;
    }
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (slice_is(rest, units[i].name) && n < INT64_MAX / units[i].us) {
            return n * units[i].us;
        }
    }
    return otherwise;
}

int64_t delta_gone_us(const struct delta *t)
{
    return duration(t, "delta.deletedFileRetentionDuration", 7 * DAY_US);
}

/* --- compaction ------------------------------------------------------------------ */

/* What one commit rearranges. */
struct plan {
    char **removes; /* paths, copies: a lost race changes the state below */
    size_t nremoves;
    struct delta_adds adds;
    int64_t bytes; /* of what goes */
};

static void plan_release(struct plan *p)
{
    for (size_t i = 0; i < p->nremoves; i++) {
        mem_free(p->removes[i]);
    }
    mem_free(p->removes);
    delta_adds_release(&p->adds);
}

/* Small files, those of a partition side by side; files of other writers stay:
 * their statistics follow other rules. */
static int small_files(const struct delta *t, int64_t small_bytes,
                       struct delta_ref **ret, size_t *ret_n, struct err *e)
{
    struct delta_ref *refs = mem_zero(t->s.nfiles + 1, sizeof(*refs));
    size_t n = 0;

    if (refs == NULL) {
        return err_nomem(e, (t->s.nfiles + 1) * sizeof(*refs));
    }
    for (size_t i = 0; i < t->s.nfiles; i++) {
        const struct delta_file *f = &t->s.files[i];

        if (f->bytes < small_bytes && f->rows >= 0 && delta_is_ours(f->path)) {
            refs[n++] = (struct delta_ref){f->values, i};
        }
    }
    delta_refs_sort(refs, n);
    *ret = refs;
    *ret_n = n;
    return 0;
}

/* How many of the first become one file. */
static size_t group_of(const struct delta *t, const struct delta_ref *refs,
                       size_t n)
{
    size_t alike = delta_refs_alike(refs, n);
    int64_t bytes = 0;
    size_t i = 0;

    while (i < alike && i < GROUP_FILES_MAX) {
        bytes += t->s.files[refs[i].file].bytes;
        if (i > 0 && bytes > GROUP_BYTES_MAX) {
            break;
        }
        i++;
    }
    return i;
}

static int sum_stats(const struct delta *t, const struct delta_ref *refs,
                     size_t n, struct delta_add *a, struct err *e)
{
    const char **stats = mem_zero(n, sizeof(*stats));
    struct buf b;
    int rc = -1;

    if (stats == NULL) {
        return err_nomem(e, n * sizeof(*stats));
    }
    buf_init(&b, STATS_MAX);
    for (size_t i = 0; i < n; i++) {
        stats[i] = t->s.files[refs[i].file].stats;
        a->rows += t->s.files[refs[i].file].rows;
    }
    if (stats_sum(stats, n, &b, e) == 0) {
        a->stats = mem_text(b.ptr, b.len);
        rc = a->stats != NULL ? 0 : err_nomem(e, b.len);
    }
    buf_release(&b);
    mem_free(stats);
    return rc;
}

/* The rows of these files, without the columns that their folder stands for. */
static int put_select(struct delta *t, const struct delta_ref *refs, size_t n,
                      struct buf *b, struct err *e)
{
    if (t->s.nparts == 0) {
        return delta_select_some(t, refs, n, b, e);
    }
    if (buf_puts(b, "SELECT ", e) < 0 || delta_other_columns(t, b, e) < 0 ||
        buf_puts(b, " FROM (", e) < 0 ||
        delta_select_some(t, refs, n, b, e) < 0) {
        return -1;
    }
    return buf_putc(b, ')', e);
}

/* One file of the rows of these, in the plan. */
static int write_group(struct delta *t, const struct delta_ref *refs, size_t n,
                       struct plan *p, struct err *e)
{
    struct delta_add *a = delta_adds_next(&p->adds, e);
    char key[STORE_KEY_MAX + 1];
    char path[FS_PATH_MAX];
    const char *sql;
    struct buf b;
    int rc = -1;

    if (a == NULL) {
        return -1;
    }
    buf_init(&b, SQL_MAX);
    p->adds.n++;
    if (refs->values != NULL) {
        a->values = mem_text(refs->values, strlen(refs->values));
        if (a->values == NULL) {
            err_nomem(e, strlen(refs->values));
            goto out;
        }
    }
    if (delta_need_duck(t, e) < 0 || put_select(t, refs, n, &b, e) < 0 ||
        buf_text(&b, &sql, e) < 0 ||
        delta_new_file(t, a->values, key, &a->path, e) < 0) {
        goto out;
    }
    INJECT(delta_before_compact);
    if (delta_place(t, key, path, e) == 0 && sum_stats(t, refs, n, a, e) == 0 &&
        parquet_write_query(t->duck, path, sql, &a->bytes, e) == 0 &&
        delta_send(t, key, path, e) == 0) {
        rc = 0;
    }
out:
    buf_release(&b);
    return rc;
}

static int add_group(struct delta *t, const struct delta_ref *refs, size_t n,
                     struct plan *p, struct err *e)
{
    char **more = mem_resize(p->removes, p->nremoves + n, sizeof(*more));

    if (more == NULL) {
        return err_nomem(e, (p->nremoves + n) * sizeof(*more));
    }
    p->removes = more;
    for (size_t i = 0; i < n; i++) {
        const struct delta_file *f = &t->s.files[refs[i].file];

        more[p->nremoves] = mem_text(f->path, strlen(f->path));
        if (more[p->nremoves] == NULL) {
            return err_nomem(e, strlen(f->path));
        }
        p->nremoves++;
        p->bytes += f->bytes;
    }
    return write_group(t, refs, n, p, e);
}

static int commit_plan(struct delta *t, const struct plan *p,
                       struct delta_tidied *ret, struct err *e)
{
    struct delta_change c = {.operation = "OPTIMIZE",
                             .adds = p->adds.items,
                             .nadds = p->adds.n,
                             .rearrange = true,
                             .removes = (const char *const *)p->removes,
                             .nremoves = p->nremoves};

    if (delta_commit(t, &c, e) < 0) {
        return -1;
    }
    ret->files += (int64_t)p->nremoves;
    ret->bytes += p->bytes;
    for (size_t i = 0; i < p->adds.n; i++) {
        ret->bytes -= p->adds.items[i].bytes;
        ret->made++;
    }
    return 0;
}

/* One commit, of as much as makes a large file; *ret_any: there was some. */
static int compact_some(struct delta *t, int64_t small_bytes, size_t least,
                        struct delta_tidied *ret, bool *ret_any, struct err *e)
{
    struct delta_ref *refs = NULL;
    struct plan p = {0};
    size_t n = 0;
    int rc = small_files(t, small_bytes, &refs, &n, e);

    for (size_t at = 0; rc == 0 && at < n && p.bytes < GROUP_BYTES_MAX;) {
        size_t some = group_of(t, refs + at, n - at);

        if (some >= least) {
            rc = add_group(t, refs + at, some, &p, e);
        }
        at += some;
    }
    *ret_any = p.adds.n > 0;
    if (rc == 0 && *ret_any) {
        rc = commit_plan(t, &p, ret, e);
    }
    if (rc < 0) {
        delta_unwrite(t, &p.adds);
    }
    plan_release(&p);
    mem_free(refs);
    return rc;
}

int delta_compact(struct delta *t, int64_t small_bytes, size_t least,
                  struct delta_tidied *ret, struct err *e)
{
    bool more = true;

    *ret = (struct delta_tidied){0};
    if (delta_refresh(t, e) < 0) {
        return -1;
    }
    while (more) {
        size_t before = t->s.nfiles;

        if (compact_some(t, small_bytes, least > 2 ? least : 2, ret, &more, e) <
            0) {
            return -1;
        }
        /* others may write faster than this */
        more = more && t->s.nfiles < before;
    }
    return 0;
}

/* --- vacuum ------------------------------------------------------------------------- */

struct victims {
    struct delta *t;
    int64_t before_us;
    struct store_object *list;
    size_t n, cap;
    struct err *e;
    int rc;
};

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text);
    size_t m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

/* Has the table, or has it had the file since then? */
static bool needed(const struct victims *v, const char *key)
{
    const struct delta_state *s = &v->t->s;

    for (size_t i = 0; i < s->ngone; i++) {
        char gone[STORE_KEY_MAX + 1];

        delta_key_of(s->gone[i].path, gone);
        if (s->gone[i].time_ms * 1000 >= v->before_us &&
            strcmp(gone, key) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < s->nfiles; i++) {
        char live[STORE_KEY_MAX + 1];

        delta_key_of(s->files[i].path, live);
        if (strcmp(live, key) == 0) {
            return true;
        }
    }
    return false;
}

/* "_delta_log/...", "a/.b"; but a column's name may begin with '_'. */
static bool is_hidden(const char *key)
{
    for (;;) {
        size_t n = strcspn(key, "/");

        if ((key[0] == '_' || key[0] == '.') && memchr(key, '=', n) == NULL) {
            return true;
        }
        if (key[n] == '\0') {
            return false;
        }
        key += n + 1;
    }
}

static bool add_victim(void *arg, const struct store_object *o)
{
    struct victims *v = arg;

    if (is_hidden(o->key) || !ends_in(o->key, ".parquet") ||
        o->time_us >= v->before_us || needed(v, o->key)) {
        return true;
    }
    if (v->n == v->cap) {
        size_t cap = v->cap * 2 + 64;
        struct store_object *p = mem_resize(v->list, cap, sizeof(*p));

        if (p == NULL) {
            v->rc = err_nomem(v->e, cap * sizeof(*p));
            return false;
        }
        v->list = p;
        v->cap = cap;
    }
    v->list[v->n++] = *o;
    return v->n < DELETES_MAX;
}

static int delete_all(struct victims *v, bool dry, struct delta_tidied *ret,
                      struct err *e)
{
    for (size_t i = 0; i < v->n; i++) {
        if (!dry && delta_drop(v->t, v->list[i].key, e) < 0) {
            return -1;
        }
        ret->files++;
        ret->bytes += v->list[i].bytes;
    }
    return 0;
}

int delta_vacuum(struct delta *t, int64_t retain_us, bool dry,
                 struct delta_tidied *ret, struct err *e)
{
    struct victims v = {
        .t = t, .before_us = clock_wall_us() - retain_us, .e = e};
    int rc = -1;

    *ret = (struct delta_tidied){0};
    if (delta_refresh(t, e) == 0 &&
        store_list(t->store, "", NULL, add_victim, &v, e) == 0 && v.rc == 0) {
        rc = delete_all(&v, dry, ret, e);
    }
    mem_free(v.list);
    return rc;
}

/* --- the log --------------------------------------------------------------------------- */

struct log_ages {
    int64_t before_us;
    int64_t young; /* the first version that has not expired, -1: none yet */
    int64_t last;
    int64_t *checkpoints;
    size_t n, cap;
    struct err *e;
    int rc;
};

static bool version_of(const char *key, int64_t *ret, const char **ret_rest)
{
    const char *name = strrchr(key, '/') + 1;
    struct slice digits = {name, 20};

    *ret_rest = strlen(name) > 20 ? name + 20 : "";
    return strlen(name) > 20 && name[0] == '0' && num_i64(digits, ret);
}

static bool note_age(void *arg, const struct store_object *o)
{
    struct log_ages *a = arg;
    const char *rest;
    int64_t version;

    if (!version_of(o->key, &version, &rest)) {
        return true;
    }
    if (strcmp(rest, ".json") == 0) {
        a->last = version;
        if (a->young < 0 && o->time_us >= a->before_us) {
            a->young = version;
        }
        return true;
    }
    if (strcmp(rest, ".checkpoint.parquet") != 0) {
        return true;
    }
    if (a->n == a->cap) {
        size_t cap = a->cap * 2 + 64;
        int64_t *p = mem_resize(a->checkpoints, cap, sizeof(*p));

        if (p == NULL) {
            a->rc = err_nomem(a->e, cap * sizeof(*p));
            return false;
        }
        a->checkpoints = p;
        a->cap = cap;
    }
    a->checkpoints[a->n++] = version;
    return true;
}

struct expired {
    int64_t below;
    struct victims v;
};

static bool add_expired(void *arg, const struct store_object *o)
{
    struct expired *x = arg;
    const char *rest;
    int64_t version;

    if (!version_of(o->key, &version, &rest)) {
        return true;
    }
    if (version >= x->below || x->v.n == DELETES_MAX) {
        return false;
    }
    if (x->v.n == x->v.cap) {
        size_t cap = x->v.cap * 2 + 64;
        struct store_object *p = mem_resize(x->v.list, cap, sizeof(*p));

        if (p == NULL) {
            x->v.rc = err_nomem(x->v.e, cap * sizeof(*p));
            return false;
        }
        x->v.list = p;
        x->v.cap = cap;
    }
    x->v.list[x->v.n++] = *o;
    return true;
}

/* The newest checkpoint from which every young version can be made. */
static int64_t needed_from(const struct log_ages *a)
{
    int64_t young = a->young >= 0 ? a->young : a->last;
    int64_t found = 0;

    for (size_t i = 0; i < a->n; i++) {
        if (a->checkpoints[i] <= young && a->checkpoints[i] > found) {
            found = a->checkpoints[i];
        }
    }
    return found;
}

int delta_clean_log(struct delta *t, struct delta_tidied *ret, struct err *e)
{
    const char *wanted = delta_prop(t, "delta.enableExpiredLogCleanup");
    struct log_ages a = {.young = -1, .e = e};
    struct expired x = {.v = {.t = t, .e = e}};
    int rc = -1;

    *ret = (struct delta_tidied){0};
    if (wanted != NULL && strcmp(wanted, "false") == 0) {
        return 0;
    }
    a.before_us = clock_wall_us() -
                  duration(t, "delta.logRetentionDuration", 30 * DAY_US);
    if (store_list(t->store, "_delta_log/", NULL, note_age, &a, e) == 0 &&
        a.rc == 0) {
        x.below = needed_from(&a);
        if (store_list(t->store, "_delta_log/", NULL, add_expired, &x, e) ==
                0 &&
            x.v.rc == 0) {
            rc = delete_all(&x.v, false, ret, e);
        }
    }
    mem_free(a.checkpoints);
    mem_free(x.v.list);
    return rc;
}
