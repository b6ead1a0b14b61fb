#include "source/truth.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/stop.h"
#include "source/truth_int.h"

const struct truth_table truth_tables[GEN_TABLES] = {
    {"pin",
     {"ind", "unique_id", "title", "description", "follower_count",
      "poster_name", "tag_list", "is_image_or_video", "image_src",
      "save_location", "category"}},
    {"geo", {"ind", "country", "coordinates", "timestamp"}},
    {"user", {"ind", "user_name", "age", "date_joined"}},
};

/* Raw columns whose cleaned column has another name. */
static const struct {
    const char *raw, *cleaned;
} renamed[] = {
    {"latitude", "coordinates"},
    {"longitude", "coordinates"},
    {"first_name", "user_name"},
    {"last_name", "user_name"},
};

enum {
    POSTER_967 = 3, /* the poster of that name in the list of words */
    STOP_EVERY = 4096
};

/* A table's row as it is after cleaning. */
struct seen {
    bool present;
    uint32_t nulls; /* bit per cleaned column */
    uint32_t made;  /* of these, the ones that a rule made */
};

/* What the three cleaned rows of one number say; TRUTH_NONE is NULL. */
struct said {
    int followers; /* index in values */
    int category;  /* GEN_CATEGORIES + 1 is NULL */
    int64_t poster;
    int country; /* GEN_COUNTRIES + 1 is NULL */
    int age;     /* group */
    int joined;
    int posted;
    int month;
};

static int column_index(enum gen_table table, const char *raw)
{
    for (size_t i = 0; i < ARRAY_LEN(renamed); i++) {
        if (strcmp(raw, renamed[i].raw) == 0) {
            raw = renamed[i].cleaned;
        }
    }
    for (int i = 0; i < TRUTH_COLUMNS_MAX; i++) {
        const char *name = truth_tables[table].columns[i];

        if (name != NULL && strcmp(name, raw) == 0) {
            return i;
        }
    }
    assert(false && "a flaw names a column that no table has");
    return 0;
}

static uint32_t bit(enum gen_table table, const char *column)
{
    return UINT32_C(1) << column_index(table, column);
}

/* The placeholders of a pin. */
static uint32_t planted_nulls(const struct gen_fact *f)
{
    uint32_t nulls = 0;

    if (f->kind->no_user) {
        nulls |= bit(GEN_PIN, "title") | bit(GEN_PIN, "poster_name") |
                 bit(GEN_PIN, "follower_count");
    }
    if (f->no_title) {
        nulls |= bit(GEN_PIN, "title");
    }
    if (f->kind->story || f->no_description) {
        nulls |= bit(GEN_PIN, "description");
    }
    if (f->kind->no_tags) {
        nulls |= bit(GEN_PIN, "tag_list");
    }
    if (f->kind->no_image) {
        nulls |= bit(GEN_PIN, "image_src");
    }
    return nulls;
}

static void see(enum gen_table table, const struct gen_fact *f,
                const struct gen_flaw *flaw, struct seen *ret)
{
    uint32_t column;

    ret->present = flaw == NULL || flaw->effect != GEN_REJECT;
    ret->nulls = table == GEN_PIN ? planted_nulls(f) : 0;
    ret->made = ret->nulls;
    if (flaw == NULL || flaw->column == NULL) {
        return;
    }
    column = bit(table, flaw->column);
    if (flaw->effect == GEN_VALUE) {
        ret->nulls &= ~column;
        ret->made &= ~column;
    } else if (flaw->effect == GEN_NULL) {
        bool absent = flaw->put == NULL || strcmp(flaw->put, "null") == 0;
        bool whole =
            strcmp(
                truth_tables[table].columns[column_index(table, flaw->column)],
                flaw->column) == 0;

        ret->nulls |= column;
        /* a missing part makes a NULL of what is put together from it */
        ret->made = absent && whole ? ret->made & ~column : ret->made | column;
    }
}

static void count_reject(struct truth_account *a, const char *reason)
{
    size_t i = 0;

    while (a->rejects[i].reason != NULL &&
           strcmp(a->rejects[i].reason, reason) != 0) {
        i++;
        assert(i < TRUTH_REASONS_MAX);
    }
    a->rejects[i].reason = reason;
    a->rejects[i].n++;
    a->rejected++;
}

