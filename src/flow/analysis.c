#include "flow/analysis.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/embed.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/text.h"
#include "flow/analysis_int.h"

enum {
    TEXTS_MAX = 16 << 20,
    FILE_MAX = 1 << 20,
    SQL_MAX = 4 << 20
};

extern const struct embed_file flow_analyses[];

/* --- loading ------------------------------------------------------------------------- */

static int take(struct analyses *all, const char *path, struct slice bytes,
                struct err *e)
{
    if (slice_ends(slice_of(path), SLICE("views.sql"))) {
        return analysis_parse_views(all, path, bytes, e);
    }
    return analysis_parse(all, path, bytes, e);
}

static int load_folder(struct analyses *all, const char *dir, struct err *e)
{
    struct fs_names names;
    int rc = 0;

    if (fs_names(dir, &names, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < names.n && rc == 0; i++) {
        char path[FS_PATH_MAX];
        struct buf b;

        if (!slice_ends(slice_of(names.names[i]), SLICE(".sql"))) {
            continue;
        }
        buf_init(&b, FILE_MAX);
        rc = fs_join(path, dir, names.names[i], e) < 0 ||
                     fs_read(path, &b, e) < 0 ||
                     take(all, path, buf_slice(&b), e) < 0
                 ? -1
                 : 0;
        buf_release(&b);
    }
    fs_names_release(&names);
    return rc;
}

int analyses_load(struct analyses **ret, const char *dir, struct err *e)
{
    struct analyses *all = mem_zero(1, sizeof(*all));

    if (all == NULL) {
        return err_nomem(e, sizeof(*all));
    }
    arena_init(&all->arena, TEXTS_MAX);
    for (const struct embed_file *f = flow_analyses; f->name != NULL; f++) {
        struct slice bytes = {(const char *)f->bytes, f->len};

        if (take(all, f->name, bytes, e) < 0) {
            analyses_free(all);
            return -1;
        }
    }
    if (dir != NULL && dir[0] != '\0' && load_folder(all, dir, e) < 0) {
        analyses_free(all);
        return -1;
    }
    *ret = all;
    return 0;
}

void analyses_free(struct analyses *all)
{
    if (all != NULL) {
        arena_release(&all->arena);
        mem_free(all);
    }
}

size_t analyses_count(const struct analyses *all)
{
    return all->n;
}

const struct analysis *analyses_at(const struct analyses *all, size_t i)
{
    return &all->list[i];
}

const struct analysis *analyses_find(const struct analyses *all,
                                     const char *word, struct err *e)
{
    const char *names[ANALYSIS_FILES_MAX];
    const char *near;
    int64_t number = -1;

    (void)num_i64(slice_of(word), &number);
    for (size_t i = 0; i < all->n; i++) {
        int64_t id = -2;

        (void)num_i64(slice_of(all->list[i].id), &id);
        if (id == number || strcmp(all->list[i].name, word) == 0) {
            return &all->list[i];
        }
        names[i] = all->list[i].name;
    }
    near = text_nearest(slice_of(word), names, all->n);
    if (near != NULL) {
        err_set(e, ERR_INVALID,
                "there is no answer \"%s\"; did you mean \"%s\"?", word, near);
    } else {
        err_set(e, ERR_INVALID, "there is no answer \"%s\"; there are %s to %s",
                word, all->list[0].id, all->list[all->n - 1].id);
    }
    return NULL;
}

/* "7 list=all": the number, and settings into choices. */
static bool is_task(const struct analysis *a, int task,
                    struct analysis_choice choices[ANALYSIS_PARAMS_MAX],
                    size_t *n)
{
    struct slice rest = slice_of(a->tasks);
    struct slice word;
    int64_t number;
    bool more = slice_cut(&rest, ' ', &word);

    if (!num_i64(word, &number) || number != task) {
        return false;
    }
    *n = 0;
    while (more) {
        struct slice name;
        const struct analysis_param *p;

        more = slice_cut(&rest, ' ', &word);
        if (!slice_cut(&word, '=', &name)) {
            continue;
        }
        p = analysis_param(a, name);
        for (size_t i = 0; p != NULL && i < p->n; i++) {
            if (slice_is(word, p->choices[i]) && *n < ANALYSIS_PARAMS_MAX) {
                choices[(*n)++] =
                    (struct analysis_choice){p->name, p->choices[i]};
            }
        }
    }
    return true;
}

const struct analysis *
analyses_task(const struct analyses *all, int task, size_t *at,
              struct analysis_choice choices[ANALYSIS_PARAMS_MAX], size_t *n)
{
    while (*at < all->n) {
        const struct analysis *a = &all->list[(*at)++];

        if (is_task(a, task, choices, n)) {
            return a;
        }
    }
    return NULL;
}

/* --- parameters ------------------------------------------------------------------------ */

static bool takes(const struct analysis_param *p, const char *value)
{
    int64_t number;

    if (p->number) {
        return num_i64(slice_of(value), &number);
    }
    for (size_t i = 0; i < p->n; i++) {
        if (strcmp(p->choices[i], value) == 0) {
            return true;
        }
    }
    return false;
}

static int refuse_value(const struct analysis_param *p, const char *value,
                        struct err *e)
{
    char list[200] = "";
    size_t len = 0;

    if (p->number) {
        return err_set(e, ERR_INVALID, "%s=%s: a whole number is needed",
                       p->name, value);
    }
    for (size_t i = 0; i < p->n && len < sizeof(list); i++) {
        int more = snprintf(list + len, sizeof(list) - len, "%s%s",
                            i > 0 ? ", " : "", p->choices[i]);

        len += more > 0 ? (size_t)more : 0;
    }
    return err_set(e, ERR_INVALID, "%s=%s: one of %s is needed", p->name, value,
                   list);
}

static int check_one(const struct analyses *all,
                     const struct analysis_choice *c, struct err *e)
{
    const char *names[ANALYSIS_FILES_MAX];
    const struct analysis_param *known = NULL;
    const char *near;
    size_t n = 0;

    for (size_t i = 0; i < all->n; i++) {
        const struct analysis *a = &all->list[i];
        const struct analysis_param *p = analysis_param(a, slice_of(c->name));

        known = p != NULL ? p : known;
        if (p != NULL && takes(p, c->value)) {
            return 0;
        }
        for (size_t k = 0; k < a->nparams && n < ANALYSIS_FILES_MAX; k++) {
            names[n++] = a->params[k].name;
        }
    }
    if (known != NULL) {
        return refuse_value(known, c->value, e);
    }
    near = text_nearest(slice_of(c->name), names, n);
    return err_set(e, ERR_INVALID, "no answer has a parameter \"%s\"%s%s%s",
                   c->name, near != NULL ? "; did you mean \"" : "",
                   near != NULL ? near : "", near != NULL ? "\"?" : "");
}

int analyses_check(const struct analyses *all,
                   const struct analysis_choice *choices, size_t n,
                   struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (check_one(all, &choices[i], e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* What is chosen for a parameter: the last that fits, else the default. */
static const char *chosen(const struct analysis_param *p,
                          const struct analysis_choice *choices, size_t n)
{
    const char *value = p->choices[0];

    for (size_t i = 0; i < n; i++) {
        if (strcmp(choices[i].name, p->name) == 0 &&
            takes(p, choices[i].value)) {
            value = choices[i].value;
        }
    }
    return value;
}

/* --- SQL ---------------------------------------------------------------------------------- */

struct expansion {
    const struct analysis *a;
    const struct analysis_choice *choices;
    size_t n;
};

/* Do all conditions "name=choice ..." hold? */
static int holds(const struct expansion *x, struct slice conditions, bool *ret,
                 struct err *e)
{
    struct slice word;
    bool more = true;

    *ret = true;
    while (more) {
        struct slice name;
        const struct analysis_param *p;

        more = slice_cut(&conditions, ' ', &word);
        if (word.len == 0) {
            continue;
        }
        if (!slice_cut(&word, '=', &name) ||
            (p = analysis_param(x->a, name)) == NULL) {
            return err_set(e, ERR_MALFORMED,
                           "answer %s: the condition \"%.*s\" names no "
                           "parameter",
                           x->a->id, (int)name.len, name.ptr);
        }
        *ret = *ret && slice_is(word, chosen(p, x->choices, x->n));
    }
    return 0;
}

/* Append a line with {NAME} replaced by what is chosen. */
static int put_line(const struct expansion *x, struct slice line, struct buf *b,
                    struct err *e)
{
    for (size_t i = 0; i < line.len; i++) {
        const struct analysis_param *p = NULL;
        const char *end =
            line.ptr[i] == '{' ? memchr(line.ptr + i, '}', line.len - i) : NULL;

        if (end != NULL) {
            p = analysis_param(
                x->a, (struct slice){line.ptr + i + 1,
                                     (size_t)(end - line.ptr) - i - 1});
        }
        if (p == NULL) {
            if (buf_putc(b, line.ptr[i], e) < 0) {
                return -1;
            }
            continue;
        }
        if (buf_puts(b, chosen(p, x->choices, x->n), e) < 0) {
            return -1;
        }
        i = (size_t)(end - line.ptr);
    }
    return buf_putc(b, '\n', e);
}

int analysis_sql(const struct analysis *a,
                 const struct analysis_choice *choices, size_t n, struct buf *b,
                 struct err *e)
{
    const struct expansion x = {a, choices, n};
    struct slice rest = slice_of(a->sql);
    struct slice line;
    bool more = true;

    while (more) {
        const char *mark = NULL;
        bool keep = true;

        more = slice_cut(&rest, '\n', &line);
        for (size_t i = 0; i + 4 <= line.len && mark == NULL; i++) {
            if (memcmp(line.ptr + i, "--? ", 4) == 0) {
                mark = line.ptr + i;
            }
        }
        if (mark != NULL) {
            struct slice conditions =
                slice_from(line, (size_t)(mark - line.ptr) + 4);

            if (holds(&x, conditions, &keep, e) < 0) {
                return -1;
            }
            line.len = (size_t)(mark - line.ptr);
            while (line.len > 0 && line.ptr[line.len - 1] == ' ') {
                line.len--;
            }
        }
        if (keep && put_line(&x, line, b, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Does the SQL speak of a name? */
static bool mentions(struct slice sql, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i + n <= sql.len; i++) {
        if (memcmp(sql.ptr + i, name, n) == 0 &&
            (i == 0 || !is_word(sql.ptr[i - 1])) &&
            (i + n == sql.len || !is_word(sql.ptr[i + n]))) {
            return true;
        }
    }
    return false;
}

/* Mark the views that this SQL needs, and those that they need. */
static void mark(const struct analyses *all, struct slice sql,
                 bool needed[ANALYSIS_VIEWS_MAX])
{
    for (size_t i = 0; i < all->nviews; i++) {
        needed[i] = mentions(sql, all->views[i].name);
    }
    /* a view reads earlier ones only */
    for (size_t i = all->nviews; i-- > 0;) {
        for (size_t k = 0; needed[i] && k < i; k++) {
            needed[k] = needed[k] || mentions(slice_of(all->views[i].sql),
                                              all->views[k].name);
        }
    }
}

int analysis_script(const struct analyses *all, const struct analysis *a,
                    const struct analysis_choice *choices, size_t n,
                    struct buf *b, struct err *e)
{
    bool needed[ANALYSIS_VIEWS_MAX] = {false};
    struct buf sql;
    bool any = false;
    bool with;
    int rc = -1;

    buf_init(&sql, SQL_MAX);
    if (analysis_sql(a, choices, n, &sql, e) < 0) {
        goto out;
    }
    mark(all, buf_slice(&sql), needed);
    for (size_t i = 0; i < all->nviews; i++) {
        if (needed[i] &&
            (buf_putf(b, e, "%s%s AS (\n%s\n)", any ? ",\n" : "WITH ",
                      all->views[i].name, all->views[i].sql) < 0)) {
            goto out;
        }
        any = any || needed[i];
    }
    with = slice_starts(buf_slice(&sql), SLICE("WITH "));
    if (any && buf_puts(b, with ? ",\n" : "\n", e) < 0) {
        goto out;
    }
    rc = buf_append(b, slice_from(buf_slice(&sql), any && with ? 5 : 0), e);
out:
    buf_release(&sql);
    return rc;
}

int analysis_run(const struct analyses *all, const struct analysis *a,
                 const struct analysis_choice *choices, size_t n,
                 struct engine *g, struct frame *ret, struct err *e)
{
    bool needed[ANALYSIS_VIEWS_MAX] = {false};
    const char *sql;
    struct buf b;
    bool known;
    int rc = -1;

    buf_init(&b, SQL_MAX);
    if (analysis_sql(a, choices, n, &b, e) < 0 || buf_text(&b, &sql, e) < 0) {
        goto out;
    }
    mark(all, buf_slice(&b), needed);
    for (size_t i = 0; i < all->nviews; i++) {
        if (!needed[i] || engine_has(g, all->views[i].name)) {
            continue;
        }
        if (strcmp(all->views[i].name, "column_nulls") == 0 &&
            engine_keep_nulls(g, "clean_", &known, e) < 0) {
            goto out;
        }
        if (engine_keep(g, all->views[i].name, all->views[i].sql, e) < 0) {
            err_wrap(e, "view %s", all->views[i].name);
            goto out;
        }
    }
    rc = engine_query(g, sql, ANALYSIS_BYTES_MAX, ret, e);
out:
    buf_release(&b);
    return rc < 0 ? err_wrap(e, "answer %s", a->id) : 0;
}
