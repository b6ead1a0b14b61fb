#include <string.h>

#include "core/clock.h"
#include "source/generator_int.h"
#include "source/generator_words.h"

/* Purposes of draws of a text key; apart from those of generator_facts.c. */
enum draw {
    D_TITLE = 100,
    D_TITLE_2,
    D_SCRIPT,
    D_MARK,
    D_DESCRIPTION,
    D_CUT,
    D_SENTENCE, /* and the next eight */
    D_TAGS = 120,
    D_IMAGE,
    D_IMAGE_KIND,
    D_IMAGE_2,
    D_UUID,
    D_UUID_2,
    D_NAME,
    D_NAME_2
};

void generator_put(struct gen_out *o, const char *text, size_t len)
{
    assert(len <= o->cap - o->len);
    memcpy(o->ptr + o->len, text, len);
    o->len += len;
}

void generator_puts(struct gen_out *o, const char *text)
{
    generator_put(o, text, strlen(text));
}

void generator_put_i64(struct gen_out *o, int64_t v)
{
    char digits[20];
    size_t n = sizeof(digits);
    uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    do {
        digits[--n] = (char)('0' + left % 10);
        left /= 10;
    } while (left != 0);
    if (v < 0) {
        generator_put(o, "-", 1);
    }
    generator_put(o, digits + n, sizeof(digits) - n);
}

static void put_hex(struct gen_out *o, uint64_t x, unsigned digits)
{
    static const char hex[] = "0123456789abcdef";

    while (digits > 0) {
        digits--;
        generator_put(o, &hex[(x >> (4 * digits)) & 15], 1);
    }
}

static void put_padded(struct gen_out *o, int v, unsigned digits)
{
    char text[4];

    assert(digits <= sizeof(text));
    for (unsigned i = digits; i > 0; i--) {
        text[i - 1] = (char)('0' + v % 10);
        v /= 10;
    }
    generator_put(o, text, digits);
}

static void begin(struct gen_row *row, const char *key)
{
    struct gen_field *f = &row->field[row->fields];

    f->key = key;
    f->start = (uint32_t)row->out.len;
}

static void end(struct gen_row *row)
{
    struct gen_field *f = &row->field[row->fields++];

    f->len = (uint32_t)row->out.len - f->start;
}

static void put_text(struct gen_row *row, const char *key, const char *text)
{
    begin(row, key);
    generator_put(&row->out, "\"", 1);
    generator_puts(&row->out, text);
    generator_put(&row->out, "\"", 1);
    end(row);
}

static void put_int(struct gen_row *row, const char *key, int64_t v)
{
    begin(row, key);
    generator_put_i64(&row->out, v);
    end(row);
}

static void put_time(struct gen_row *row, const char *key, int64_t s)
{
    struct gen_out *o = &row->out;
    struct clock_civil c;

    clock_to_civil(s * 1000000, &c);
    begin(row, key);
    generator_put(o, "\"", 1);
    put_padded(o, c.year, 4);
    generator_put(o, "-", 1);
    put_padded(o, c.month, 2);
    generator_put(o, "-", 1);
    put_padded(o, c.day, 2);
    generator_put(o, " ", 1);
    put_padded(o, c.hour, 2);
    generator_put(o, ":", 1);
    put_padded(o, c.minute, 2);
    generator_put(o, ":", 1);
    put_padded(o, c.second, 2);
    generator_put(o, "\"", 1);
    end(row);
}

/* Millionths with trailing zeros cut, one digit kept: -0.375174, 12.5, 3.0. */
static void put_e6(struct gen_row *row, const char *key, int32_t e6)
{
    struct gen_out *o = &row->out;
    int32_t size = e6 < 0 ? -e6 : e6;
    int32_t part = size % 1000000;
    unsigned digits = 6;

    begin(row, key);
    if (e6 < 0) {
        generator_put(o, "-", 1);
    }
    generator_put_i64(o, size / 1000000);
    generator_put(o, ".", 1);
    while (digits > 1 && part % 10 == 0) {
        part /= 10;
        digits--;
    }
    for (int32_t unit = 1; digits > 1; digits--) {
        unit *= 10;
        if (part < unit) {
            generator_put(o, "0", 1); /* a leading zero of the fraction */
        }
    }
    generator_put_i64(o, part);
    end(row);
}

static void put_word(struct gen_out *o, const char *const *list, size_t n,
                     uint64_t x)
{
    generator_puts(o, list[gen_pick(x, (uint32_t)n)]);
}

