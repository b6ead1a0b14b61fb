#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "source/truth_int.h"
#include "json/json.h"

enum {
    PLACES = 20,
    NAME_MAX_BYTES = 1024
};

/* Groups of ages as their labels sort by bytes. */
static const struct {
    int age;
    const char *label;
} ages[TRUTH_AGES] = {{4, "+50"},   {1, "18-24"}, {2, "25-35"},
                      {3, "36-50"}, {0, "<18"},   {5, "unknown"}};

/* The odd name first, since its digits sort before letters; NULL last. */
static size_t in_order(size_t i, size_t names)
{
    return i == 0 ? names : i <= names ? i - 1 : names + 1;
}

/* ,{ or { before a row: *first is cleared. */
static int open_row(bool *first, struct buf *b, struct err *e)
{
    int rc = buf_puts(b, *first ? "{" : ",\n{", e);

    *first = false;
    return rc;
}

static int put_name(struct buf *b, const char *column, const char *name,
                    struct err *e)
{
    if (name == NULL) {
        return buf_putf(b, e, "\"%s\":null", column);
    }
    return buf_putf(b, e, "\"%s\":\"%s\"", column, name);
}

static const char *country_name(size_t i)
{
    return i < GEN_COUNTRIES    ? generator_countries[i]
           : i == GEN_COUNTRIES ? "42"
                                : NULL;
}

static const char *category_name(size_t i)
{
    return i < GEN_CATEGORIES    ? generator_categories[i]
           : i == GEN_CATEGORIES ? "7"
                                 : NULL;
}

/*
 * Rows of one group's categories: all, or those that share the first place.
 * key is the group's column, as JSON.
 */
static int put_categories(const int64_t counts[TRUTH_CATEGORIES],
                          const char *key, bool all, bool *first, struct buf *b,
                          struct err *e)
{
    int64_t most = 0;

    for (size_t i = 0; i < TRUTH_CATEGORIES; i++) {
        most = counts[i] > most ? counts[i] : most;
    }
    for (size_t i = 0; i < TRUTH_CATEGORIES; i++) {
        size_t c = in_order(i, GEN_CATEGORIES);

        if (counts[c] == 0 || (!all && counts[c] < most)) {
            continue;
        }
        if (open_row(first, b, e) != 0 || buf_putf(b, e, "%s,", key) != 0 ||
            put_name(b, "category", category_name(c), e) != 0 ||
            buf_putf(b, e, ",\"category_count\":%" PRId64 "}", counts[c]) !=
                0) {
            return -1;
        }
    }
    return 0;
}

static int answer_01(struct truth *t, struct buf *b, struct err *e)
{
    bool first = true;

    for (size_t i = 0; i < TRUTH_COUNTRIES; i++) {
        size_t c = in_order(i, GEN_COUNTRIES);
        struct buf k;
        int rc;

        buf_init(&k, 200);
        rc = put_name(&k, "country", country_name(c), e);
        if (rc == 0) {
            rc = buf_putc(&k, '\0', e);
        }
        if (rc == 0) {
            rc = put_categories(t->country_category[c], k.ptr, false, &first, b,
                                e);
        }
        buf_release(&k);
        if (rc != 0) {
            return -1;
        }
    }
    return 0;
}

