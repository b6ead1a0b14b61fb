/*
 * opt.h - options from a table: parsed, checked, asked for by name.
 *
 * `--name value`, `--name=value`, `-x value`, `-xvalue`, `-qv`; `--` ends
 * options; what is no option is a word, before or behind options.  Parsed
 * texts are borrowed from argv.
 */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include "core/err.h"
#include "core/slice.h"

enum opt_kind {
    OPT_FLAG,     /* takes no value */
    OPT_TEXT,     /* any text that is not empty */
    OPT_INT,      /* min..max; both 0: 0..INT64_MAX */
    OPT_DOUBLE,   /* a share: 0..1 when max is 1 */
    OPT_BYTES,    /* 64kB, 256MB */
    OPT_DURATION, /* 500ms, 10s */
    OPT_CHOICE,   /* one of choices */
};

struct opt {
    const char *name; /* long, without dashes */
    char letter;      /* short; 0: none */
    enum opt_kind kind;
    const char *arg;  /* how help calls its value: "DIR"; NULL for a flag */
    const char *help; /* one sentence, no full stop at its end */
    bool repeat;      /* may be given more than once */
    bool many;        /* takes all words up to the next option */
    int64_t min, max;
    const char *const *choices; /* ended by NULL */
};

struct opt_value {
    const struct opt *opt;
    const char *text; /* NULL for a flag */
    int64_t number;   /* INT, BYTES, DURATION (us), CHOICE (the index) */
    double real;      /* DOUBLE */
};

struct opt_table {
    const struct opt *opts;
    size_t n;
};

/* What was given: options in order, and words.  The arrays are its own. */
struct args {
    const struct opt_table *tables[2];
    struct opt_value *values;
    size_t n_values;
    const char **words;
    size_t n_words;
};

/* Parse argv[0..argc) (no program name) by up to two tables (the second may
 * be NULL).  ERR_INVALID with the nearest known option.  With `first_word`
 * it stops before the first word and gives its index (argc when none). */
int args_parse(struct args *a, const struct opt_table *tables[2], int argc,
               char **argv, int *first_word, struct err *e) MUST_USE;
void args_release(struct args *a);

/* By long name, which one of the tables holds (asserted).  Of an option given
 * more than once the last counts, but for args_next(). */
bool args_has(const struct args *a, const char *name);
const char *args_text(const struct args *a, const char *name,
                      const char *otherwise);
int64_t args_int(const struct args *a, const char *name, int64_t otherwise);
double args_double(const struct args *a, const char *name, double otherwise);
/* Every text of a repeated option: start with *at = 0; NULL at the end. */
const char *args_next(const struct args *a, const char *name, size_t *at);

#endif