/* "7 Cozy Lamp Ideas For Kids" and the like; median 50 characters. */
static void put_title(const struct gen_fact *f, struct gen_out *o)
{
    uint64_t x = gen_draw(f->text_key, D_TITLE);
    uint64_t y = gen_draw(f->text_key, D_TITLE_2);
    bool numbered = (x & 3) == 0;

    if (gen_chance(gen_draw(f->text_key, D_SCRIPT), 700)) {
        put_word(o, generator_scripts, WORDS_SCRIPTS, y);
        return;
    }
    if (numbered) {
        generator_put_i64(o, 3 + (int64_t)gen_pick(y, 60));
        generator_put(o, " ", 1);
    } else if ((x & 4) != 0) {
        put_word(o, generator_openings, WORDS_OPENINGS, rand_mix(y));
        generator_put(o, " ", 1);
    }
    put_word(o, generator_adjectives, WORDS_ADJECTIVES, x);
    generator_put(o, " ", 1);
    if ((x & 24) == 0) {
        put_word(o, generator_adjectives, WORDS_ADJECTIVES, rand_mix(x));
        generator_put(o, " ", 1);
    }
    put_word(o, generator_nouns[f->category], WORDS_NOUNS, y);
    generator_puts(o, numbered ? " Ideas" : "");
    if ((x & 96) != 0) {
        generator_put(o, " ", 1);
        put_word(o, generator_endings, WORDS_ENDINGS, rand_mix(x + 1));
    }
    if ((x & 0x180) == 0) {
        generator_puts(o, " - ");
        put_word(o, generator_sentences, WORDS_SENTENCES, rand_mix(x + 2));
    }
}

static void put_mark(uint64_t x, struct gen_out *o)
{
    uint32_t dice = gen_pick(x, 100000);

    for (const struct words_mark *m = generator_marks; m->text != NULL; m++) {
        if (dice < m->per) {
            generator_puts(o, m->text);
            return;
        }
        dice -= m->per;
    }
}

static void spell_title(const struct gen_fact *f, struct gen_row *row)
{
    begin(row, "title");
    generator_put(&row->out, "\"", 1);
    if (f->kind->no_user) {
        generator_puts(&row->out, "No Title Data Available");
    } else if (!f->no_title) {
        put_title(f, &row->out);
        put_mark(gen_draw(f->text_key, D_MARK), &row->out);
    }
    generator_put(&row->out, "\"", 1);
    end(row);
}

/* Sentences up to a length; the site cuts long ones near 180 characters. */
static void put_description(const struct gen_fact *f, struct gen_out *o)
{
    uint64_t x = gen_draw(f->text_key, D_CUT);
    bool cut = gen_chance(x, 39300);
    size_t at = o->len;
    size_t want = cut ? 177 : 10 + gen_pick(rand_mix(x), 110);
    unsigned i = 0;

    put_word(o, generator_adjectives, WORDS_ADJECTIVES, rand_mix(x + 1));
    generator_put(o, " ", 1);
    put_word(o, generator_nouns[f->category], WORDS_NOUNS, rand_mix(x + 2));
    generator_put(o, ".", 1);
    while (o->len - at < want && i < 8) {
        generator_put(o, " ", 1);
        if (i == 1 && (x & 31) == 0) {
            generator_puts(o, "They call it \\\"the good kind of busy\\\".");
        } else if (i == 1 && (x & 31) == 1) {
            generator_puts(o, "Très joli, très “simple”.");
        } else {
            put_word(o, generator_sentences, WORDS_SENTENCES,
                     gen_draw(f->text_key, D_SENTENCE + i));
        }
        i++;
    }
    if (cut && o->len - at >= want) {
        o->len = at + want; /* back to the end of an ASCII character */
        while ((o->ptr[o->len - 1] & 0x80) != 0 || o->ptr[o->len - 1] == '\\') {
            o->len--;
        }
        generator_puts(o, "…\xC2\xA0");
    }
}

static void spell_description(const struct gen_fact *f, struct gen_row *row)
{
    begin(row, "description");
    generator_put(&row->out, "\"", 1);
    if (f->kind->story) {
        generator_puts(&row->out, "No description available Story format");
    } else if (f->no_description) {
        generator_puts(&row->out, "No description available");
    } else {
        put_description(f, &row->out);
    }
    generator_put(&row->out, "\"", 1);
    end(row);
}

/*
 * Different posters have different names: two words and, when these run out,
 * a number, each from the id's digits, and an ending that holds none of them.
 */
