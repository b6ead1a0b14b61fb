#include <string.h>

#include "source/generator_int.h"

/* Shares of 4,613 observed rows. */
#define IMAGE "image"
#define VIDEO "video"
#define STORY "multi-video(story page format)"
const struct gen_kind generator_kinds[] = {
    {4093, IMAGE, false, false, false, false},
    {24, IMAGE, false, false, true, false},
    {121, VIDEO, false, false, false, false},
    {3, VIDEO, false, false, true, false},
    {221, STORY, true, false, false, false},
    {83, STORY, true, false, false, true},
    {36, STORY, true, true, true, true},
    {5, STORY, true, false, true, false},
};
enum {
    KIND_TOTAL = 4093 + 24 + 121 + 3 + 221 + 83 + 36 + 5
};

/* The first index of each category when there are 11,154 rows. */
static const int64_t category_starts[GEN_CATEGORIES] = {
    0, 894, 1640, 2636, 3467, 4330, 5077, 5865, 6724, 7577, 8487, 9457, 10314};

/* Rows by age from 20 on. */
static const uint32_t age_weights[] = {
    2126, 1218, 640, 500, 432, 400, 370, 340, 310, 285, 265, 245, 225, 205,
    190,  170,  175, 171, 167, 163, 160, 156, 153, 149, 146, 142, 138, 134,
    130,  124,  117, 112, 109, 107, 104, 101, 99,  97,  95,  93,  91};
enum {
    AGE_TOTAL = 11154
};

/* A stretch of time and how many of the rows fall into it. */
struct stretch {
    uint32_t weight;
    int64_t from_s, to_s;
};
static const struct stretch joined[] = {
    {4507, 1445397467, 1451606400}, /* from 2015-10-21T03:17:47 */
    {4791, 1451606400, 1483228800},
    {1856, 1483228800, 1508496266}, /* to 2017-10-20T10:44:26 */
};
static const struct stretch posted[] = {
    {432, 1508426022, 1514764800}, /* from 2017-10-19T15:13:42 */
    {2316, 1514764800, 1546300800}, {2192, 1546300800, 1577836800},
    {2172, 1577836800, 1609459200}, {2208, 1609459200, 1640995200},
    {1834, 1640995200, 1666202066}, /* to 2022-10-19T17:54:26 */
};

/* Follower counts by shape: digits and suffix, per 100,000. */
static const struct shape {
    uint32_t weight;
    uint16_t low, high, code; /* code of low */
} shapes[] = {
    {630, 0, 0, 0},          {1970, 1, 9, 1},     {4750, 10, 99, 10},
    {10300, 100, 999, 100},  {16900, 1, 9, 1000}, {30700, 10, 99, 1009},
    {25900, 100, 999, 1099}, {8000, 1, 9, 1999},  {90, 10, 15, 2008},
};
enum {
    SHAPE_TOTAL = 630 + 1970 + 4750 + 10300 + 16900 + 30700 + 25900 + 8000 + 90
};

/* Purposes of draws, so that no two share one. */
enum draw {
    D_DUP = 4,
    D_DUP_OF,
    D_KIND,
    D_POSTER,
    D_FOLLOWERS,
    D_FOLLOWERS_2,
    D_TILT,
    D_DESCRIPTION,
    D_TITLE,
    D_COPY,
    D_COPY_OF,
    D_LATER,
    D_PERSON = 20, /* two a try */
    D_POSTED = 40, /* three a try */
};
enum {
    TRIES = 6,
    HEAD_PERSONS = 60,
    HEAD_POSTERS = 40,
    POSTERS_MAX = 4000000
};

static void init_tables(struct gen *g)
{
    uint32_t sum = 0;

    /* a few thousand by alphabet's head, a long tail with some noise */
    for (uint32_t i = 0; i < GEN_COUNTRIES; i++) {
        uint32_t noise = gen_pick(rand_mix(i + 77), 60) + 70;

        sum += 4200 / (i + 8) * noise / 100 + 3;
        g->country_sum[i] = sum;
    }
    sum = 0;
    for (uint32_t i = 1; i < ARRAY_LEN(g->harmonic); i++) {
        sum += (UINT32_C(1) << 26) / i;
        g->harmonic[i] = sum;
    }
}