static int put_years(struct truth *t, bool all, struct buf *b, struct err *e)
{
    bool first = true;

    for (int year = 2018; year <= 2022; year++) {
        char key[32];

        (void)snprintf(key, sizeof(key), "\"post_year\":%d", year);
        if (put_categories(t->year_category[year - TRUTH_POSTED_FIRST], key,
                           all, &first, b, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int answer_02(struct truth *t, struct buf *b, struct err *e)
{
    return put_years(t, true, b, e);
}

static int answer_03(struct truth *t, struct buf *b, struct err *e)
{
    return put_years(t, false, b, e);
}

/* A poster's name, and two numbers to sort by. */
struct named {
    int32_t followers; /* descending; NULL (TRUTH_NONE) is last by itself */
    size_t place;      /* then ascending */
    uint32_t poster;
    char name[NAME_MAX_BYTES];
};

static int compare_named(const void *a, const void *b)
{
    const struct named *x = *(const struct named *const *)a;
    const struct named *y = *(const struct named *const *)b;

    if (x->followers != y->followers) {
        return x->followers > y->followers ? -1 : 1;
    }
    if (x->place != y->place) {
        return x->place < y->place ? -1 : 1;
    }
    return strcmp(x->name, y->name);
}

struct named_list {
    struct named **items;
    size_t n, cap;
};

static int add_named(struct truth *t, struct named_list *l, int32_t followers,
                     size_t place, uint32_t poster, struct err *e)
{
    struct gen_out o = {NULL, 0, NAME_MAX_BYTES - 1};
    struct named *x;

    if (l->n == l->cap) {
        size_t cap = l->cap > 0 ? 2 * l->cap : 64;
        struct named **more = mem_resize(l->items, cap, sizeof(*more));

        if (more == NULL) {
            return err_nomem(e, cap * sizeof(*more));
        }
        l->items = more;
        l->cap = cap;
    }
    x = mem_zero(1, sizeof(*x));
    if (x == NULL) {
        return err_nomem(e, sizeof(*x));
    }
    o.ptr = x->name;
    generator_poster(&t->gen, poster, &o);
    x->followers = followers;
    x->place = place;
    x->poster = poster;
    l->items[l->n++] = x;
    return 0;
}

static void sort_named(struct named_list *l)
{
    if (l->n > 0) {
        qsort(l->items, l->n, sizeof(*l->items), compare_named);
    }
}

static void release_named(struct named_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        mem_free(l->items[i]);
    }
    mem_free(l->items);
}

static int answer_04(struct truth *t, struct buf *b, struct err *e)
{
    struct named_list l = {0};
    bool first = true;
    int rc = -1;

    for (size_t i = 0; i < TRUTH_COUNTRIES; i++) {
        const struct truth_best *best = &t->best[in_order(i, GEN_COUNTRIES)];

        for (size_t k = 0; k < best->n; k++) {
            if (add_named(t, &l, best->followers, i, best->posters[k], e) !=
                0) {
                goto out;
            }
        }
    }
    sort_named(&l);
    for (size_t i = 0; i < l.n; i++) {
        const struct named *x = l.items[i];

        if (open_row(&first, b, e) != 0 ||
            put_name(b, "country",
                     country_name(in_order(x->place, GEN_COUNTRIES)), e) != 0 ||
            buf_putc(b, ',', e) != 0 ||
            put_name(b, "poster_name", x->name, e) != 0 ||
            buf_putf(b, e, ",\"follower_count\":%d}", x->followers) != 0) {
            goto out;
        }
    }
    rc = 0;
out:
    release_named(&l);
    return rc;
}

static int answer_05(struct truth *t, struct buf *b, struct err *e)
{
    int32_t most = TRUTH_NONE;
    bool first = true;

    for (size_t i = 0; i < TRUTH_COUNTRIES; i++) {
        most = t->best[i].followers > most ? t->best[i].followers : most;
    }
    for (size_t i = 0; i < TRUTH_COUNTRIES; i++) {
        size_t c = in_order(i, GEN_COUNTRIES);

        if (most == TRUTH_NONE || t->best[c].followers != most) {
            continue;
        }
        if (open_row(&first, b, e) != 0 ||
            put_name(b, "country", country_name(c), e) != 0 ||
            buf_putf(b, e, ",\"follower_count\":%d}", most) != 0) {
            return -1;
        }
    }
    return 0;
}

static int answer_06(struct truth *t, struct buf *b, struct err *e)
{
    bool first = true;

    for (size_t i = 0; i < TRUTH_AGES; i++) {
        char key[32];

        (void)snprintf(key, sizeof(key), "\"age_group\":\"%s\"", ages[i].label);
        if (put_categories(t->age_category[ages[i].age], key, false, &first, b,
                           e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* The n-th value (from 0) of a histogram. */
static int64_t nth(const struct truth *t, const int64_t *counts, int64_t n)
{
    size_t i = 0;

    while (n >= counts[i]) {
        n -= counts[i++];
    }
    return t->values[i];
}

/* A row with a group's median, unless the group has no values. */
static int put_median(struct truth *t, size_t group, const char *key,
                      bool *first, struct buf *b, struct err *e)
{
    const int64_t *counts = t->histogram[group];
    int64_t n = 0;
    int64_t twice;

    for (size_t i = 0; i < t->nvalues; i++) {
        n += counts[i];
    }
    if (n == 0) {
        return 0;
    }
    twice = nth(t, counts, (n - 1) / 2) + nth(t, counts, n / 2);
    if (open_row(first, b, e) != 0) {
        return -1;
    }
    return buf_putf(b, e, "%s,\"median_follower_count\":%" PRId64 "%s}", key,
                    twice / 2, twice % 2 != 0 ? ".5" : "");
}

static int answer_07(struct truth *t, struct buf *b, struct err *e)
{
    bool first = true;

    for (size_t i = 0; i < TRUTH_AGES; i++) {
        char key[32];

        (void)snprintf(key, sizeof(key), "\"age_group\":\"%s\"", ages[i].label);
        if (put_median(t, truth_by_age(ages[i].age), key, &first, b, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int answer_08(struct truth *t, struct buf *b, struct err *e)
{
    bool first = true;

    for (int i = 0; i < TRUTH_JOINED; i++) {
        if (t->joined[i] > 0 &&
            (open_row(&first, b, e) != 0 ||
             buf_putf(b, e,
                      "\"post_year\":%d,\"number_users_joined\":%" PRId64 "}",
                      TRUTH_JOINED_FIRST + i, t->joined[i]) != 0)) {
            return -1;
        }
    }
    return 0;
}

static int answer_09(struct truth *t, struct buf *b, struct err *e)
{
    bool first = true;

    for (int i = 0; i < TRUTH_JOINED; i++) {
        char key[32];

        (void)snprintf(key, sizeof(key), "\"post_year\":%d",
                       TRUTH_JOINED_FIRST + i);
        if (put_median(t, truth_by_joined(i), key, &first, b, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int put_by_both(struct truth *t, bool posted, struct buf *b,
                       struct err *e)
{
    int years = posted ? TRUTH_POSTED : TRUTH_JOINED;
    bool first = true;

    for (size_t i = 0; i < TRUTH_AGES; i++) {
        for (int y = 0; y < years; y++) {
            size_t group = posted ? truth_by_posted(ages[i].age, y)
                                  : truth_by_both(ages[i].age, y);
            char key[64];

            (void)snprintf(
                key, sizeof(key), "\"age_group\":\"%s\",\"post_year\":%d",
                ages[i].label,
                (posted ? TRUTH_POSTED_FIRST : TRUTH_JOINED_FIRST) + y);
            if (put_median(t, group, key, &first, b, e) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int answer_10(struct truth *t, struct buf *b, struct err *e)
{
    return put_by_both(t, false, b, e);
}

static int answer_11(struct truth *t, struct buf *b, struct err *e)
{
    return put_by_both(t, true, b, e);
}

static int answer_12(struct truth *t, struct buf *b, struct err *e)
{
    bool first = true;

    for (int i = 0; i < TRUTH_MONTHS; i++) {
        char key[32];

        (void)snprintf(key, sizeof(key), "\"month\":\"%04d-%02d\"",
                       TRUTH_POSTED_FIRST + i / 12, i % 12 + 1);
        if (put_categories(t->month_category[i], key, true, &first, b, e) !=
            0) {
            return -1;
        }
    }
    return 0;
}

static int put_mean(int64_t sum, int64_t n, struct buf *b, struct err *e)
{
    return n == 0 ? buf_puts(b, "null", e)
                  : json_print_double(b, (double)sum / (double)n, e);
}

static int put_count(const char *column, int32_t v, struct buf *b,
                     struct err *e)
{
    return v == TRUTH_NONE ? buf_putf(b, e, "\"%s\":null", column)
                           : buf_putf(b, e, "\"%s\":%d", column, v);
}

static int answer_13(struct truth *t, struct buf *b, struct err *e)
{
    bool first = true;

    for (size_t i = 0; i < TRUTH_CATEGORIES; i++) {
        size_t c = in_order(i, GEN_CATEGORIES);

        if (t->category_posts[c] == 0) {
            continue;
        }
        if (open_row(&first, b, e) != 0 ||
            put_name(b, "category", category_name(c), e) != 0 ||
            buf_putf(b, e, ",\"posts\":%" PRId64 ",\"mean_follower_count\":",
                     t->category_posts[c]) != 0 ||
            put_mean(t->category_sum[c], t->category_known[c], b, e) != 0 ||
            buf_putc(b, ',', e) != 0 ||
            put_count("max_follower_count", t->category_max[c], b, e) != 0 ||
            buf_putc(b, '}', e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* The follower count of the twentieth poster; TRUTH_NONE: fewer have one. */
static int32_t twentieth(const struct truth *t)
{
    int32_t best[PLACES];
    size_t n = 0;

    for (uint32_t p = 0; p < t->posters; p++) {
        int32_t v = t->poster_max[p];
        size_t at = n;

        if (t->poster_posts[p] == 0 || v == TRUTH_NONE ||
            (n == PLACES && v <= best[n - 1])) {
            continue;
        }
        n += n < PLACES ? 1 : 0;
        at = at < PLACES ? at : PLACES - 1;
        while (at > 0 && best[at - 1] < v) {
            best[at] = best[at - 1];
            at--;
        }
        best[at] = v;
    }
    return n == PLACES ? best[PLACES - 1] : TRUTH_NONE;
}

static int answer_14(struct truth *t, struct buf *b, struct err *e)
{
    int32_t least = twentieth(t);
    struct named_list l = {0};
    bool first = true;
    int rc = -1;

    for (uint32_t p = 0; p < t->posters; p++) {
        if (t->poster_posts[p] > 0 && t->poster_max[p] >= least &&
            add_named(t, &l, t->poster_max[p], 0, p, e) != 0) {
            goto out;
        }
    }
    sort_named(&l);
    for (size_t i = 0; i < l.n; i++) {
        const struct named *x = l.items[i];

        if (open_row(&first, b, e) != 0 ||
            put_name(b, "poster_name", x->name, e) != 0 ||
            buf_putc(b, ',', e) != 0 ||
            put_count("follower_count", x->followers, b, e) != 0 ||
            buf_putf(b, e, ",\"posts\":%u}", t->poster_posts[x->poster]) != 0) {
            goto out;
        }
    }
    rc = 0;
out:
    release_named(&l);
    return rc;
}

/* The column of a table that comes after `before` by name; NULL: none. */
static const char *next_column(const struct truth_table *table,
                               const char *before, size_t *ret)
{
    const char *next = NULL;

    for (size_t i = 0; i < TRUTH_COLUMNS_MAX && table->columns[i] != NULL;
         i++) {
        const char *name = table->columns[i];

        if (strcmp(name, before) > 0 &&
            (next == NULL || strcmp(name, next) < 0)) {
            next = name;
            *ret = i;
        }
    }
    return next;
}

static int answer_15(struct truth *t, struct buf *b, struct err *e)
{
    static const enum gen_table order[] = {GEN_GEO, GEN_PIN, GEN_USER};
    bool first = true;

    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        const struct truth_table *table = &truth_tables[order[i]];
        const struct truth_account *a = &t->account[order[i]];
        const char *column = "";
        size_t at = 0;

        while ((column = next_column(table, column, &at)) != NULL) {
            if (open_row(&first, b, e) != 0 ||
                buf_putf(b, e,
                         "\"table_name\":\"%s\",\"column_name\":\"%s\","
                         "\"rows\":%" PRId64 ",\"nulls\":%" PRId64
                         ",\"null_share\":",
                         table->name, column, a->cleaned, a->nulls[at]) != 0 ||
                put_mean(a->nulls[at], a->cleaned, b, e) != 0 ||
                buf_putc(b, '}', e) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

int truth_print_answers(struct truth *t, struct buf *b, struct err *e)
{
    static const struct {
        const char *id;
        int (*print)(struct truth *t, struct buf *b, struct err *e);
    } answers[] = {
        {"01", answer_01}, {"02", answer_02}, {"03", answer_03},
        {"04", answer_04}, {"05", answer_05}, {"06", answer_06},
        {"07", answer_07}, {"08", answer_08}, {"09", answer_09},
        {"10", answer_10}, {"11", answer_11}, {"12", answer_12},
        {"13", answer_13}, {"14", answer_14}, {"15", answer_15},
    };

    if (buf_puts(b, "\"answers\":{\n", e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        if (buf_putf(b, e, "%s\"%s\":[", i > 0 ? ",\n" : "", answers[i].id) !=
                0 ||
            answers[i].print(t, b, e) != 0 || buf_putc(b, ']', e) != 0) {
            return -1;
        }
    }
    return buf_putc(b, '}', e);
}