void generator_poster(const struct gen *g, uint32_t poster, struct gen_out *o)
{
    uint64_t x = rand_mix(g->key + poster + (UINT64_C(1) << 51));
    uint32_t dice = gen_pick(x, 1000);
    uint32_t rest = poster / WORDS_STEMS;

    if (poster < WORDS_POSTERS) {
        generator_puts(o, generator_posters[poster]);
        return;
    }
    if (dice < 20) {
        generator_puts(o, dice < 15 ? "Señor " : "🌿");
    }
    generator_puts(o, generator_stems[poster % WORDS_STEMS]);
    generator_puts(o, generator_name_ends[rest % WORDS_NAME_ENDS]);
    rest /= WORDS_NAME_ENDS;
    generator_put(o, " ", 1);
    generator_puts(o, generator_last[rest % WORDS_LAST]);
    if (rest / WORDS_LAST != 0) {
        generator_put(o, " ", 1);
        generator_put_i64(o, rest / WORDS_LAST);
    }
    if (dice >= 850) {
        put_word(o, generator_poster_ends, WORDS_POSTER_ENDS, rand_mix(x));
    } else if (dice >= 833) {
        generator_put(o, " ", 1);
    } else if (dice == 832) {
        for (unsigned i = 0; i < 9; i++) {
            put_word(o, generator_poster_ends, WORDS_POSTER_ENDS,
                     rand_mix(x + i));
        }
    }
}

static void spell_poster(const struct gen *g, const struct gen_fact *f,
                         struct gen_row *row)
{
    begin(row, "poster_name");
    generator_put(&row->out, "\"", 1);
    if (f->kind->no_user) {
        generator_puts(&row->out, "User Info Error");
    } else {
        generator_poster(g, f->poster, &row->out);
    }
    generator_put(&row->out, "\"", 1);
    end(row);
}

static void spell_followers(const struct gen_fact *f, struct gen_row *row)
{
    struct gen_out *o = &row->out;
    uint32_t code = f->followers;

    begin(row, "follower_count");
    generator_put(o, "\"", 1);
    if (f->kind->no_user) {
        generator_puts(o, "User Info Error");
    } else if (code < 1000) {
        generator_put_i64(o, code);
    } else {
        generator_put_i64(o, code < 1999 ? code - 999 : code - 1998);
        generator_put(o, code < 1999 ? "k" : "M", 1);
    }
    generator_put(o, "\"", 1);
    end(row);
}

/* Nine different tags: the stride visits no adjective twice. */
static void spell_tags(const struct gen_fact *f, struct gen_row *row)
{
    static const uint32_t strides[] = {1, 3, 7, 9, 11, 13, 17, 19};
    uint64_t x = gen_draw(f->body_key, D_TAGS);
    uint32_t adjective = (uint32_t)(x & 0xFFFF);
    uint32_t noun = (uint32_t)(x >> 16 & 0xFFFF);
    uint32_t stride = strides[x >> 32 & 7];
    uint32_t dice = (uint32_t)(x >> 40) % 10000;
    uint32_t tags = dice < 11 ? 8 : dice < 13 ? 7 : dice < 15 ? 3 : 9;
    struct gen_out *o = &row->out;

    if (f->kind->no_tags) {
        put_text(row, "tag_list", "N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e");
        return;
    }
    begin(row, "tag_list");
    generator_put(o, "\"", 1);
    for (uint32_t i = 0; i < tags; i++) {
        generator_puts(o, i > 0 ? "," : "");
        generator_puts(
            o,
            generator_adjectives[(adjective + i * stride) % WORDS_ADJECTIVES]);
        generator_put(o, " ", 1);
        generator_puts(o,
                       generator_nouns[f->category][(noun + i) % WORDS_NOUNS]);
    }
    generator_put(o, "\"", 1);
    end(row);
}

static void spell_image(const struct gen_fact *f, struct gen_row *row)
{
    uint64_t high = gen_draw(f->body_key, D_IMAGE);
    uint64_t low = gen_draw(f->body_key, D_IMAGE_2);
    uint32_t dice = gen_pick(gen_draw(f->body_key, D_IMAGE_KIND), 1000);
    bool video = strcmp(f->kind->media, "image") != 0;
    struct gen_out *o = &row->out;

    if (f->kind->no_image) {
        put_text(row, "image_src", "Image src error.");
        return;
    }
    begin(row, "image_src");
    generator_puts(o,
                   video ? "\"https://i.pinimg.com/videos/thumbnails/originals/"
                         : "\"https://i.pinimg.com/originals/");
    for (unsigned i = 0; i < 3; i++) {
        put_hex(o, high >> (56 - 8 * i), 2);
        generator_put(o, "/", 1);
    }
    put_hex(o, high, 16);
    put_hex(o, low, 16);
    if (video) {
        generator_puts(o, dice < 800 ? ".0000001.jpg\"" : "-00001.jpg\"");
    } else {
        generator_puts(o, dice < 832   ? ".jpg\""
                          : dice < 993 ? ".png\""
                          : dice < 998 ? ".webp\""
                                       : ".gif\"");
    }
    end(row);
}