/* One message; first: not a copy of an earlier one. */
static void account(struct truth_account *a, const struct gen_flaw *flaw,
                    const struct seen *s, bool first)
{
    enum gen_effect effect = flaw != NULL ? flaw->effect : GEN_SAME;
    int64_t rows = !s->present ? 0 : effect == GEN_TWICE ? 2 : 1;

    a->messages++;
    a->binary += flaw != NULL && flaw->json == 0 ? 1 : 0;
    a->records += rows;
    if (effect == GEN_REJECT || effect == GEN_AND_REJECT) {
        a->records++;
        count_reject(a, flaw->reason);
    }
    a->cleaned += first && rows > 0 ? 1 : 0;
    a->duplicate += first && rows > 0 ? rows - 1 : rows;
    for (int i = 0; rows > 0 && i < TRUTH_COLUMNS_MAX; i++) {
        a->nulls[i] += first ? (int64_t)(s->nulls >> i & 1) : 0;
        a->made[i] += (int64_t)(s->made >> i & 1) * rows;
    }
}

static int value_index(const struct truth *t, int64_t value)
{
    size_t from = 0;
    size_t to = t->nvalues;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (t->values[middle] < value) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    assert(from < t->nvalues && t->values[from] == value);
    return (int)from;
}

static int age_group(int64_t age)
{
    return age < 18 ? 0 : age <= 24 ? 1 : age <= 35 ? 2 : age <= 50 ? 3 : 4;
}

static bool changes(const struct gen_flaw *flaw, const char *column)
{
    return flaw != NULL && flaw->effect == GEN_VALUE &&
           strcmp(flaw->column, column) == 0;
}

static void say_pin(const struct truth *t, const struct gen_fact *f,
                    const struct gen_flaw *flaw, const struct seen *s,
                    struct said *ret)
{
    ret->followers =
        (s->nulls & bit(GEN_PIN, "follower_count")) != 0 ? TRUTH_NONE
        : changes(flaw, "follower_count") ? value_index(t, flaw->value)
                                          : t->slot[f->followers];
    ret->category = (s->nulls & bit(GEN_PIN, "category")) != 0
                        ? GEN_CATEGORIES + 1
                    : changes(flaw, "category") ? GEN_CATEGORIES
                                                : (int)f->category;
    ret->poster = (s->nulls & bit(GEN_PIN, "poster_name")) != 0 ? TRUTH_NONE
                  : changes(flaw, "poster_name")                ? POSTER_967
                                                 : (int64_t)f->poster;
}

static void say_geo(const struct gen_fact *f, const struct gen_flaw *flaw,
                    const struct seen *s, struct said *ret)
{
    ret->country = (s->nulls & bit(GEN_GEO, "country")) != 0 ? GEN_COUNTRIES + 1
                   : changes(flaw, "country")                ? GEN_COUNTRIES
                                              : (int)f->person.country;
    ret->posted = TRUTH_NONE;
    if ((s->nulls & bit(GEN_GEO, "timestamp")) == 0) {
        struct clock_civil c;

        clock_to_civil(f->posted_s * 1000000, &c);
        ret->posted = c.year - TRUTH_POSTED_FIRST;
        ret->month = ret->posted * 12 + c.month - 1;
    }
}

static void say_user(const struct gen_fact *f, const struct gen_flaw *flaw,
                     const struct seen *s, struct said *ret)
{
    ret->age =
        (s->nulls & bit(GEN_USER, "age")) != 0
            ? TRUTH_AGES - 1
            : age_group(changes(flaw, "age") ? flaw->value : f->person.age);
    ret->joined = TRUTH_NONE;
    if ((s->nulls & bit(GEN_USER, "date_joined")) == 0) {
        struct clock_civil c;

        clock_to_civil(f->person.joined_s * 1000000, &c);
        ret->joined = c.year - TRUTH_JOINED_FIRST;
    }
}

static int count_best(struct truth_best *b, int32_t followers, uint32_t poster,
                      struct err *e)
{
    if (followers < b->followers) {
        return 0;
    }
    if (followers > b->followers) {
        b->followers = followers;
        b->n = 0;
    }
    for (size_t i = 0; i < b->n; i++) {
        if (b->posters[i] == poster) {
            return 0;
        }
    }
    if (b->n == b->cap) {
        size_t cap = b->cap > 0 ? 2 * b->cap : 16;
        uint32_t *more = mem_resize(b->posters, cap, sizeof(*more));

        if (more == NULL) {
            return err_nomem(e, cap * sizeof(*more));
        }
        b->posters = more;
        b->cap = cap;
    }
    b->posters[b->n++] = poster;
    return 0;
}

