#include "report_sample.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TEXT(n) {.name = (n), .type = COL_TEXT}
#define INT(n)  {.name = (n), .type = COL_INT64}
#define REAL(n) {.name = (n), .type = COL_DOUBLE}

/* How to make one answer: `rows` rows, values from the row's number. */
struct recipe {
    const char *id, *title, *question, *note, *chart;
    struct col_def defs[4];
    size_t columns;
    size_t rows;
};

static const struct recipe recipes[SAMPLE_ANSWERS] = {
    {"01",
     "Most popular category in each country",
     "Which one is it?",
     "Places are shared.",
     "bar x=country y=category_count series=category",
     {TEXT("country"), TEXT("category"), INT("category_count")},
     3,
     40},
    {"02",
     "Posts in each category per year",
     "How many?",
     "",
     "line x=post_year y=category_count series=category",
     {INT("post_year"), TEXT("category"), INT("category_count")},
     3,
     70},
    {"05",
     "One country",
     "Which one?",
     "",
     "bar x=country y=follower_count",
     {TEXT("country"), INT("follower_count")},
     2,
     1},
    {"07",
     "Median \"followers\" & <b>age</b>",
     "What is the median?",
     "",
     "bar x=age_group y=median_follower_count",
     {TEXT("age_group"), REAL("median_follower_count")},
     2,
     5},
    {"10",
     "Lines of few series",
     "How do they go?",
     "",
     "line x=month y=posts series=age_group",
     {TEXT("month"), TEXT("age_group"), INT("posts")},
     3,
     60},
    {"12",
     "One line",
     "How does it go?",
     "",
     "line x=post_year y=share",
     {INT("post_year"), REAL("share")},
     2,
     6},
    {"15",
     "Shares by table",
     "How many are missing?",
     "",
     "bar x=column_name y=null_share series=table_name",
     {TEXT("column_name"), TEXT("table_name"), REAL("null_share")},
     3,
     12},
    {"16",
     "Nothing </script><!-- at all",
     "Is there any?",
     "",
     "bar x=a y=b",
     {TEXT("a"), INT("b")},
     2,
     0},
    {"17",
     "A question without a chart",
     "What else?",
     "",
     "table",
     {TEXT("word"), INT("n")},
     2,
     3},
};
#undef TEXT
#undef INT
#undef REAL

static const char *const odd_texts[] = {
    "travel",
    "caf\xc3\xa9 \xf0\x9f\x98\x80 \xf0\x9f\x87\xa9\xf0\x9f\x87\xaa",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a \"quoted\" & 'single' \\ back",
    "a very long name that goes on and on until it cannot fit anywhere at all",
    "\xd8\xb9\xd8\xb1\xd8\xa8\xd9\x8a \xe6\x97\xa5\xe6\x9c\xac",
};

static int put_value(struct batch *b, const struct recipe *r, size_t col,
                     size_t row, struct err *e)
{
    const char *name = r->defs[col].name;
    char text[120];

    if (row % 11 == 9) {
        return batch_put_null(b, col, e);
    }
    if (r->defs[col].type == COL_INT64) {
        return batch_put_i64(b, col,
                             strcmp(name, "post_year") == 0
                                 ? 2015 + (int64_t)(row / 10)
                                 : (int64_t)(row * 7919 % 5000) * 100,
                             e);
    }
    if (r->defs[col].type == COL_DOUBLE) {
        return batch_put_double(
            b, col, col == 1 ? (double)row * 1000.5 : (double)row / 16, e);
    }
    if (strcmp(name, "month") == 0) {
        (void)snprintf(text, sizeof(text), "2020-%02zu", row / 5 + 1);
    } else if (strcmp(name, "age_group") == 0) {
        (void)snprintf(text, sizeof(text), "group %zu", row % 5);
    } else if (strcmp(name, "table_name") == 0) {
        (void)snprintf(text, sizeof(text), "table %zu", row / 4);
    } else {
        (void)snprintf(text, sizeof(text), "%s %zu",
                       odd_texts[row % ARRAY_LEN(odd_texts)], row % 10);
    }
    return batch_put_text(b, col, slice_of(text), e);
}

static int make_rows(struct batch *b, const struct recipe *r, struct err *e)
{
    if (batch_init(b, r->defs, r->columns, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < r->rows; i++) {
        for (size_t k = 0; k < r->columns; k++) {
            if (put_value(b, r, k, i, e) < 0) {
                return -1;
            }
        }
        batch_end_row(b);
    }
    return 0;
}

static void make_accounts(struct report_sample *s)
{
    static const char *const topics[] = {"262542bdae36.pin", "geo", "user",
                                         "other"};

    for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
        s->accounts[i] = (struct account){.table = i < 3 ? topics[i] : NULL,
                                          .received = 1234567,
                                          .stored = 1234567,
                                          .cleaned = 1234000,
                                          .rejected = 500,
                                          .duplicate = 67,
                                          .closes = true};
        (void)snprintf(s->accounts[i].topic, sizeof(s->accounts[i].topic), "%s",
                       topics[i]);
    }
    s->report.accounts = s->accounts;
    s->report.naccounts = ARRAY_LEN(topics);
}

int report_sample_make(struct report_sample *s, struct err *e)
{
    struct report *r = &s->report;

    *s = (struct report_sample){
        .report = {.title = "pinline <report> & \"more\"",
                   .version = "0.1.0",
                   .where = "topics embedded in ./pinline-data",
                   .engine = "DuckDB 1.5.6",
                   .scope = "all rows",
                   .made_us = 1600000000000000,
                   .next = {"build/pinline serve", "build/pinline status"}}};
    r->stages[0] = (struct report_stage){"generate", 33462, "rows", 212345,
                                         "three tables of 11,154, seed 100"};
    r->stages[1] = (struct report_stage){
        "post", 1500, "records", 105000,
        "Kafka REST v2 to 127.0.0.1:8082, 14,210 a second, and a note that is "
        "far too long for one line of text"};
    r->stages[2] = (struct report_stage){"land", 3, "objects", 400, ""};
    r->nstages = 3;
    make_accounts(s);
    for (size_t i = 0; i < SAMPLE_ANSWERS; i++) {
        const struct recipe *x = &recipes[i];

        r->answers[i] = (struct report_answer){.id = x->id,
                                               .title = x->title,
                                               .question = x->question,
                                               .definition = "Over all posts.",
                                               .note = x->note,
                                               .chart = x->chart,
                                               .rows = &s->rows[i]};
        r->nanswers++;
        if (make_rows(&s->rows[i], x, e) < 0) {
            return -1;
        }
    }
    r->paths[0] = (struct report_path){"objects", "JSON objects",
                                       "pinline-data/lake/topics"};
    r->paths[1] = (struct report_path){"report", "This report",
                                       "pinline-data/report.html"};
    r->npaths = 2;
    return 0;
}

void report_sample_release(struct report_sample *s)
{
    for (size_t i = 0; i < s->report.nanswers; i++) {
        batch_release(&s->rows[i]);
    }
}
