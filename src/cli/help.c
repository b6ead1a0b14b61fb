#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "core/text.h"

enum {
    WIDTH = 80,
    NAME_COLUMN = 28, /* where an option's help begins */
    CMD_COLUMN = 14,
    NAME_BYTES = 100
};

void help_option_name(const struct opt *o, char *text, size_t cap)
{
    char letter[8] = "    ";

    if (o->letter != 0) {
        (void)snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    }
    (void)snprintf(text, cap, "%s--%s%s%s%s", letter, o->name,
                   o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "",
                   o->many ? "..." : "");
}

/* NAME in its column, then the text wrapped beside it. */
static int two_columns(struct buf *b, const char *name, const char *text,
                       size_t column, struct err *e)
{
    char lead[NAME_COLUMN + 1];
    size_t start;
    size_t skip = column;

    assert(column < sizeof(lead));
    memset(lead, ' ', column);
    lead[column] = '\0';
    if (buf_putf(b, e, "  %s", name) < 0) {
        return -1;
    }
    if (2 + strlen(name) + 2 > column) {
        skip = 0;
        if (buf_putc(b, '\n', e) < 0) {
            return -1;
        }
    } else if (buf_putf(b, e, "%*s", (int)(column - 2 - strlen(name)), "") <
               0) {
        return -1;
    }
    start = b->len;
    if (text_wrap(b, lead, text, WIDTH, e) < 0) {
        return -1;
    }
    /* the first line's lead is already there */
    memmove(b->ptr + start, b->ptr + start + skip, b->len - start - skip);
    b->len -= skip;
    return 0;
}

static int print_options(struct buf *b, const struct opt_table *t,
                         struct err *e)
{
    for (size_t i = 0; i < t->n; i++) {
        char name[NAME_BYTES];

        help_option_name(&t->opts[i], name, sizeof(name));
        if (two_columns(b, name, t->opts[i].help, NAME_COLUMN, e) < 0) {
            return -1;
        }
    }
    return 0;
}

int help_synopsis(const struct cmd *c, const char *lead, struct buf *b,
                  struct err *e)
{
    const char *options = c->opts.n > 0 ? " [OPTIONS]" : "";

    if (c->run != NULL && buf_putf(b, e, "%spinline %s%s%s%s\n", lead, c->name,
                                   options, c->args != NULL ? " " : "",
                                   c->args != NULL ? c->args : "") < 0) {
        return -1;
    }
    for (const struct cmd_verb *v = c->verbs; v != NULL && v->name != NULL;
         v++) {
        if (buf_putf(b, e, "%spinline %s %s%s%s%s\n", lead, c->name, v->name,
                     options, v->args != NULL ? " " : "",
                     v->args != NULL ? v->args : "") < 0) {
            return -1;
        }
    }
    return 0;
}

int help_overview(struct buf *b, struct err *e)
{
    if (buf_puts(b,
                 "pinline - rows over HTTP into durable topics, cleaned "
                 "tables and answers\n\n"
                 "Usage: pinline [OPTIONS] COMMAND [ARGS]\n\nCommands:\n",
                 e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < cmd_count; i++) {
        if (two_columns(b, cmd_list[i]->name, cmd_list[i]->summary, CMD_COLUMN,
                        e) < 0) {
            return -1;
        }
    }
    if (buf_puts(b, "\nOptions of every command:\n", e) < 0 ||
        print_options(b, &cmd_globals, e) < 0) {
        return -1;
    }
    return buf_puts(b,
                    "\nExit codes: 0 done, 1 failed, 2 usage or "
                    "configuration, 3 the data broke a\nlimit, 4 a far side "
                    "could not be reached, 130 interrupted.\n"
                    "`pinline help COMMAND` says more.\n",
                    e);
}

static int print_about(struct buf *b, const char *about, struct err *e)
{
    while (about != NULL && *about != '\0') {
        const char *end = strstr(about, "\n\n");
        size_t n = end != NULL ? (size_t)(end - about) : strlen(about);
        char part[4096];

        (void)snprintf(part, sizeof(part), "%.*s", (int)n, about);
        if (text_wrap(b, "", part, WIDTH, e) < 0 || buf_putc(b, '\n', e) < 0) {
            return -1;
        }
        about = end != NULL ? end + 2 : NULL;
    }
    return 0;
}

static int print_verbs(struct buf *b, const struct cmd *c, struct err *e)
{
    if (c->verbs == NULL) {
        return 0;
    }
    if (buf_puts(b, "What it can do:\n", e) < 0) {
        return -1;
    }
    for (const struct cmd_verb *v = c->verbs; v->name != NULL; v++) {
        if (two_columns(b, v->name, v->summary, CMD_COLUMN, e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, '\n', e);
}

/* Each line, moved in by two columns. */
static int print_examples(struct buf *b, const char *text, struct err *e)
{
    struct slice rest = slice_of(text);
    bool more = rest.len > 0;

    if (buf_puts(b, "\nExamples:\n", e) < 0) {
        return -1;
    }
    while (more) {
        struct slice line;

        more = slice_cut(&rest, '\n', &line);
        if (line.len > 0 && buf_putf(b, e, "  %.*s\n", SLICE_FMT(line)) < 0) {
            return -1;
        }
    }
    return 0;
}

int help_command(const struct cmd *c, struct buf *b, struct err *e)
{
    if (buf_putf(b, e, "%s\n\nUsage:\n", c->summary) < 0 ||
        help_synopsis(c, "  ", b, e) < 0 || buf_putc(b, '\n', e) < 0 ||
        print_about(b, c->about, e) < 0 || print_verbs(b, c, e) < 0) {
        return -1;
    }
    if (c->opts.n > 0 &&
        (buf_puts(b, "Options:\n", e) < 0 ||
         print_options(b, &c->opts, e) < 0 || buf_putc(b, '\n', e) < 0)) {
        return -1;
    }
    if (buf_puts(b, "Options of every command:\n", e) < 0 ||
        print_options(b, &cmd_globals, e) < 0) {
        return -1;
    }
    return c->examples != NULL ? print_examples(b, c->examples, e) : 0;
}