static void count_pin(struct truth *t, const struct said *x)
{
    int32_t value =
        x->followers != TRUTH_NONE ? t->values[x->followers] : TRUTH_NONE;

    t->category_posts[x->category]++;
    if (value != TRUTH_NONE) {
        t->category_known[x->category]++;
        t->category_sum[x->category] += value;
    }
    if (value > t->category_max[x->category]) {
        t->category_max[x->category] = value;
    }
    if (x->poster != TRUTH_NONE) {
        t->poster_posts[x->poster]++;
        if (value > t->poster_max[x->poster]) {
            t->poster_max[x->poster] = value;
        }
    }
}

static int count_pin_geo(struct truth *t, const struct said *x, struct err *e)
{
    t->country_category[x->country][x->category]++;
    if (x->posted != TRUTH_NONE) {
        t->year_category[x->posted][x->category]++;
        t->month_category[x->month][x->category]++;
    }
    if (x->followers == TRUTH_NONE || x->poster == TRUTH_NONE) {
        return 0;
    }
    return count_best(&t->best[x->country], t->values[x->followers],
                      (uint32_t)x->poster, e);
}

static void count_pin_user(struct truth *t, const struct said *x)
{
    t->age_category[x->age][x->category]++;
    if (x->followers == TRUTH_NONE) {
        return;
    }
    t->histogram[truth_by_age(x->age)][x->followers]++;
    if (x->joined != TRUTH_NONE) {
        t->histogram[truth_by_joined(x->joined)][x->followers]++;
        t->histogram[truth_by_both(x->age, x->joined)][x->followers]++;
    }
}

static int count_row(struct truth *t, const struct gen_fact *f, bool first,
                     struct err *e)
{
    const struct gen_flaw *flaw[GEN_TABLES];
    struct seen s[GEN_TABLES];
    struct said x;

    for (int i = 0; i < GEN_TABLES; i++) {
        enum gen_table table = (enum gen_table)i;

        flaw[i] = generator_flaw(&t->gen, table, f->n);
        see(table, f, flaw[i], &s[i]);
        account(&t->account[i], flaw[i], &s[i], first);
    }
    if (!first) {
        return 0;
    }
    say_pin(t, f, flaw[GEN_PIN], &s[GEN_PIN], &x);
    say_geo(f, flaw[GEN_GEO], &s[GEN_GEO], &x);
    say_user(f, flaw[GEN_USER], &s[GEN_USER], &x);
    if (s[GEN_USER].present && x.joined != TRUTH_NONE) {
        t->joined[x.joined]++;
    }
    if (!s[GEN_PIN].present) {
        return 0;
    }
    count_pin(t, &x);
    if (s[GEN_USER].present) {
        count_pin_user(t, &x);
    }
    if (s[GEN_GEO].present && s[GEN_USER].present &&
        x.followers != TRUTH_NONE && x.posted != TRUTH_NONE) {
        t->histogram[truth_by_posted(x.age, x.posted)][x.followers]++;
    }
    return s[GEN_GEO].present ? count_pin_geo(t, &x, e) : 0;
}

static int compare_values(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

static void collect_values(struct truth *t)
{
    size_t n = 0;
    size_t kept = 0;

    for (uint32_t code = 0; code < GEN_FOLLOWERS; code++) {
        t->values[n++] = generator_followers_value(code);
    }
    for (size_t i = 0; generator_flaw_at(i) != NULL; i++) {
        const struct gen_flaw *flaw = generator_flaw_at(i);

        if (changes(flaw, "follower_count")) {
            assert(n < TRUTH_VALUES_MAX);
            t->values[n++] = (int32_t)flaw->value;
        }
    }
    qsort(t->values, n, sizeof(t->values[0]), compare_values);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || t->values[i] != t->values[kept - 1]) {
            t->values[kept++] = t->values[i];
        }
    }
    t->nvalues = kept;
    for (uint32_t code = 0; code < GEN_FOLLOWERS; code++) {
        t->slot[code] =
            (uint16_t)value_index(t, generator_followers_value(code));
    }
}

static int set_up(struct truth *t, const struct source_conf *conf,
                  struct err *e)
{
    size_t posters;

