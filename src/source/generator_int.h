/*
 * generator_int.h - the insides of the generator, for its own files and truth.
 *
 * Row n of the three tables is a pure function of (seed, rows, n): hashes
 * instead of history, so that any row can be asked for at constant memory.
 * Integers only: the same seed gives the same bytes on every machine.
 *
 * generator_facts.c decides what row n says, generator_text.c how it is spelt,
 * generator_flaw.c what is wrong with it
 * (generator_flaw_int.h), generator.c is the source, and
 * truth.c counts the facts without ever reading the rows.
 */
#ifndef SOURCE_GENERATOR_INT_H
#define SOURCE_GENERATOR_INT_H

#include "core/buf.h"
#include "core/rand.h"
#include "source/source.h"

enum gen_table {
    GEN_PIN,
    GEN_GEO,
    GEN_USER,
    GEN_TABLES
};

enum {
    GEN_ROWS_DEFAULT = 11154,
    GEN_COUNTRIES = 243,
    GEN_CATEGORIES = 13,
    GEN_FOLLOWERS = 2098, /* 0..999, 1k..999k, 1M..99M */
    GEN_FIELDS_MAX = 13,
    GEN_TEXT_MAX = 8192 /* bytes of all values of a row without flaws */
};

#define GEN_ROWS_MAX INT64_C(1000000000)

/* A seeded data set; read only after generator_init(). */
struct gen {
    uint64_t key;
    int64_t rows;
    uint64_t bad;  /* share of rows, of 2**32 */
    uint64_t dups; /* share of rows, of 2**32 */
    uint32_t persons;
    uint32_t posters;
    uint32_t country_sum[GEN_COUNTRIES]; /* running weights */
    uint32_t harmonic[1000];             /* running sum of 2**26 / i */
};

/* Of how a pin's columns go together; see generator_kinds[]. */
struct gen_kind {
    uint32_t weight;
    const char *media;
    bool story;    /* description is the story placeholder */
    bool no_user;  /* title, poster and followers are placeholders */
    bool no_tags;  /* tag_list is the placeholder */
    bool no_image; /* image_src is the placeholder, downloaded 0 */
};
extern const struct gen_kind generator_kinds[];

struct gen_person {
    uint64_t key;
    uint32_t country;
    int32_t age;
    int64_t joined_s;
    int32_t latitude_e6, longitude_e6;
};

/* What row n says, before any flaw. */
struct gen_fact {
    int64_t n;         /* its index */
    uint64_t key;      /* draws of this row */
    uint64_t text_key; /* draws of title, description and poster */
    uint64_t body_key; /* draws of tags and image */
    uint32_t category;
    uint32_t poster;
    uint32_t followers; /* code, see generator_followers_value() */
    const struct gen_kind *kind;
    bool no_description; /* the placeholder of rows that are no story */
    bool no_title;       /* empty title */
    int64_t posted_s;
    uint32_t person_id;
    struct gen_person person;
};

static inline uint64_t gen_draw(uint64_t key, unsigned purpose)
{
    return rand_mix(key + purpose * UINT64_C(0x9E3779B97F4A7C15));
}

/* 0..n-1 from the upper half of a draw. */
static inline uint32_t gen_pick(uint64_t x, uint32_t n)
{
    return (uint32_t)(((x >> 32) * n) >> 32);
}

/* True for `per` of 100,000 draws. */
static inline bool gen_chance(uint64_t x, uint32_t per)
{
    return gen_pick(x, 100000) < per;
}

int generator_init(struct gen *g, const struct source_conf *conf,
                   struct err *e) MUST_USE;
/* The row that position n repeats; n itself when it is no duplicate. */
int64_t generator_original(const struct gen *g, int64_t n);
void generator_facts(const struct gen *g, int64_t n, struct gen_fact *ret);
int32_t generator_followers_value(uint32_t code);

/* The words; each text is as it stands between the quotes of JSON. */
extern const char *const generator_countries[GEN_COUNTRIES];
extern const char *const generator_categories[GEN_CATEGORIES];

/* A growing text of known ceiling, for one row. */
struct gen_out {
    char *ptr;
    size_t len;
    size_t cap;
};
void generator_put(struct gen_out *o, const char *text, size_t len);
void generator_puts(struct gen_out *o, const char *text);
void generator_put_i64(struct gen_out *o, int64_t v);

/* A field: its key and its value as JSON text within gen_row.text. */
struct gen_field {
    const char *key;
    uint32_t start, len;
};
struct gen_row {
    struct gen_field field[GEN_FIELDS_MAX];
    size_t fields;
    struct gen_out out;
    char text[GEN_TEXT_MAX];
};
void generator_spell(const struct gen *g, const struct gen_fact *f,
                     enum gen_table table, struct gen_row *ret);
void generator_poster(const struct gen *g, uint32_t poster, struct gen_out *o);
/* Append the fields as one compact JSON object. */
int generator_compose(const struct gen_row *row, struct buf *b,
                      struct err *e) MUST_USE;

#endif
