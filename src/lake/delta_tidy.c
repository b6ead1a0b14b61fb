/* delta_tidy.c - small files into large ones, files and entries that nobody
 * needs any more. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/inject.h"
#include "core/mem.h"
#include "core/num.h"
#include "lake/delta_handle_int.h"
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

/* The next group of small files from *at on, as indexes; files of other
 * writers stay: their statistics follow other rules. */
static size_t next_group(const struct delta *t, int64_t small_bytes, size_t *at,
                         size_t *group, int64_t *ret_bytes)
{
    size_t n = 0;

    *ret_bytes = 0;
    for (; *at < t->s.nfiles && n < GROUP_FILES_MAX; (*at)++) {
        const struct delta_file *f = &t->s.files[*at];

        if (f->bytes >= small_bytes || f->rows < 0 || !delta_is_ours(f->path)) {
            continue;
        }
        if (n > 0 && *ret_bytes + f->bytes > GROUP_BYTES_MAX) {
            break;
        }
        *ret_bytes += f->bytes;
        group[n++] = *at;
    }
    return n;
}

static int sum_stats(const struct delta *t, const size_t *group, size_t n,
                     struct delta_add *a, struct err *e)
{
    const char **stats = mem_zero(n, sizeof(*stats));
    struct buf b;
    int rc = -1;

    if (stats == NULL) {
        return err_nomem(e, n * sizeof(*stats));
    }
    buf_init(&b, STATS_MAX);
    for (size_t i = 0; i < n; i++) {
        stats[i] = t->s.files[group[i]].stats;
        a->rows += t->s.files[group[i]].rows;
    }
    if (stats_sum(stats, n, &b, e) == 0) {
        a->stats = mem_text(b.ptr, b.len);
        rc = a->stats != NULL ? 0 : err_nomem(e, b.len);
    }
    buf_release(&b);
    mem_free(stats);
    return rc;
}

/* One file of the rows of these. */
static int write_group(struct delta *t, const size_t *group, size_t n,
                       struct delta_add *a, struct err *e)
{
    char path[FS_PATH_MAX];
    char name[DELTA_NAME_MAX];
    char hex[33];
    const char *sql;
    struct buf b;
    int rc = -1;

    buf_init(&b, SQL_MAX);
    if (delta_need_duck(t, e) < 0 || delta_random(hex, e) < 0 ||
        delta_select_some(t, group, n, &b, e) < 0 ||
        buf_text(&b, &sql, e) < 0) {
        goto out;
    }
    (void)snprintf(name, sizeof(name), "part-%s.zstd.parquet", hex);
    a->path = mem_text(name, strlen(name));
    if (a->path == NULL) {
        err_nomem(e, strlen(name));
        goto out;
    }
    INJECT(delta_before_compact);
    if (delta_place(t, name, path, e) == 0 &&
        sum_stats(t, group, n, a, e) == 0 &&
        parquet_write_query(t->duck, path, sql, &a->bytes, e) == 0 &&
        delta_send(t, name, path, e) == 0) {
        rc = 0;
    }
out:
    buf_release(&b);
    return rc;
}

static int commit_group(struct delta *t, const size_t *group, size_t n,
                        const struct delta_add *a, struct err *e)
{
    struct delta_change c = {.operation = "OPTIMIZE",
                             .adds = a,
                             .nadds = 1,
                             .rearrange = true,
                             .nremoves = n};
    char **removes = mem_zero(n, sizeof(*removes));
    int rc = 0;

    if (removes == NULL) {
        return err_nomem(e, n * sizeof(*removes));
    }
    /* copies: a lost race changes the state below */
    for (size_t i = 0; i < n && rc == 0; i++) {
        const char *path = t->s.files[group[i]].path;

        removes[i] = mem_text(path, strlen(path));
        rc = removes[i] != NULL ? 0 : err_nomem(e, strlen(path));
    }
    if (rc == 0) {
        c.removes = (const char *const *)removes;
        rc = delta_commit(t, &c, e);
    }
    for (size_t i = 0; i < n; i++) {
        mem_free(removes[i]);
    }
    mem_free(removes);
    return rc;
}

static int compact_group(struct delta *t, const size_t *group, size_t n,
                         int64_t bytes, struct delta_tidied *ret, struct err *e)
{
    struct delta_add a = {0};
    int rc = write_group(t, group, n, &a, e);

    if (rc == 0) {
        rc = commit_group(t, group, n, &a, e);
        if (rc < 0) {
            delta_unwrite(t, &a);
        } else {
            ret->files += (int64_t)n;
            ret->bytes += bytes - a.bytes;
            ret->made++;
        }
    }
    delta_add_release(&a);
    return rc;
}

int delta_compact(struct delta *t, int64_t small_bytes, size_t least,
                  struct delta_tidied *ret, struct err *e)
{
    size_t *group = mem_zero(GROUP_FILES_MAX, sizeof(*group));
    size_t at = 0;
    int rc = 0;

    *ret = (struct delta_tidied){0};
    if (group == NULL) {
        return err_nomem(e, GROUP_FILES_MAX * sizeof(*group));
    }
    rc = delta_refresh(t, e);
    while (rc == 0) {
        size_t before = t->s.nfiles;
        int64_t bytes;
        size_t n = next_group(t, small_bytes, &at, group, &bytes);

        if (n < (least > 2 ? least : 2)) {
            break;
        }
        rc = compact_group(t, group, n, bytes, ret, e);
        at -= at < n ? at : n; /* the files behind moved up */
        if (t->s.nfiles > before) {
            break; /* others write faster than this */
        }
    }
    mem_free(group);
    return rc;
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

static bool add_victim(void *arg, const struct store_object *o)
{
    struct victims *v = arg;

    if (strncmp(o->key, "_", 1) == 0 || strncmp(o->key, ".", 1) == 0 ||
        strstr(o->key, "/_") != NULL || strstr(o->key, "/.") != NULL ||
        !ends_in(o->key, ".parquet") || o->time_us >= v->before_us ||
        needed(v, o->key)) {
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
