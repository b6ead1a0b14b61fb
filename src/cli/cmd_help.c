#include "cli/cmd_int.h"
#include "cli/help.h"
#include "flow/project.h"

extern const struct cmd cmd_help;

enum {
    PAGE_MAX = 4 << 20
};

static const char *const shells[] = {"bash", "fish", "zsh", NULL};

static int print_settings(struct buf *b, struct err *e)
{
    if (buf_puts(b,
                 "# Settings\n\nWritten by `pinline help --settings`; do "
                 "not edit.\n\nA setting is given in `pinline.yaml` (a dot "
                 "nests), in the environment as\n`PINLINE_` with the name in "
                 "capitals, dots as `_`, or by `--set NAME=VALUE`; what\n"
                 "comes later in this list wins.\n\n",
                 e) < 0) {
        return -1;
    }
    return conf_print_markdown(project_settings(), b, e);
}

static int print(const struct args *a, const struct cmd *cmd, struct buf *b,
                 struct err *e)
{
    if (args_has(a, "completion")) {
        return help_completion((enum help_shell)args_int(a, "completion", 0), b,
                               e);
    }
    if (args_has(a, "reference")) {
        return help_reference(b, e);
    }
    if (args_has(a, "settings")) {
        return print_settings(b, e);
    }
    if (args_has(a, "man")) {
        return help_man(cmd, b, e);
    }
    return cmd != NULL ? help_command(cmd, b, e) : help_overview(b, e);
}

static int run(struct cli *c, const struct args *a, struct err *e)
{
    const struct cmd *cmd = NULL;
    struct buf b;
    int rc;

    if (a->n_words > 0) {
        cmd = cmd_find(slice_of(a->words[0]), e);
        if (cmd == NULL) {
            return -1;
        }
    }
    buf_init(&b, PAGE_MAX);
    rc = print(a, cmd, &b, e);
    if (rc == 0) {
        (void)fwrite(b.ptr, 1, b.len, c->out);
    }
    buf_release(&b);
    return rc;
}

static const struct opt opts[] = {
    {.name = "completion",
     .kind = OPT_CHOICE,
     .arg = "SHELL",
     .choices = shells,
     .help = "Print completion for bash, fish or zsh"},
    {.name = "man", .kind = OPT_FLAG, .help = "Print the man page as roff"},
    {.name = "reference",
     .kind = OPT_FLAG,
     .help = "Print the reference of all commands as Markdown"},
    {.name = "settings",
     .kind = OPT_FLAG,
     .help = "Print the reference of all settings as Markdown"},
};

const struct cmd cmd_help = {
    .name = "help",
    .summary = "Show what a command does and takes",
    .args = "[COMMAND]",
    .max_words = 1,
    .opts = {opts, ARRAY_LEN(opts)},
    .about = "Without a command it lists them all. Help, man pages, the "
             "reference and shell completion are printed from one table, so "
             "they always agree with what the program takes.",
    .examples = "pinline help run\n"
                "  What `run` takes\n"
                "pinline help --man run | man -l -\n"
                "  Its man page\n"
                "eval \"$(pinline help --completion bash)\"\n"
                "  Completion in this shell\n",
    .run = run,
};
