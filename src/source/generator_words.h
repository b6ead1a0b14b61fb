/*
 * generator_words.h - the words that generated rows are made of.
 *
 * Each text is as it stands between the quotes of JSON (escapes are JSON's).
 * Names of persons are ASCII letters only; no tag word holds a comma.
 */
#ifndef SOURCE_GENERATOR_WORDS_H
#define SOURCE_GENERATOR_WORDS_H

#include "source/generator_int.h"

enum {
    WORDS_NOUNS = 16, /* a category */
    WORDS_ADJECTIVES = 40,
    WORDS_OPENINGS = 16,
    WORDS_ENDINGS = 24,
    WORDS_SENTENCES = 24,
    WORDS_SCRIPTS = 12,
    WORDS_FIRST = 32,
    WORDS_STEMS = 20,
    WORDS_NAME_ENDS = 16,
    WORDS_LAST = 32,
    WORDS_LAST_ENDS = 30,
    WORDS_POSTERS = 16,
    WORDS_POSTER_ENDS = 8
};

struct words_mark {
    uint32_t per; /* of 100,000 titles */
    const char *text;
};

extern const char *const generator_nouns[GEN_CATEGORIES][WORDS_NOUNS];
extern const char *const generator_adjectives[WORDS_ADJECTIVES];
extern const char *const generator_openings[WORDS_OPENINGS];
extern const char *const generator_endings[WORDS_ENDINGS];
extern const char *const generator_sentences[WORDS_SENTENCES];
extern const char *const generator_scripts[WORDS_SCRIPTS];
extern const struct words_mark generator_marks[];
extern const char *const generator_first[WORDS_FIRST];
extern const char *const generator_stems[WORDS_STEMS];
extern const char *const generator_name_ends[WORDS_NAME_ENDS];
extern const char *const generator_last[WORDS_LAST];
extern const char *const generator_last_ends[WORDS_LAST_ENDS];
extern const char *const generator_posters[WORDS_POSTERS];
extern const char *const generator_poster_ends[WORDS_POSTER_ENDS];

#endif