    if (generator_init(&t->gen, conf, e) != 0) {
        return -1;
    }
    /* the poster called 967 may be named by a flaw */
    posters = t->gen.posters > POSTER_967 ? t->gen.posters : POSTER_967 + 1;
    t->poster_max = mem_resize(NULL, posters, sizeof(*t->poster_max));
    t->poster_posts = mem_zero(posters, sizeof(*t->poster_posts));
    t->histogram = mem_zero(TRUTH_MEDIANS, sizeof(*t->histogram));
    if (t->poster_max == NULL || t->poster_posts == NULL ||
        t->histogram == NULL) {
        return err_nomem(e, posters * sizeof(*t->poster_max));
    }
    t->posters = (uint32_t)posters;
    memset(t->poster_max, 0xFF, posters * sizeof(*t->poster_max));
    for (size_t i = 0; i < TRUTH_COUNTRIES; i++) {
        t->best[i].followers = TRUTH_NONE;
    }
    for (size_t i = 0; i < TRUTH_CATEGORIES; i++) {
        t->category_max[i] = TRUTH_NONE;
    }
    collect_values(t);
    return 0;
}

static int count_all(struct truth *t, struct progress *progress, struct err *e)
{
    for (int64_t n = 0; n < t->gen.rows; n++) {
        int64_t original = generator_original(&t->gen, n);
        struct gen_fact f;

        generator_facts(&t->gen, original, &f);
        if (count_row(t, &f, original == n, e) != 0) {
            return -1;
        }
        if (n % STOP_EVERY == STOP_EVERY - 1) {
            if (progress != NULL) {
                progress_add(progress, STOP_EVERY);
            }
            if (stop_asked()) {
                return err_set(e, ERR_INTERRUPTED, "stopped at row %lld",
                               (long long)n);
            }
        }
    }
    return 0;
}

static int print_counts(const struct truth_table *table, const int64_t *counts,
                        const char *name, struct buf *b, struct err *e)
{
    bool first = true;

    if (buf_putf(b, e, ",\"%s\":{", name) != 0) {
        return -1;
    }
    for (int i = 0; i < TRUTH_COLUMNS_MAX && table->columns[i] != NULL; i++) {
        if (buf_putf(b, e, "%s\"%s\":%lld", first ? "" : ",", table->columns[i],
                     (long long)counts[i]) != 0) {
            return -1;
        }
        first = false;
    }
    return buf_putc(b, '}', e);
}

static int print_account(const struct truth_table *table,
                         const struct truth_account *a, struct buf *b,
                         struct err *e)
{
    if (buf_putf(b, e,
                 "\"%s\":{\"messages\":%lld,\"records\":%lld,"
                 "\"expanded\":%lld,\"cleaned\":%lld,\"rejected\":%lld,"
                 "\"duplicate\":%lld,\"binary\":%lld,\"rejects\":{",
                 table->name, (long long)a->messages, (long long)a->records,
                 (long long)(a->records - a->messages), (long long)a->cleaned,
                 (long long)a->rejected, (long long)a->duplicate,
                 (long long)a->binary) != 0) {
        return -1;
    }
    for (size_t i = 0; a->rejects[i].reason != NULL; i++) {
        if (buf_putf(b, e, "%s\"%s\":%lld", i > 0 ? "," : "",
                     a->rejects[i].reason, (long long)a->rejects[i].n) != 0) {
            return -1;
        }
    }
    if (buf_putc(b, '}', e) != 0 ||
        print_counts(table, a->nulls, "nulls", b, e) != 0 ||
        print_counts(table, a->made, "nulls_made", b, e) != 0) {
        return -1;
    }
    return buf_putc(b, '}', e);
}

static int print(struct truth *t, const struct source_conf *conf, struct buf *b,
                 struct err *e)
{
    if (buf_putf(b, e, "{\"seed\":%llu,\"rows\":%lld,\"tables\":{\n",
                 (unsigned long long)conf->seed, (long long)t->gen.rows) != 0) {
        return -1;
    }
    for (int i = 0; i < GEN_TABLES; i++) {
        if (print_account(&truth_tables[i], &t->account[i], b, e) != 0 ||
            buf_puts(b, i + 1 < GEN_TABLES ? ",\n" : "},\n", e) != 0) {
            return -1;
        }
    }
    if (truth_print_answers(t, b, e) != 0) {
        return -1;
    }
    return buf_puts(b, "}\n", e);
}

int truth_write(const struct source_conf *conf, struct progress *progress,
                struct buf *b, struct err *e)
{
    struct truth *t = mem_zero(1, sizeof(*t));
    int rc = -1;

    if (t == NULL) {
        return err_nomem(e, sizeof(*t));
    }
    if (set_up(t, conf, e) == 0 && count_all(t, progress, e) == 0) {
        rc = print(t, conf, b, e);
    }
    for (size_t i = 0; i < TRUTH_COUNTRIES; i++) {
        mem_free(t->best[i].posters);
    }
    mem_free(t->poster_max);
    mem_free(t->poster_posts);
    mem_free(t->histogram);
    mem_free(t);
    return rc;
}
