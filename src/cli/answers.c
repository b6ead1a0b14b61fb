#include "cli/answers.h"

#include <stdio.h>
#include <string.h>

#include "core/fs.h"
#include "core/mem.h"
#include "flow/analysis.h"
#include "flow/catalog.h"

enum {
    SQL_BYTES = 1 << 20,
    NAME_MAX_BYTES = 128,
    SCOPE_BYTES = 200,
};

#define PREFIX "clean_"

struct answers {
    struct analyses *all;
    struct engine *engine;
    const struct analysis *which[REPORT_ANSWERS_MAX + 1]; /* one to try */
    struct frame frames[REPORT_ANSWERS_MAX];
    size_t n;
    char scope[SCOPE_BYTES];
};

void answers_free(struct answers *a)
{
    if (a == NULL) {
        return;
    }
    for (size_t i = 0; i < a->n; i++) {
        frame_release(&a->frames[i]);
    }
    engine_close(a->engine);
    analyses_free(a->all);
    mem_free(a);
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_';
}

/* Whether every clean_TABLE that the SQL names is a table of the spec: the
 * built-in questions are about pins, another data set has its own. */
static bool concerns(const struct spec *spec, const char *sql)
{
    const char *at = sql;

    while ((at = strstr(at, PREFIX)) != NULL) {
        const char *name = at + strlen(PREFIX);
        size_t len = 0;
        bool known = at > sql && is_word(at[-1]);

        while (is_word(name[len])) {
            len++;
        }
        for (size_t i = 0; i < spec->ntables && !known; i++) {
            known = slice_is((struct slice){name, len}, spec->tables[i].name);
        }
        if (!known) {
            return false;
        }
        at = name + len;
    }
    return true;
}

static int add_tables(struct answers *a, struct workspace *w,
                      const struct flow_batch_result *only, struct err *e)
{
    for (size_t i = 0; i < w->spec->ntables; i++) {
        char name[NAME_MAX_BYTES];
        const char *table = w->spec->tables[i].name;
        const char *dir = catalog_table_dir(&w->project, table, e);
        int rc;

        (void)snprintf(name, sizeof(name), PREFIX "%s", table);
        if (dir == NULL) {
            return -1;
        }
        if (only != NULL) {
            const struct batch_store *rows = &only->tables[i].rows;

            rc = engine_add_batches(a->engine, name, rows->list, rows->n, e);
        } else {
            rc = engine_add_delta(a->engine, name, dir, e);
        }
        if (rc < 0) {
            return err_wrap(e, "table \"%s\"", table);
        }
    }
    return 0;
}

/* Note the question as the next one, with its SQL, when it concerns the
 * spec. */
static int note(struct answers *a, const struct workspace *w,
                const struct analysis *one, struct buf *sql, bool *ret,
                struct err *e)
{
    const char *text;

    if (analysis_script(a->all, one, NULL, 0, sql, e) < 0 ||
        buf_text(sql, &text, e) < 0) {
        return -1;
    }
    *ret = concerns(w->spec, text);
    if (*ret && a->n == REPORT_ANSWERS_MAX) {
        return err_set(e, ERR_LIMIT, "more than %d questions",
                       REPORT_ANSWERS_MAX);
    }
    a->which[a->n] = *ret ? one : NULL;
    return 0;
}

static int ask(struct answers *a, struct workspace *w,
               const struct analysis *one, struct err *e)
{
    struct buf sql;
    bool any = false;
    int rc;

    buf_init(&sql, SQL_BYTES);
    rc = note(a, w, one, &sql, &any, e);
    buf_release(&sql);
    if (rc < 0 || !any) {
        return rc;
    }
    if (analysis_run(a->all, one, NULL, 0, a->engine, &a->frames[a->n], e) <
        0) {
        return err_wrap(e, "question %s", one->id);
    }
    a->n++;
    return 0;
}

static int start(struct answers **ret, struct workspace *w, const char *scope,
                 struct err *e)
{
    struct answers *a = mem_zero(1, sizeof(*a));

    if (a == NULL) {
        return err_nomem(e, sizeof(*a));
    }
    (void)snprintf(a->scope, sizeof(a->scope), "%s", scope);
    if (analyses_load(&a->all, w->project.analyses, e) < 0) {
        answers_free(a);
        return -1;
    }
    *ret = a;
    return 0;
}

int answers_make(struct answers **ret, struct workspace *w,
                 const struct flow_batch_result *only, struct err *e)
{
    struct engine_conf conf = {.kind = "duckdb"};
    struct answers *a = NULL;

    if (start(&a, w, only ? "the new rows" : "all rows", e) < 0) {
        return -1;
    }
    conf.temp_dir = project_path(&w->project, "tmp", e);
    conf.store = project_store(&w->project, w->project.tables_dir, e);
    if (conf.temp_dir == NULL || conf.store == NULL ||
        engine_open(&a->engine, &conf, e) < 0 ||
        add_tables(a, w, only, e) < 0) {
        goto fail;
    }
    for (size_t i = 0; i < analyses_count(a->all); i++) {
        if (ask(a, w, analyses_at(a->all, i), e) < 0) {
            goto fail;
        }
    }
    *ret = a;
    return 0;

fail:
    answers_free(a);
    return -1;
}

/* All questions' SQL, then all at once. */
static int ask_all(struct answers *a, struct workspace *w, struct buf *sql,
                   struct err *e)
{
    const char *texts[REPORT_ANSWERS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < analyses_count(a->all); i++) {
        bool any = false;

        if (note(a, w, analyses_at(a->all, i), &sql[n], &any, e) < 0) {
            return -1;
        }
        if (any) {
            texts[n] = sql[n].ptr; /* note() ended it */
            a->n = ++n;
        } else {
            buf_clear(&sql[n]);
        }
    }
    a->n = 0; /* of frames */
    if (engine_query_many(a->engine, texts, n, ANALYSIS_BYTES_MAX, a->frames,
                          e) < 0) {
        return -1;
    }
    a->n = n;
    return 0;
}

int answers_make_by(struct answers **ret, struct workspace *w,
                    struct engine *engine, struct err *e)
{
    struct buf sql[REPORT_ANSWERS_MAX + 1];
    struct answers *a = NULL;
    int rc;

    if (start(&a, w, "all rows", e) < 0) {
        engine_close(engine);
        return -1;
    }
    a->engine = engine;
    for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
        buf_init(&sql[i], SQL_BYTES);
    }
    rc = ask_all(a, w, sql, e);
    for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
        buf_release(&sql[i]);
    }
    if (rc < 0) {
        answers_free(a);
        return -1;
    }
    *ret = a;
    return 0;
}

size_t answers_count(const struct answers *a)
{
    return a->n;
}

const struct batch *answers_rows(const struct answers *a, size_t i,
                                 const char **ret_id, const char **ret_title)
{
    assert(i < a->n);
    *ret_id = a->which[i]->id;
    *ret_title = a->which[i]->title;
    return &a->frames[i].rows;
}

void answers_report(const struct answers *a, struct report *r)
{
    r->engine = engine_version(a->engine);
    r->scope = a->scope;
    for (size_t i = 0; i < a->n; i++) {
        const struct analysis *one = a->which[i];

        r->answers[i] = (struct report_answer){.id = one->id,
                                               .title = one->title,
                                               .question = one->question,
                                               .definition = one->definition,
                                               .note = one->note,
                                               .chart = one->chart,
                                               .rows = &a->frames[i].rows};
    }
    r->nanswers = a->n;
}
