#include "cli/cmd_int.h"

extern const struct cmd cmd_version;

static int run(struct cli *c, const struct args *a, struct err *e)
{
    (void)a;
    (void)e;
    (void)fputs("pinline " PINLINE_VERSION "\n", c->out);
    return 0;
}

const struct cmd cmd_version = {
    .name = "version",
    .summary = "Show the version",
    .about = "Prints the program's name and version, as --version does.",
    .run = run,
};
