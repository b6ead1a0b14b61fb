#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/num.h"
#include "flow/analysis_int.h"

static const char *keep(struct analyses *all, struct slice s, struct err *e)
{
    struct slice copy;

    return arena_copy(&all->arena, s, &copy, e) < 0 ? NULL : copy.ptr;
}

const struct analysis_param *analysis_param(const struct analysis *a,
                                            struct slice name)
{
    for (size_t i = 0; i < a->nparams; i++) {
        if (slice_is(name, a->params[i].name)) {
            return &a->params[i];
        }
    }
    return NULL;
}

/* Cut s at the first `sep`; false when there is none. */
static bool cut_at(struct slice s, const char *sep, struct slice *head,
                   struct slice *tail)
{
    size_t n = strlen(sep);

    for (size_t i = 0; i + n <= s.len; i++) {
        if (memcmp(s.ptr + i, sep, n) == 0) {
            *head = slice_trim((struct slice){s.ptr, i});
            *tail = slice_trim(slice_from(s, i + n));
            return true;
        }
    }
    return false;
}

/* "ties: keep | first -- help" */
static int parse_param(struct analyses *all, struct analysis *a,
                       struct slice text, struct err *e)
{
    struct analysis_param *p = &a->params[a->nparams];
    struct slice name;
    struct slice rest;
    struct slice choices;
    struct slice help;
    struct slice word;
    int64_t number;
    bool more;

    if (a->nparams == ANALYSIS_PARAMS_MAX) {
        return err_set(e, ERR_LIMIT, "more than %d parameters",
                       ANALYSIS_PARAMS_MAX);
    }
    if (!cut_at(text, ":", &name, &rest) ||
        !cut_at(rest, "--", &choices, &help) || choices.len == 0) {
        return err_set(e, ERR_MALFORMED,
                       "a parameter is \"NAME: first | other -- help\"");
    }
    p->name = keep(all, name, e);
    p->help = keep(all, help, e);
    do {
        more = slice_cut(&choices, '|', &word);
        if (p->n == ANALYSIS_CHOICES_MAX) {
            return err_set(e, ERR_LIMIT, "more than %d choices",
                           ANALYSIS_CHOICES_MAX);
        }
        p->choices[p->n] = keep(all, slice_trim(word), e);
        if (p->choices[p->n++] == NULL) {
            return -1;
        }
    } while (more);
    p->number = p->n == 1 && num_i64(slice_of(p->choices[0]), &number);
    if (p->n == 1 && !p->number) {
        return err_set(e, ERR_MALFORMED,
                       "a parameter has a number or several choices");
    }
    a->nparams++;
    return p->name == NULL || p->help == NULL ? -1 : 0;
}

static int parse_key(struct analyses *all, struct analysis *a, struct slice key,
                     struct slice text, struct err *e)
{
    const struct {
        const char *key;
        const char **to;
    } keys[] = {
        {"chart", &a->chart},           {"columns", &a->columns},
        {"definition", &a->definition}, {"note", &a->note},
        {"question", &a->question},     {"task", &a->tasks},
        {"title", &a->title},
    };
    struct slice param = key;

    if (slice_starts(key, SLICE("parameter "))) {
        struct slice whole = {param.ptr,
                              (size_t)(text.ptr + text.len - param.ptr)};

        return parse_param(all, a, slice_trim(slice_from(whole, 10)), e);
    }
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (slice_is(key, keys[i].key)) {
            *keys[i].to = keep(all, text, e);
            return *keys[i].to == NULL ? -1 : 0;
        }
    }
    return err_set(e, ERR_MALFORMED, "the key \"%.*s\" is not known",
                   (int)key.len, key.ptr);
}

/* "NN-name.sql" at the end of a path. */
static int parse_name(struct analyses *all, const char *path,
                      struct analysis *a, struct err *e)
{
    const char *slash = strrchr(path, '/');
    struct slice file = slice_of(slash != NULL ? slash + 1 : path);
    struct slice id;

    if (!slice_cut(&file, '-', &id) || id.len != 2 || file.len < 5 ||
        strspn(id.ptr, "0123456789") < 2) {
        return err_set(e, ERR_INVALID,
                       "the file is not called NN-name.sql with two digits");
    }
    a->id = keep(all, id, e);
    a->name = keep(all, (struct slice){file.ptr, file.len - 4}, e);
    return a->id == NULL || a->name == NULL ? -1 : 0;
}

