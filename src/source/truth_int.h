/*
 * truth_int.h - what truth.c counts and truth_answers.c prints.
 */
#ifndef SOURCE_TRUTH_INT_H
#define SOURCE_TRUTH_INT_H

#include "source/generator_flaw_int.h"
#include "source/truth.h"

enum {
    TRUTH_COLUMNS_MAX = 11,
    /* one more each for the odd name that a flaw plants, and for NULL */
    TRUTH_COUNTRIES = GEN_COUNTRIES + 2,
    TRUTH_CATEGORIES = GEN_CATEGORIES + 2,
    TRUTH_AGES = 6,   /* <18, 18-24, 25-35, 36-50, +50, unknown */
    TRUTH_JOINED = 3, /* 2015..2017 */
    TRUTH_POSTED = 6, /* 2017..2022 */
    TRUTH_MONTHS = 12 * TRUTH_POSTED,
    TRUTH_VALUES_MAX = GEN_FOLLOWERS + 64,
    TRUTH_REASONS_MAX = 16,
    TRUTH_POSTED_FIRST = 2017,
    TRUTH_JOINED_FIRST = 2015,
    TRUTH_MEDIANS = TRUTH_AGES + TRUTH_JOINED + TRUTH_AGES * TRUTH_JOINED +
                    TRUTH_AGES * TRUTH_POSTED,
    TRUTH_NONE = -1
};

struct truth_table {
    const char *name;
    const char *columns[TRUTH_COLUMNS_MAX]; /* of cleaned rows; NULL: no more */
};
extern const struct truth_table truth_tables[GEN_TABLES];

struct truth_account {
    int64_t messages, records, rejected, duplicate, cleaned, binary;
    int64_t nulls[TRUTH_COLUMNS_MAX];
    int64_t made[TRUTH_COLUMNS_MAX];
    struct {
        const char *reason;
        int64_t n;
    } rejects[TRUTH_REASONS_MAX];
};

/* Posters who share the most followers of a country. */
struct truth_best {
    int32_t followers; /* TRUTH_NONE: no post counts */
    uint32_t *posters;
    size_t n, cap;
};

struct truth {
    struct gen gen;
    struct truth_account account[GEN_TABLES];
    int32_t values[TRUTH_VALUES_MAX]; /* every follower count, ascending */
    size_t nvalues;
    uint16_t slot[GEN_FOLLOWERS]; /* of a code, in values */
    int64_t country_category[TRUTH_COUNTRIES][TRUTH_CATEGORIES];
    int64_t year_category[TRUTH_POSTED][TRUTH_CATEGORIES];
    int64_t month_category[TRUTH_MONTHS][TRUTH_CATEGORIES];
    int64_t age_category[TRUTH_AGES][TRUTH_CATEGORIES];
    int64_t joined[TRUTH_JOINED];
    int64_t category_posts[TRUTH_CATEGORIES];
    int64_t category_known[TRUTH_CATEGORIES];
    int64_t category_sum[TRUTH_CATEGORIES];
    int32_t category_max[TRUTH_CATEGORIES];
    struct truth_best best[TRUTH_COUNTRIES];
    uint32_t posters;
    int32_t *poster_max; /* TRUTH_NONE: not known */
    uint32_t *poster_posts;
    int64_t (*histogram)[TRUTH_VALUES_MAX]; /* TRUTH_MEDIANS of them */
};

/* The histogram of a group; joined and posted count from their first year. */
static inline size_t truth_by_age(int age)
{
    return (size_t)age;
}
static inline size_t truth_by_joined(int joined)
{
    return (size_t)TRUTH_AGES + (size_t)joined;
}
static inline size_t truth_by_both(int age, int joined)
{
    return (size_t)TRUTH_AGES + TRUTH_JOINED + (size_t)age * TRUTH_JOINED +
           (size_t)joined;
}
static inline size_t truth_by_posted(int age, int posted)
{
    return (size_t)TRUTH_AGES + TRUTH_JOINED +
           (size_t)TRUTH_AGES * TRUTH_JOINED + (size_t)age * TRUTH_POSTED +
           (size_t)posted;
}

/* Append "answers":{...}. */
int truth_print_answers(struct truth *t, struct buf *b, struct err *e) MUST_USE;

#endif
