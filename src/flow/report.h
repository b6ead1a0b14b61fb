/*
 * report.h - what a run shows: on a terminal, as JSON, as one HTML page.
 *
 * The caller gathers everything into a struct report and keeps it until the
 * call is over; nothing is owned here.  All three forms show the same facts.
 */
#ifndef FLOW_REPORT_H
#define FLOW_REPORT_H

#include "core/buf.h"
#include "flow/account.h"
#include "record/batch.h"

enum {
    REPORT_STAGES_MAX = 12,
    REPORT_PATHS_MAX = 12,
    REPORT_ANSWERS_MAX = 64,
    REPORT_WIDTH = 100, /* columns of the text */
};

struct report_stage {
    const char *name; /* a verb: "post" */
    int64_t count;
    const char *unit; /* "records" */
    int64_t us;       /* how long it took */
    const char *note; /* the rest of the line */
};

struct report_path {
    const char *name; /* key in the JSON: "objects" */
    const char *text; /* what a person reads: "JSON objects" */
    const char *path;
};

struct report_answer {
    const char *id;
    const char *title;
    const char *question;
    const char *definition;
    const char *note;  /* "" when there is none */
    const char *chart; /* "bar x=COLUMN y=COLUMN [series=COLUMN]", "line ..." */
    const struct batch *rows;
};

struct report {
    const char *title;
    const char *version;
    const char *where;  /* "topics embedded in ./pinline-data" */
    const char *engine; /* "DuckDB 1.5.6" */
    const char *scope;  /* what the answers are over: "all rows" */
    int64_t made_us;
    struct report_stage stages[REPORT_STAGES_MAX];
    size_t nstages;
    const struct account *accounts;
    size_t naccounts;
    struct report_answer answers[REPORT_ANSWERS_MAX];
    size_t nanswers;
    struct report_path paths[REPORT_PATHS_MAX];
    size_t npaths;
    const struct flow_batch_result *batch; /* rules and their counts; or NULL */
    const char *next[4];                   /* lines under "Next"; NULL ends */
};

/* colour: with escape sequences. */
int report_text(const struct report *r, bool colour, struct buf *b,
                struct err *e) MUST_USE;
/* {"accounting":..,"answers":..,"paths":..,"seconds":..} and a newline. */
int report_json(const struct report *r, struct buf *b, struct err *e) MUST_USE;
/* "12,394" */
void report_grouped(int64_t v, char text[32]);
int report_html(const struct report *r, struct buf *b, struct err *e) MUST_USE;

#endif