static int parse_head(struct analyses *all, struct analysis *a,
                      struct slice *rest, int *line_number, struct err *e)
{
    struct slice line;
    struct slice after = *rest;
    bool more = true;

    while (more) {
        struct slice key;
        struct slice text;

        more = slice_cut(&after, '\n', &line);
        if (!slice_starts(line, SLICE("-- "))) {
            break;
        }
        (*line_number)++;
        if (!cut_at(slice_from(line, 3), ":", &key, &text)) {
            return err_set(e, ERR_MALFORMED,
                           "a line of the head is "
                           "\"-- key: text\"");
        }
        if (parse_key(all, a, key, text, e) < 0) {
            return -1;
        }
        *rest = after;
    }
    return 0;
}

/* A file of the same number takes the place of an earlier one. */
static int add(struct analyses *all, const struct analysis *a, struct err *e)
{
    size_t at = 0;

    while (at < all->n && strcmp(all->list[at].id, a->id) < 0) {
        at++;
    }
    if (at < all->n && strcmp(all->list[at].id, a->id) == 0) {
        all->list[at] = *a;
        return 0;
    }
    if (all->n == ANALYSIS_FILES_MAX) {
        return err_set(e, ERR_LIMIT, "more than %d answers",
                       ANALYSIS_FILES_MAX);
    }
    memmove(&all->list[at + 1], &all->list[at],
            (all->n - at) * sizeof(*all->list));
    all->list[at] = *a;
    all->n++;
    return 0;
}

int analysis_parse(struct analyses *all, const char *path, struct slice bytes,
                   struct err *e)
{
    struct analysis a = {.title = "",
                         .question = "",
                         .columns = "",
                         .chart = "table",
                         .definition = "",
                         .note = "",
                         .tasks = ""};
    int line = 0;

    if (parse_name(all, path, &a, e) < 0) {
        return err_wrap(e, "analysis \"%s\"", path);
    }
    if (parse_head(all, &a, &bytes, &line, e) < 0) {
        return err_wrap(e, "analysis \"%s\" line %d", path, line);
    }
    bytes = slice_trim(bytes);
    if (a.title[0] == '\0' || a.columns[0] == '\0' || bytes.len == 0) {
        return err_set(e, ERR_MALFORMED, "analysis \"%s\" lacks its %s", path,
                       a.title[0] == '\0'     ? "title"
                       : a.columns[0] == '\0' ? "columns"
                                              : "SQL");
    }
    a.sql = keep(all, bytes, e);
    return a.sql == NULL ? -1 : add(all, &a, e);
}

/* --- views -------------------------------------------------------------------------- */

static int add_view(struct analyses *all, struct slice head, struct slice sql,
                    struct err *e)
{
    struct analysis_view *v = &all->views[all->nviews];
    struct slice name;
    struct slice what;

    if (all->nviews == ANALYSIS_VIEWS_MAX) {
        return err_set(e, ERR_LIMIT, "more than %d views", ANALYSIS_VIEWS_MAX);
    }
    if (!cut_at(head, ":", &name, &what)) {
        return err_set(e, ERR_MALFORMED,
                       "a view begins \"-- view NAME: what a row is\"");
    }
    v->name = keep(all, name, e);
    v->what = keep(all, what, e);
    v->sql = keep(all, slice_trim(sql), e);
    if (v->name == NULL || v->what == NULL || v->sql == NULL) {
        return -1;
    }
    all->nviews++;
    return 0;
}

int analysis_parse_views(struct analyses *all, const char *path,
                         struct slice bytes, struct err *e)
{
    const struct slice mark = SLICE("-- view ");
    struct slice rest = bytes;
    struct slice head = {NULL, 0};
    struct slice line;
    const char *start = NULL;
    bool more = true;

    all->nviews = 0;
    while (more) {
        more = slice_cut(&rest, '\n', &line);
        if (!slice_starts(line, mark)) {
            continue;
        }
        if (start != NULL &&
            add_view(all, head,
                     (struct slice){start, (size_t)(line.ptr - start)},
                     e) < 0) {
            return err_wrap(e, "views \"%s\"", path);
        }
        head = slice_from(line, mark.len);
        start = line.ptr + line.len;
    }
    if (start != NULL &&
        add_view(all, head,
                 (struct slice){start, (size_t)(bytes.ptr + bytes.len - start)},
                 e) < 0) {
        return err_wrap(e, "views \"%s\"", path);
    }
    return 0;
}
