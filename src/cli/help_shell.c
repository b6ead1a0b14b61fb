#include "cli/help.h"

#include <string.h>

static int words(struct buf *b, const struct opt_table *t, struct err *e)
{
    for (size_t i = 0; i < t->n; i++) {
        if (buf_putf(b, e, " --%s", t->opts[i].name) < 0) {
            return -1;
        }
        if (t->opts[i].letter != 0 &&
            buf_putf(b, e, " -%c", t->opts[i].letter) < 0) {
            return -1;
        }
    }
    return 0;
}

static int verbs(struct buf *b, const struct cmd *c, struct err *e)
{
    for (const struct cmd_verb *v = c->verbs; v != NULL && v->name != NULL;
         v++) {
        if (buf_putf(b, e, " %s", v->name) < 0) {
            return -1;
        }
    }
    return 0;
}

static int choices(struct buf *b, const struct opt *o, struct err *e)
{
    for (size_t i = 0; o->choices[i] != NULL; i++) {
        if (buf_putf(b, e, "%s%s", i > 0 ? " " : "", o->choices[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

/* "CMD:--option) words='a b c' ;;" for each option that has choices. */
static int bash_choices(struct buf *b, const struct cmd *c, struct err *e)
{
    const struct opt_table *t = c != NULL ? &c->opts : &cmd_globals;

    for (size_t i = 0; i < t->n; i++) {
        if (t->opts[i].kind != OPT_CHOICE) {
            continue;
        }
        if (buf_putf(b, e, "    %s:--%s) words='", c != NULL ? c->name : "*",
                     t->opts[i].name) < 0 ||
            choices(b, &t->opts[i], e) < 0 || buf_puts(b, "' ;;\n", e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int bash_commands(struct buf *b, struct err *e)
{
    for (size_t i = 0; i < cmd_count; i++) {
        const struct cmd *c = cmd_list[i];

        if (buf_putf(b, e, "    %s:*) words=\"$words", c->name) < 0 ||
            verbs(b, c, e) < 0 || words(b, &c->opts, e) < 0 ||
            buf_puts(b, "\" ;;\n", e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Also for zsh, which runs bash's completions through bashcompinit. */
static int bash(struct buf *b, struct err *e)
{
    if (buf_puts(b,
                 "_pinline() {\n"
                 "  local cur=${COMP_WORDS[COMP_CWORD]} cmd='' words='' i\n"
                 "  local prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                 "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                 "    case ${COMP_WORDS[i]} in\n"
                 "    -*) ;;\n"
                 "    *) cmd=${COMP_WORDS[i]}; break ;;\n"
                 "    esac\n"
                 "  done\n"
                 "  words='",
                 e) < 0 ||
        words(b, &cmd_globals, e) < 0 ||
        buf_puts(b, "'\n  case $cmd:$prev in\n", e) < 0 ||
        bash_choices(b, NULL, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < cmd_count; i++) {
        if (bash_choices(b, cmd_list[i], e) < 0) {
            return -1;
        }
    }
    if (buf_puts(b, "    :*) words=\"$words", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < cmd_count; i++) {
        if (buf_putf(b, e, " %s", cmd_list[i]->name) < 0) {
            return -1;
        }
    }
    if (buf_puts(b, "\" ;;\n", e) < 0 || bash_commands(b, e) < 0) {
        return -1;
    }
    return buf_puts(b,
                    "  esac\n"
                    "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                    "  [ ${#COMPREPLY[@]} -gt 0 ] || "
                    "COMPREPLY=($(compgen -f -- \"$cur\"))\n"
                    "}\n"
                    "complete -F _pinline pinline\n",
                    e);
}

static int zsh(struct buf *b, struct err *e)
{
    if (buf_puts(b,
                 "#compdef pinline\nautoload -U +X bashcompinit && "
                 "bashcompinit\n",
                 e) < 0) {
        return -1;
    }
    return bash(b, e);
}

/* In single quotes, which fish lets be escaped. */
static int fish_quoted(struct buf *b, const char *text, struct err *e)
{
    if (buf_putc(b, '\'', e) < 0) {
        return -1;
    }
    for (; *text != '\0'; text++) {
        if (((*text == '\'' || *text == '\\') && buf_putc(b, '\\', e) < 0) ||
            buf_putc(b, *text, e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, '\'', e);
}

static int fish_options(struct buf *b, const char *when,
                        const struct opt_table *t, struct err *e)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct opt *o = &t->opts[i];

        if (buf_putf(b, e, "complete -c pinline%s -l %s", when, o->name) < 0 ||
            (o->letter != 0 && buf_putf(b, e, " -s %c", o->letter) < 0) ||
            (o->kind != OPT_FLAG && buf_puts(b, " -r", e) < 0)) {
            return -1;
        }
        if (o->kind == OPT_CHOICE &&
            (buf_puts(b, " -f -a '", e) < 0 || choices(b, o, e) < 0 ||
             buf_putc(b, '\'', e) < 0)) {
            return -1;
        }
        if (buf_puts(b, " -d ", e) < 0 || fish_quoted(b, o->help, e) < 0 ||
            buf_putc(b, '\n', e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int fish_command(struct buf *b, const struct cmd *c, struct err *e)
{
    char when[100] = " -n '__fish_seen_subcommand_from ";
    size_t n = strlen(when);

    if (buf_putf(b, e,
                 "complete -c pinline -f -n __fish_use_subcommand -a %s -d ",
                 c->name) < 0 ||
        fish_quoted(b, c->summary, e) < 0 || buf_putc(b, '\n', e) < 0) {
        return -1;
    }
    (void)snprintf(when + n, sizeof(when) - n, "%s'", c->name);
    for (const struct cmd_verb *v = c->verbs; v != NULL && v->name != NULL;
         v++) {
        if (buf_putf(b, e, "complete -c pinline -f%s -a %s -d ", when,
                     v->name) < 0 ||
            fish_quoted(b, v->summary, e) < 0 || buf_putc(b, '\n', e) < 0) {
            return -1;
        }
    }
    return fish_options(b, when, &c->opts, e);
}

static int fish(struct buf *b, struct err *e)
{
    if (fish_options(b, "", &cmd_globals, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < cmd_count; i++) {
        if (fish_command(b, cmd_list[i], e) < 0) {
            return -1;
        }
    }
    return 0;
}

int help_completion(enum help_shell shell, struct buf *b, struct err *e)
{
    switch (shell) {
    case HELP_FISH:
        return fish(b, e);
    case HELP_ZSH:
        return zsh(b, e);
    case HELP_BASH:
    default:
        return bash(b, e);
    }
}
