#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cmd_int.h"
#include "cli/help.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/progress.h"
#include "core/secret.h"
#include "core/stop.h"
#include "core/text.h"
#include "db/login.h"

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_DATA = 3,
    EXIT_CONNECT = 4,
    EXIT_SIGNAL = 128,
    PLAIN_WIDTH = 100,
    SETS_MAX = 1000,
    HELP_MAX = 1 << 20
};

static int exit_code(enum err_code code)
{
    switch (code) {
    case ERR_NONE:
        return EXIT_DONE;
    case ERR_INVALID:
        return EXIT_USAGE;
    case ERR_DATA:
        return EXIT_DATA;
    case ERR_CONNECT:
        return EXIT_CONNECT;
    case ERR_INTERRUPTED:
        return EXIT_SIGNAL + (stop_signal() != 0 ? stop_signal() : SIGINT);
    case ERR_MALFORMED:
    case ERR_LIMIT:
    case ERR_UNAVAILABLE:
    case ERR_NOTFOUND:
    case ERR_EXISTS:
    case ERR_DENIED:
    case ERR_FENCED:
    case ERR_CORRUPT:
    case ERR_NOMEM:
    case ERR_BUSY:
    case ERR_CONFLICT:
    case ERR_IO:
    case ERR_TIMEOUT:
    default:
        return EXIT_FAILED;
    }
}

static int terminal_width(void)
{
    struct winsize w;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 40) {
        return w.ws_col;
    }
    return PLAIN_WIDTH;
}

/* The global options, given before or behind the command. */
static void apply(struct cli *c, const struct args *a)
{
    enum log_level level = args_has(a, "quiet")     ? LOG_WARN
                           : args_has(a, "verbose") ? LOG_DEBUG
                                                    : LOG_INFO;
    const char *none = getenv("NO_COLOR");

    c->config = args_text(a, "config", NULL);
    c->data = args_text(a, "data", NULL);
    c->quiet = args_has(a, "quiet");
    c->colour = isatty(STDOUT_FILENO) && (none == NULL || none[0] == '\0');
    c->width = terminal_width();
    c->out = stdout;
    c->err = stderr;
    c->deaf_journal = !log_setup(
        level, (enum log_format)args_int(a, "log-format", LOG_AS_TEXT),
        STDERR_FILENO);
    progress_quiet(c->quiet);
}

static int collect_sets(struct cli *c, const struct args *a, const char ***ret,
                        struct err *e)
{
    const char **list = mem_zero(a->n_values + 1, sizeof(*list));
    const char *text;
    size_t at = 0;

    if (list == NULL) {
        return err_nomem(e, a->n_values * sizeof(*list));
    }
    while ((text = args_next(a, "set", &at)) != NULL) {
        list[c->n_sets++] = text;
    }
    c->sets = list;
    *ret = list;
    return 0;
}

static int print_help(struct cli *c, const struct cmd *cmd, struct err *e)
{
    struct buf b;
    int rc;

    buf_init(&b, HELP_MAX);
    rc = cmd != NULL ? help_command(cmd, &b, e) : help_overview(&b, e);
    if (rc == 0) {
        (void)fwrite(b.ptr, 1, b.len, c->out);
    }
    buf_release(&b);
    return rc;
}

/* synopsis: of the words, as help has it; at least one where min is not 0. */
static int check_words(const struct args *a, const char *what,
                       const char *synopsis, unsigned min, unsigned max,
                       struct err *e)
{
    if (a->n_words < min) {
        return err_set(e, ERR_INVALID, "%s needs %s", what, synopsis);
    }
    if (a->n_words > max) {
        return err_set(e, ERR_INVALID, "%s does not take \"%s\"", what,
                       a->words[max]);
    }
    return 0;
}

static int run_verb(struct cli *c, const struct cmd *cmd, const struct args *a,
                    struct err *e)
{
    const char *names[64];
    const char *near;
    size_t n = 0;

    if (a->n_words == 0 && cmd->run != NULL) {
        return cmd->run(c, a, e);
    }
    if (a->n_words == 0) {
        return err_set(e, ERR_INVALID,
                       "\"%s\" needs a word that says what to do; see "
                       "`pinline help %s`",
                       cmd->name, cmd->name);
    }
    for (; cmd->verbs[n].name != NULL; n++) {
        const struct cmd_verb *v = &cmd->verbs[n];

        if (strcmp(v->name, a->words[0]) == 0) {
            struct args rest = *a;

            rest.words++;
            rest.n_words--;
            if (check_words(&rest, v->name, v->args, v->min_words, v->max_words,
                            e) < 0) {
                return -1;
            }
            return v->run(c, &rest, e);
        }
        assert(n < ARRAY_LEN(names));
        names[n] = v->name;
    }
    near = text_nearest(slice_of(a->words[0]), names, n);
    if (near == NULL) {
        return err_set(e, ERR_INVALID,
                       "\"%s %s\" is not known; `pinline help %s` lists what "
                       "it can do",
                       cmd->name, a->words[0], cmd->name);
    }
    return err_set(e, ERR_INVALID,
                   "\"%s %s\" is not known; did you mean \"%s\"?", cmd->name,
                   a->words[0], near);
}

