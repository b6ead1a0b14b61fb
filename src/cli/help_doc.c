#include "cli/help.h"

#include <string.h>

/* roff wants its dashes and backslashes escaped, and no line to begin with a
 * dot or quote. */
static int put_roff(struct buf *b, const char *text, struct err *e)
{
    bool line_start = true;

    for (; *text != '\0'; text++) {
        const char *more = NULL;

        if (*text == '-') {
            more = "\\-";
        } else if (*text == '\\') {
            more = "\\e";
        } else if (line_start && *text == '.') {
            more = "\\&.";
        } else if (line_start && *text == '\'') {
            more = "\\&'";
        }
        if ((more != NULL ? buf_puts(b, more, e) : buf_putc(b, *text, e)) < 0) {
            return -1;
        }
        line_start = *text == '\n';
    }
    return 0;
}

static int roff_options(struct buf *b, const char *title,
                        const struct opt_table *t, struct err *e)
{
    if (t->n == 0) {
        return 0;
    }
    if (buf_putf(b, e, ".SH %s\n", title) < 0) {
        return -1;
    }
    for (size_t i = 0; i < t->n; i++) {
        const struct opt *o = &t->opts[i];

        if (buf_puts(b, ".TP\n\\fB", e) < 0) {
            return -1;
        }
        if (o->letter != 0 &&
            buf_putf(b, e, "\\-%c\\fR, \\fB", o->letter) < 0) {
            return -1;
        }
        if (buf_puts(b, "\\-\\-", e) < 0 || put_roff(b, o->name, e) < 0 ||
            buf_puts(b, "\\fR", e) < 0) {
            return -1;
        }
        if (o->arg != NULL &&
            buf_putf(b, e, " \\fI%s\\fR%s", o->arg, o->many ? "..." : "") < 0) {
            return -1;
        }
        if (buf_putc(b, '\n', e) < 0 || put_roff(b, o->help, e) < 0 ||
            buf_puts(b, ".\n", e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int roff_paragraphs(struct buf *b, const char *text, struct err *e)
{
    while (text != NULL && *text != '\0') {
        const char *end = strstr(text, "\n\n");
        size_t n = end != NULL ? (size_t)(end - text) : strlen(text);
        struct buf part;
        const char *p;
        int rc = -1;

        buf_init(&part, 65536);
        if (buf_append(&part, (struct slice){text, n}, e) == 0 &&
            buf_text(&part, &p, e) == 0 && buf_puts(b, ".PP\n", e) == 0 &&
            put_roff(b, p, e) == 0) {
            rc = buf_putc(b, '\n', e);
        }
        buf_release(&part);
        if (rc < 0) {
            return -1;
        }
        text = end != NULL ? end + 2 : NULL;
    }
    return 0;
}

static int roff_verbs(struct buf *b, const struct cmd *c, struct err *e)
{
    if (c->verbs == NULL) {
        return 0;
    }
    for (const struct cmd_verb *v = c->verbs; v->name != NULL; v++) {
        if (buf_putf(b, e, ".TP\n\\fB%s\\fR %s\n", v->name,
                     v->args != NULL ? v->args : "") < 0 ||
            put_roff(b, v->summary, e) < 0 || buf_puts(b, ".\n", e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int roff_examples(struct buf *b, const char *text, struct err *e)
{
    if (text == NULL) {
        return 0;
    }
    if (buf_puts(b, ".SH EXAMPLES\n.nf\n", e) < 0 || put_roff(b, text, e) < 0) {
        return -1;
    }
    return buf_puts(b, ".fi\n", e);
}

static int roff_tail(struct buf *b, struct err *e)
{
    return buf_puts(
        b,
        ".SH EXIT STATUS\n"
        "0 done, 1 failed, 2 usage or configuration, 3 the data broke a "
        "limit, 4 a far side could not be reached, 130 interrupted.\n",
        e);
}

static int man_overview(struct buf *b, struct err *e)
{
    if (buf_puts(b,
                 ".TH PINLINE 1 \"\" \"pinline\" \"pinline\"\n.SH NAME\n"
                 "pinline \\- rows over HTTP into durable topics, cleaned "
                 "tables and answers\n.SH SYNOPSIS\npinline [OPTIONS] "
                 "COMMAND [ARGS]\n.SH COMMANDS\n",
                 e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < cmd_count; i++) {
        if (buf_putf(b, e, ".TP\n\\fB%s\\fR\n", cmd_list[i]->name) < 0 ||
            put_roff(b, cmd_list[i]->summary, e) < 0 ||
            buf_putf(b, e, "; see \\fBpinline\\-%s\\fR(1).\n",
                     cmd_list[i]->name) < 0) {
            return -1;
        }
    }
    if (roff_options(b, "OPTIONS", &cmd_globals, e) < 0) {
        return -1;
    }
    return roff_tail(b, e);
}

int help_man(const struct cmd *c, struct buf *b, struct err *e)
{
    if (c == NULL) {
        return man_overview(b, e);
    }
    if (buf_puts(b, ".TH PINLINE\\-", e) < 0) {
        return -1;
    }
    for (const char *p = c->name; *p != '\0'; p++) {
        if (buf_putc(b, *p == '-' ? *p : (char)(*p - 'a' + 'A'), e) < 0) {
            return -1;
        }
    }
    if (buf_putf(b, e,
                 " 1 \"\" \"pinline\" \"pinline\"\n.SH NAME\npinline\\-%s \\- ",
                 c->name) < 0 ||
        put_roff(b, c->summary, e) < 0 ||
        buf_puts(b, "\n.SH SYNOPSIS\n.nf\n", e) < 0 ||
        help_synopsis(c, "", b, e) < 0 ||
        buf_puts(b, ".fi\n.SH DESCRIPTION\n", e) < 0 ||
        roff_paragraphs(b, c->about, e) < 0 || roff_verbs(b, c, e) < 0 ||
        roff_options(b, "OPTIONS", &c->opts, e) < 0 ||
        roff_options(b, "OPTIONS OF EVERY COMMAND", &cmd_globals, e) < 0 ||
        roff_examples(b, c->examples, e) < 0) {
        return -1;
    }
    return roff_tail(b, e);
}

static int put_cell(struct buf *b, const char *text, struct err *e)
{
    for (; *text != '\0'; text++) {
        if ((*text == '|' && buf_putc(b, '\\', e) < 0) ||
            buf_putc(b, *text, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int md_options(struct buf *b, const struct opt_table *t, struct err *e)
{
    if (t->n == 0) {
        return 0;
    }
    if (buf_puts(b, "| option | meaning |\n|---|---|\n", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < t->n; i++) {
        const struct opt *o = &t->opts[i];
        char letter[8] = {0};

        if (o->letter != 0) {
            memcpy(letter, "-x, ", 4);
            letter[1] = o->letter;
        }
        if (buf_putf(b, e, "| `%s--%s%s", letter, o->name,
                     o->arg != NULL ? " " : "") < 0 ||
            put_cell(b, o->arg != NULL ? o->arg : "", e) < 0 ||
            buf_putf(b, e, "%s` | ", o->many ? "..." : "") < 0 ||
            put_cell(b, o->help, e) < 0 || buf_puts(b, " |\n", e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, '\n', e);
}

static int md_command(struct buf *b, const struct cmd *c, struct err *e)
{
    if (buf_putf(b, e, "## %s\n\n%s.\n\n```\n", c->name, c->summary) < 0 ||
        help_synopsis(c, "", b, e) < 0 ||
        buf_putf(b, e, "```\n\n%s\n\n", c->about != NULL ? c->about : "") < 0) {
        return -1;
    }
    if (c->verbs != NULL) {
        if (buf_puts(b, "| word | does |\n|---|---|\n", e) < 0) {
            return -1;
        }
        for (const struct cmd_verb *v = c->verbs; v->name != NULL; v++) {
            if (buf_putf(b, e, "| `%s` | ", v->name) < 0 ||
                put_cell(b, v->summary, e) < 0 || buf_puts(b, " |\n", e) < 0) {
                return -1;
            }
        }
        if (buf_putc(b, '\n', e) < 0) {
            return -1;
        }
    }
    if (md_options(b, &c->opts, e) < 0) {
        return -1;
    }
    return c->examples != NULL ? buf_putf(b, e, "```\n%s```\n\n", c->examples)
                               : 0;
}

int help_reference(struct buf *b, struct err *e)
{
    if (buf_puts(b,
                 "# Commands\n\nWritten by `pinline help --reference`; do "
                 "not edit.\n\n`pinline [OPTIONS] COMMAND [ARGS]`. Exit "
                 "codes: 0 done, 1 failed, 2 usage or\nconfiguration, 3 the "
                 "data broke a limit, 4 a far side could not be reached,\n130 "
                 "interrupted.\n\nOptions of every command:\n\n",
                 e) < 0 ||
        md_options(b, &cmd_globals, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < cmd_count; i++) {
        if (md_command(b, cmd_list[i], e) < 0) {
            return -1;
        }
    }
    b->len -= b->len > 0; /* one line feed at the end is enough */
    return 0;
}
