/*
 * analysis.h - the answers: one .sql file a question, with what people read
 * about it in its head, and the views that all of them share.
 *
 * A file NN-name.sql begins with lines "-- key: text" (title, question,
 * columns, task, parameter, chart, definition, note), then comes one SELECT.
 * "-- parameter NAME: first | other -- help" gives choices, the first being
 * the default; "-- parameter NAME: 2018 -- help" a number.  In the SQL a line
 * that ends in "--? NAME=choice ..." stays only where all of them are chosen,
 * and {NAME} stands for the value.  views.sql holds "-- view NAME: what a row
 * is" and a SELECT each; later views and all answers may read them.
 *
 * A set is read-only after loading: any thread.
 */
#ifndef FLOW_ANALYSIS_H
#define FLOW_ANALYSIS_H

#include "engine/engine.h"

enum {
    ANALYSIS_PARAMS_MAX = 8,
    ANALYSIS_CHOICES_MAX = 8,
    ANALYSIS_TASKS_MAX = 4,
    ANALYSIS_BYTES_MAX = 256 << 20 /* of one result */
};

struct analysis_param {
    const char *name;
    const char *help;
    /* choices, the default first; a number has its default only */
    const char *choices[ANALYSIS_CHOICES_MAX];
    size_t n;
    bool number;
};

struct analysis {
    const char *id;   /* "01" */
    const char *name; /* "category-per-country" */
    const char *title;
    const char *question;
    const char *columns; /* "country, category, category_count" */
    const char *chart;   /* "bar x=COLUMN y=COLUMN [series=COLUMN]", "line
                            ...", "table" */
    const char *definition;
    const char *note;  /* "" when there is none */
    const char *tasks; /* "7 list=all": number and settings; "" for none */
    const char *sql;   /* the template */
    struct analysis_param params[ANALYSIS_PARAMS_MAX];
    size_t nparams;
};

/* One chosen value; a set of them applies to the answers that know the name. */
struct analysis_choice {
    const char *name;
    const char *value;
};

struct analyses; /* opaque */

/* The answers of the program, and over them those of a folder (may be NULL or
 * ""): a file of the same number, or of views.sql, takes its place.  Errors
 * name file and line. */
int analyses_load(struct analyses **ret, const char *dir,
                  struct err *e) MUST_USE;
void analyses_free(struct analyses *all); /* NULL is fine */
size_t analyses_count(const struct analyses *all);
const struct analysis *analyses_at(const struct analyses *all, size_t i);
/* By number ("1", "01") or name; ERR_INVALID with the nearest. */
const struct analysis *analyses_find(const struct analyses *all,
                                     const char *word, struct err *e);
/* The next answer after *at (start with 0) to a numbered task of the course;
 * NULL at the end.  Its settings are in *choices, *n of them. */
const struct analysis *
analyses_task(const struct analyses *all, int task, size_t *at,
              struct analysis_choice choices[ANALYSIS_PARAMS_MAX], size_t *n);

/* ERR_INVALID, with the nearest name or the choices, when no answer in the
 * set takes a name or value. */
int analyses_check(const struct analyses *all,
                   const struct analysis_choice *choices, size_t n,
                   struct err *e) MUST_USE;
/* Append the answer's SQL for these choices, without the views. */
int analysis_sql(const struct analysis *a,
                 const struct analysis_choice *choices, size_t n, struct buf *b,
                 struct err *e) MUST_USE;
/* Append one statement that stands alone: the views it reads as WITH. */
int analysis_script(const struct analyses *all, const struct analysis *a,
                    const struct analysis_choice *choices, size_t n,
                    struct buf *b, struct err *e) MUST_USE;
/* Run it: views that it reads are kept by the engine.  The frame is the
 * caller's. */
int analysis_run(const struct analyses *all, const struct analysis *a,
                 const struct analysis_choice *choices, size_t n,
                 struct engine *g, struct frame *ret, struct err *e) MUST_USE;

#endif