static int share(double v, const char *name, uint64_t *ret, struct err *e)
{
    if (!(v >= 0 && v <= 1)) {
        return err_set(e, ERR_INVALID,
                       "cannot generate rows: %s is not between 0 and 1", name);
    }
    *ret = (uint64_t)(v * 4294967296.0);
    return 0;
}

int generator_init(struct gen *g, const struct source_conf *conf, struct err *e)
{
    int64_t rows = conf->rows > 0 ? conf->rows : GEN_ROWS_DEFAULT;

    memset(g, 0, sizeof(*g));
    if (rows > GEN_ROWS_MAX) {
        return err_set(e, ERR_LIMIT, "cannot generate %lld rows: at most %lld",
                       (long long)rows, (long long)GEN_ROWS_MAX);
    }
    if (share(conf->bad, "the share of bad rows", &g->bad, e) != 0 ||
        share(conf->duplicates, "the share of duplicates", &g->dups, e) != 0) {
        return -1;
    }
    g->key = rand_mix(conf->seed ^ UINT64_C(0x70696E6C696E65));
    g->rows = rows;
    /* 5,307 persons and about as many posters among 11,154 rows */
    g->persons = (uint32_t)(rows * 64 / 100 + 1);
    g->posters = (uint32_t)(rows * 47 / 100 + 1);
    g->posters = g->posters < POSTERS_MAX ? g->posters : POSTERS_MAX;
    init_tables(g);
    return 0;
}

static uint64_t row_key(const struct gen *g, int64_t n)
{
    return rand_mix(g->key ^ rand_mix((uint64_t)n));
}

int64_t generator_original(const struct gen *g, int64_t n)
{
    while (g->dups != 0 && n > 0) {
        uint64_t key = row_key(g, n);

        if (gen_draw(key, D_DUP) >> 32 >= g->dups) {
            break;
        }
        n = (int64_t)(gen_draw(key, D_DUP_OF) % (uint64_t)n);
    }
    return n;
}

static uint32_t category_of(const struct gen *g, int64_t n)
{
    uint32_t c = GEN_CATEGORIES - 1;

    while (c > 0 && n < category_starts[c] * g->rows / GEN_ROWS_DEFAULT) {
        c--;
    }
    return c;
}

/* First i with x < sums[i]. */
static uint32_t find_sum(const uint32_t *sums, uint32_t from, uint32_t to,
                         uint32_t x)
{
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;

        if (x < sums[middle]) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    return from;
}

/* low..high with weights 1/i. */
static uint32_t log_uniform(const struct gen *g, uint32_t low, uint32_t high,
                            uint32_t part)
{
    uint32_t below = g->harmonic[low - 1];
    uint64_t width = g->harmonic[high] - below;

    return find_sum(g->harmonic, low, high,
                    below + (uint32_t)((width * part) >> 32));
}

static int64_t pick_time(const struct stretch *list, size_t n, uint64_t year,
                         uint64_t second)
{
    uint32_t total = 0;
    uint32_t x;
    size_t i = 0;

    for (size_t k = 0; k < n; k++) {
        total += list[k].weight;
    }
    x = gen_pick(year, total);
    while (x >= list[i].weight) {
        x -= list[i++].weight;
    }
    return list[i].from_s +
           (int64_t)gen_pick(second, (uint32_t)(list[i].to_s - list[i].from_s));
}

static int32_t pick_age(uint64_t x)
{
    uint32_t left = gen_pick(x, AGE_TOTAL);
    int32_t age = 20;
    size_t i = 0;

    while (left >= age_weights[i]) {
        left -= age_weights[i++];
        age++;
    }
    return age;
}

/* Six significant digits; never so small that an exponent would be printed. */
static int32_t six_digits(int64_t e6)
{
    int64_t size = e6 < 0 ? -e6 : e6;
    int64_t unit = size >= 100000000 ? 1000 : size >= 10000000 ? 100 : 10;

    if (size < 1000000) {
        unit = 1;
        size = size < 1000 ? size + 1000 : size;
    }
    size = size / unit * unit;
    return (int32_t)(e6 < 0 ? -size : size);
}