static void spell_uuid(const struct gen_fact *f, struct gen_row *row)
{
    uint64_t high = gen_draw(f->key, D_UUID);
    uint64_t low = gen_draw(f->key, D_UUID_2);
    struct gen_out *o = &row->out;

    begin(row, "unique_id");
    generator_put(o, "\"", 1);
    put_hex(o, high >> 32, 8);
    generator_put(o, "-", 1);
    put_hex(o, high >> 16, 4);
    generator_put(o, "-4", 2);
    put_hex(o, high, 3);
    generator_put(o, "-", 1);
    put_hex(o, 8 + (low >> 62), 1);
    put_hex(o, low >> 48, 3);
    generator_put(o, "-", 1);
    put_hex(o, low, 12);
    generator_put(o, "\"", 1);
    end(row);
}

static void spell_pin(const struct gen *g, const struct gen_fact *f,
                      struct gen_row *row)
{
    put_int(row, "index", f->n);
    spell_uuid(f, row);
    spell_title(f, row);
    spell_description(f, row);
    spell_poster(g, f, row);
    spell_followers(f, row);
    spell_tags(f, row);
    put_text(row, "is_image_or_video", f->kind->media);
    spell_image(f, row);
    put_int(row, "downloaded", f->kind->no_image ? 0 : 1);
    begin(row, "save_location");
    generator_puts(&row->out, "\"Local save in /data/");
    generator_puts(&row->out, generator_categories[f->category]);
    generator_put(&row->out, "\"", 1);
    end(row);
    put_text(row, "category", generator_categories[f->category]);
}

static void spell_geo(const struct gen_fact *f, struct gen_row *row)
{
    put_int(row, "ind", f->n);
    put_time(row, "timestamp", f->posted_s);
    put_e6(row, "latitude", f->person.latitude_e6);
    put_e6(row, "longitude", f->person.longitude_e6);
    put_text(row, "country", generator_countries[f->person.country]);
}

/* Squares of draws make the first names of a list more common. */
static void spell_name(const struct gen_fact *f, struct gen_row *row)
{
    uint64_t x = gen_draw(f->person.key, D_NAME);
    uint64_t y = gen_draw(f->person.key, D_NAME_2);
    struct gen_out *o = &row->out;

    begin(row, "first_name");
    generator_put(o, "\"", 1);
    if (gen_pick(x, 100) < 30) {
        put_word(o, generator_first, WORDS_FIRST, rand_mix(x));
    } else {
        put_word(o, generator_stems, WORDS_STEMS, rand_mix(x));
        put_word(o, generator_name_ends, WORDS_NAME_ENDS, rand_mix(x + 1));
    }
    generator_put(o, "\"", 1);
    end(row);
    begin(row, "last_name");
    generator_put(o, "\"", 1);
    put_word(o, generator_last, WORDS_LAST,
             y < rand_mix(y + 1) ? y : rand_mix(y + 1));
    put_word(o, generator_last_ends, WORDS_LAST_ENDS, rand_mix(y));
    generator_put(o, "\"", 1);
    end(row);
}

void generator_spell(const struct gen *g, const struct gen_fact *f,
                     enum gen_table table, struct gen_row *ret)
{
    ret->fields = 0;
    ret->out = (struct gen_out){ret->text, 0, sizeof(ret->text)};
    if (table == GEN_PIN) {
        spell_pin(g, f, ret);
    } else if (table == GEN_GEO) {
        spell_geo(f, ret);
    } else {
        put_int(ret, "ind", f->n);
        spell_name(f, ret);
        put_int(ret, "age", f->person.age);
        put_time(ret, "date_joined", f->person.joined_s);
    }
}

int generator_compose(const struct gen_row *row, struct buf *b, struct err *e)
{
    struct gen_out o;

    if (buf_reserve(b, row->out.len + row->fields * 32 + 2, e) != 0) {
        return -1;
    }
    o = (struct gen_out){b->ptr, b->len, b->cap};
    for (size_t i = 0; i < row->fields; i++) {
        const struct gen_field *f = &row->field[i];

        generator_put(&o, i == 0 ? "{\"" : ",\"", 2);
        generator_puts(&o, f->key);
        generator_put(&o, "\":", 2);
        generator_put(&o, row->text + f->start, f->len);
    }
    generator_put(&o, "}", 1);
    b->len = o.len;
    return 0;
}
