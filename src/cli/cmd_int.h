/*
 * cmd_int.h - what a command is.  One command a file, cmd_<name>.c, and one
 * row in cmd.c; help, man page, completion and reference are printed from it.
 *
 *     static const struct opt opts[] = {
 *         {.name = "rows", .kind = OPT_INT, .arg = "N", .help = "How many"},
 *         {.name = "dry-run", .kind = OPT_FLAG, .help = "Write nothing"},
 *     };
 *     static int run(struct cli *c, const struct args *a, struct err *e)
 *     {
 *         int64_t rows = args_int(a, "rows", 500);
 *         if (rows > 10 && !args_has(a, "dry-run")) {
 *             return err_set(e, ERR_DATA, "%" PRId64 " rows are many", rows);
 *         }
 *         (void)fprintf(c->out, "%" PRId64 "\n", rows);
 *         return 0;
 *     }
 *     const struct cmd cmd_example = {
 *         .name = "example", .summary = "Print a number",
 *         .args = "[WORD...]", .max_words = CMD_ANY, .run = run,
 *         .opts = {opts, ARRAY_LEN(opts)},
 *         .about = "A paragraph.\n\nAnother.",
 *         .examples = "pinline example --rows 3\n  What it shows",
 *     };
 *
 * Then add it to cmd.c (sorted), meson.build, and run tools/make-docs.
 * Errors: ERR_INVALID is exit code 2, ERR_DATA 3, ERR_CONNECT 4,
 * ERR_INTERRUPTED 130, all others 1.  Rows go out through cli/table.h.
 */
#ifndef CLI_CMD_INT_H
#define CLI_CMD_INT_H

#include <stdio.h>

#include "cli/opt.h"

enum {
    CMD_ANY = 1000000
};

/* What every command is given; good until it returns. */
struct cli {
    const char *config;      /* -C; NULL: ./pinline.yaml when it exists */
    const char *data;        /* --data; NULL: as configured */
    const char *const *sets; /* --set key=value */
    size_t n_sets;
    bool deaf_journal; /* it was wanted, and none listens */
    bool quiet;
    bool colour; /* stdout is a terminal and NO_COLOR is not set */
    int width;   /* columns of the terminal, else 100 */
    FILE *out;   /* stdout; checked for errors by cli.c */
    FILE *err;   /* stderr: progress and remarks */
};

/* The first word of a command that has several: `topics list`. */
struct cmd_verb {
    const char *name;
    const char *args;              /* synopsis of its words, or NULL */
    const char *summary;           /* no full stop */
    unsigned min_words, max_words; /* behind the verb */
    /* a->words begins behind the verb */
    int (*run)(struct cli *c, const struct args *a, struct err *e);
};

struct cmd {
    const char *name;
    const char *summary; /* one line, no full stop */
    const char *args;    /* "FILE...", or NULL */
    const char *about;   /* paragraphs, parted by an empty line */
    /* "COMMAND\n  what it does\n" pairs; may be NULL */
    const char *examples;
    struct opt_table opts;
    /* ended by a NULL name; or NULL.  With `run` too: what is done when no
     * word is given */
    const struct cmd_verb *verbs;
    unsigned min_words, max_words;
    int (*run)(struct cli *c, const struct args *a, struct err *e);
};

/* All commands, sorted by name. */
extern const struct cmd *const cmd_list[];
extern const size_t cmd_count;
/* The options that every command takes. */
extern const struct opt_table cmd_globals;

/* NULL, with the nearest name in *e, when there is none. */
const struct cmd *cmd_find(struct slice name, struct err *e);

#endif