static void person_facts(const struct gen *g, uint32_t id,
                         struct gen_person *ret)
{
    uint64_t key = rand_mix(g->key ^ rand_mix(id + (UINT64_C(1) << 50)));
    uint64_t u = gen_draw(key, 1) >> 32;
    uint64_t square = (u * u) >> 32;
    uint64_t skewed = (square + 3 * ((square * u) >> 32)) / 4;

    ret->key = key;
    ret->country =
        find_sum(g->country_sum, 0, GEN_COUNTRIES - 1,
                 gen_pick(gen_draw(key, 2), g->country_sum[GEN_COUNTRIES - 1]));
    ret->age = pick_age(gen_draw(key, 3));
    ret->joined_s = pick_time(joined, ARRAY_LEN(joined), gen_draw(key, 4),
                              gen_draw(key, 5));
    ret->latitude_e6 =
        six_digits(-89990000 + (int64_t)((skewed * 179980000) >> 32));
    ret->longitude_e6 =
        six_digits(-179940000 + (int64_t)gen_pick(gen_draw(key, 6), 359880000));
}

/* Some persons post very often, most once or twice. */
static uint32_t pick_person(const struct gen *g, uint64_t x, uint64_t y)
{
    if (gen_chance(x, 13000)) {
        uint32_t head =
            log_uniform(g, 3, HEAD_PERSONS + 2, (uint32_t)(y >> 32)) - 3;

        return head % g->persons;
    }
    return gen_pick(y, g->persons);
}

static int age_group(int32_t age)
{
    return age <= 24 ? 0 : age <= 35 ? 1 : age <= 50 ? 2 : 3;
}

/* How much a category is liked by an age, a country, a year: 35..99 %. */
static uint32_t liking(const struct gen *g, uint32_t category, uint32_t what)
{
    return 35 +
           gen_pick(rand_mix(g->key + (uint64_t)category * 1000 + what), 65);
}

static void choose_person(const struct gen *g, struct gen_fact *f)
{
    for (unsigned i = 0; i < TRIES; i++) {
        uint64_t x = gen_draw(f->key, D_PERSON + 2 * i);
        uint32_t by_age;
        uint32_t by_country;

        f->person_id =
            pick_person(g, x, gen_draw(f->key, D_PERSON + 2 * i + 1));
        person_facts(g, f->person_id, &f->person);
        by_age = liking(g, f->category, (uint32_t)age_group(f->person.age));
        by_country = liking(g, f->category, 100 + f->person.country);
        if ((uint32_t)(x & 0xFFFF) % 10000 < by_age * by_country) {
            break;
        }
    }
}

static void choose_posted(const struct gen *g, struct gen_fact *f)
{
    for (unsigned i = 0; i < TRIES; i++) {
        uint64_t x = gen_draw(f->key, D_POSTED + 3 * i);
        uint32_t year;

        f->posted_s = pick_time(posted, ARRAY_LEN(posted), x,
                                gen_draw(f->key, D_POSTED + 3 * i + 1));
        year = (uint32_t)(f->posted_s / 31556952);
        if ((x & 0xFFFF) % 100 < liking(g, f->category, 500 + year)) {
            break;
        }
    }
    if (f->posted_s <= f->person.joined_s) {
        f->posted_s = f->person.joined_s + 1 +
                      (int64_t)gen_pick(gen_draw(f->key, D_LATER), 2592000);
    }
}

/* In which of the stretches a time lies; behind all of them: the last. */
static size_t stretch_of(const struct stretch *s, size_t n, int64_t time_s)
{
    size_t i = 0;

    while (i + 1 < n && time_s >= s[i].to_s) {
        i++;
    }
    return i;
}

/*
 * -1000..1000: how far the follower counts of this age, joining and posting
 * year lie above or below the rest.  About 0 on average, so that the counts
 * of all rows together keep their shape.
 */
