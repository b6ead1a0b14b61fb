/*
 * help.h - the command table in words: for the terminal, as man pages, as a
 * reference page, as shell completion.  All of it is pure text in a buffer.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/cmd_int.h"
#include "core/buf.h"

/* `pinline help`: what there is. */
int help_overview(struct buf *b, struct err *e) MUST_USE;
/* `pinline help CMD`. */
int help_command(const struct cmd *c, struct buf *b, struct err *e) MUST_USE;
/* "pinline CMD [OPTIONS] ARGS", one line a verb, each ended by LF. */
int help_synopsis(const struct cmd *c, const char *lead, struct buf *b,
                  struct err *e) MUST_USE;
/* roff; NULL: pinline(1) itself. */
int help_man(const struct cmd *c, struct buf *b, struct err *e) MUST_USE;
/* docs/reference/cli.md */
int help_reference(struct buf *b, struct err *e) MUST_USE;

enum help_shell {
    HELP_BASH,
    HELP_FISH,
    HELP_ZSH,
};
int help_completion(enum help_shell shell, struct buf *b,
                    struct err *e) MUST_USE;

/* "-o, --out FILE" */
void help_option_name(const struct opt *o, char *text, size_t cap);

#endif