static int run_command(struct cli *c, const struct cmd *cmd,
                       const struct args *a, struct err *e)
{
    const char **sets = NULL;
    int rc;

    apply(c, a);
    if (c->deaf_journal) {
        LOG(LOG_WARN, LOG_MSG("no journal listens at "
                              "/run/systemd/journal/socket: logging as text"));
    }
    if (args_has(a, "help")) {
        return print_help(c, cmd, e);
    }
    if (cmd->verbs == NULL &&
        check_words(a, cmd->name, cmd->args, cmd->min_words, cmd->max_words,
                    e) < 0) {
        return -1;
    }
    if (collect_sets(c, a, &sets, e) < 0) {
        return -1;
    }
    rc = cmd->verbs != NULL ? run_verb(c, cmd, a, e) : cmd->run(c, a, e);
    mem_free(sets);
    return rc;
}

/* Every user of a machine can read the arguments of its programs. */
static int no_passwords(int argc, char **argv, struct err *e)
{
    for (int i = 0; i < argc; i++) {
        if (login_shows_password(argv[i])) {
            return err_set(e, ERR_INVALID,
                           "a url in the command line holds a password, and "
                           "every user of this machine could read it; leave "
                           "it out and write HOST, USER and PASSWORD into "
                           "db_creds.yaml or .env (chmod 600), or set "
                           "PINLINE_DB_PASSWORD");
        }
    }
    return 0;
}

/* argv without the program's name, the command's name taken out of it. */
static int dispatch(struct cli *c, const struct cmd **ret_cmd, int argc,
                    char **argv, struct err *e)
{
    const struct opt_table *only_globals[2] = {&cmd_globals, NULL};
    const struct opt_table *both[2] = {NULL, &cmd_globals};
    struct args a = {.n_words = 0};
    int at = 0;
    int rc;

    if (no_passwords(argc, argv, e) < 0 ||
        args_parse(&a, only_globals, argc, argv, &at, e) < 0) {
        return -1;
    }
    apply(c, &a);
    if (args_has(&a, "version")) {
        (void)fputs("pinline " PINLINE_VERSION "\n", c->out);
        args_release(&a);
        return 0;
    }
    if (args_has(&a, "help") || at == argc) {
        rc = print_help(c, NULL, e);
        args_release(&a);
        return rc;
    }
    args_release(&a);
    *ret_cmd = cmd_find(slice_of(argv[at]), e);
    if (*ret_cmd == NULL) {
        return -1;
    }
    for (int i = at; i + 1 < argc; i++) {
        argv[i] = argv[i + 1];
    }
    both[0] = &(*ret_cmd)->opts;
    if (args_parse(&a, both, argc - 1, argv, NULL, e) < 0) {
        return -1;
    }
    rc = run_command(c, *ret_cmd, &a, e);
    args_release(&a);
    return rc;
}

/* Bytes that could not be written are a failure, but for a reader that has
 * seen enough. */
static int check_output(struct cli *c, int rc, struct err *e)
{
    int failed = fflush(c->out) != 0 || ferror(c->out);

    if (!failed || rc < 0) {
        return rc;
    }
    if (errno == EPIPE) {
        e->msg[0] = '\0';
        e->code = ERR_IO;
        return -1;
    }
    return err_set(e, ERR_IO, "could not write to standard output: %s",
                   strerror(errno));
}

int cli_main(int argc, char **argv)
{
    struct cli c = {.out = stdout, .err = stderr};
    const struct cmd *cmd = NULL;
    struct err e = {0};
    int rc;

    secret_no_core_dumps();
    stop_install();
    rc = dispatch(&c, &cmd, argc > 0 ? argc - 1 : 0, argv + (argc > 0), &e);
    rc = check_output(&c, rc, &e);
    if (rc == 0) {
        return EXIT_DONE;
    }
    if (e.msg[0] != '\0') {
        (void)fprintf(stderr, "pinline%s%s: %s\n", cmd != NULL ? " " : "",
                      cmd != NULL ? cmd->name : "", e.msg);
    }
    return exit_code(e.code);
}