static int32_t tilt(const struct gen_fact *f)
{
    static const int32_t by_group[] = {720, -160, -780, -1000};
    static const int32_t by_joined[] = {160, -40, -260};
    static const int32_t by_posted[] = {-90, 120, -60, 80, -120, 40};
    int32_t t = by_group[age_group(f->person.age)];

    t += by_joined[stretch_of(joined, ARRAY_LEN(joined), f->person.joined_s)];
    t += by_posted[stretch_of(posted, ARRAY_LEN(posted), f->posted_s)];
    return t > 1000 ? 1000 : t < -1000 ? -1000 : t;
}

static uint32_t followers_code(const struct gen *g, uint32_t u)
{
    uint64_t x = (uint64_t)u * SHAPE_TOTAL;
    uint64_t below = 0;
    const struct shape *s = shapes;

    while (x >= below + ((uint64_t)s->weight << 32)) {
        below += (uint64_t)s->weight << 32;
        s++;
    }
    if (s->low == s->high) {
        return s->code;
    }
    return s->code - s->low +
           log_uniform(g, s->low, s->high, (uint32_t)((x - below) / s->weight));
}

/* The larger of two draws where the tilt is up, the smaller where down. */
static void choose_followers(const struct gen *g, struct gen_fact *f)
{
    uint32_t u = (uint32_t)(gen_draw(f->key, D_FOLLOWERS) >> 32);
    uint32_t v = (uint32_t)(gen_draw(f->key, D_FOLLOWERS_2) >> 32);
    int32_t t = tilt(f);
    int32_t dice = (int32_t)gen_pick(gen_draw(f->key, D_TILT), 1000);

    if (dice < t) {
        u = u > v ? u : v;
    } else if (dice < -t) {
        u = u < v ? u : v;
    }
    f->followers = followers_code(g, u);
}

int32_t generator_followers_value(uint32_t code)
{
    assert(code < GEN_FOLLOWERS);
    if (code < 1000) {
        return (int32_t)code;
    }
    return code < 1999 ? (int32_t)(code - 999) * 1000
                       : (int32_t)(code - 1998) * 1000000;
}

static uint32_t pick_poster(const struct gen *g, uint64_t x)
{
    uint64_t y = rand_mix(x);

    if (gen_chance(x, 20000)) {
        return (log_uniform(g, 2, HEAD_POSTERS + 1, (uint32_t)(y >> 32)) - 2) %
               g->posters;
    }
    return gen_pick(y, g->posters);
}

/* Some pins say again what another said. */
static void choose_text(const struct gen *g, struct gen_fact *f)
{
    uint64_t x = gen_draw(f->key, D_COPY);

    f->text_key = f->key;
    f->body_key = f->key;
    if (f->n > 1 && gen_chance(x, 4200)) {
        int64_t back = 1 + (int64_t)gen_pick(gen_draw(f->key, D_COPY_OF), 40);
        uint64_t other = row_key(g, f->n > back ? f->n - back : 0);

        f->text_key = other;
        f->body_key = gen_chance(x, 500) ? other : f->key;
    }
}

void generator_facts(const struct gen *g, int64_t n, struct gen_fact *ret)
{
    struct gen_fact *f = ret;
    uint32_t kind;

    assert(n >= 0 && n < g->rows);
    f->n = n;
    f->key = row_key(g, n);
    f->category = category_of(g, n);
    choose_text(g, f);
    choose_person(g, f);
    choose_posted(g, f);
    choose_followers(g, f);
    f->poster = pick_poster(g, gen_draw(f->text_key, D_POSTER));
    kind = gen_pick(gen_draw(f->body_key, D_KIND), KIND_TOTAL);
    f->kind = generator_kinds;
    while (kind >= f->kind->weight) {
        kind -= f->kind->weight;
        f->kind++;
    }
    f->no_description =
        !f->kind->story && gen_chance(gen_draw(f->key, D_DESCRIPTION), 1780);
    f->no_title = gen_chance(gen_draw(f->key, D_TITLE), 20);
}
