#include <string.h>

#include "cli/cmd_int.h"
#include "core/embed.h"
#include "core/fs.h"
#include "flow/project.h"

extern const struct cmd cmd_init;
extern const struct embed_file flow_pipelines[];
extern const struct embed_file flow_analyses[];

enum {
    FILE_BYTES = 1 << 20
};

static const struct opt opts[] = {
    {.name = "dry-run",
     .kind = OPT_FLAG,
     .help = "Only say what would be made"},
    {.name = "with-answers",
     .kind = OPT_FLAG,
     .help = "Also the fifteen questions as .sql files, to change or add to"},
};

static const char ignored[] = "# credentials and data never go into a "
                              "repository\ndb_creds.yaml\nlocal_db_creds.yaml\n"
                              ".env\npinline-data/\n";

struct maker {
    struct cli *cli;
    const char *dir;
    bool dry;
};

/* A file that is there stays as it is. */
static int make(const struct maker *m, const char *name, struct slice text,
                struct err *e)
{
    char path[FS_PATH_MAX];

    if (fs_join(path, m->dir, name, e) < 0) {
        return -1;
    }
    if (fs_exists(path)) {
        (void)fprintf(m->cli->out, "  kept     %s\n", path);
        return 0;
    }
    (void)fprintf(m->cli->out, "  %s  %s\n", m->dry ? "would be" : "made   ",
                  path);
    return m->dry ? 0 : fs_publish(path, text, e);
}

static int make_all(const struct maker *m, const struct embed_file *table,
                    const char *folder, struct err *e)
{
    char path[FS_PATH_MAX];

    if (!m->dry && (fs_join(path, m->dir, folder, e) < 0 ||
                    fs_make_folders(path, e) < 0)) {
        return -1;
    }
    for (; table->name != NULL; table++) {
        struct slice text = {(const char *)table->bytes, table->len};

        if (fs_join(path, folder, table->name, e) < 0 ||
            make(m, path, text, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int make_settings(const struct maker *m, struct err *e)
{
    struct buf b;
    int rc = -1;

    buf_init(&b, FILE_BYTES);
    if (buf_puts(&b,
                 "# pinline.yaml - what this project does; every line that is "
                 "commented out shows the default.\n"
                 "# `pinline check` tries it out.\n\n"
                 "spec: pipelines/pinterest.yaml\n\n",
                 e) == 0 &&
        conf_print_yaml(project_settings(), &b, e) == 0) {
        rc = make(m, "pinline.yaml", buf_slice(&b), e);
    }
    buf_release(&b);
    return rc;
}

static int run(struct cli *c, const struct args *a, struct err *e)
{
    struct maker m = {c, a->n_words > 0 ? a->words[0] : ".",
                      args_has(a, "dry-run")};

    if (!m.dry && fs_make_folders(m.dir, e) < 0) {
        return -1;
    }
    if (make_settings(&m, e) < 0 ||
        make(&m, ".gitignore", slice_of(ignored), e) < 0 ||
        make_all(&m, flow_pipelines, "pipelines", e) < 0) {
        return -1;
    }
    if (args_has(a, "with-answers") &&
        make_all(&m, flow_analyses, "analyses", e) < 0) {
        return -1;
    }
    if (a->n_words > 0) {
        (void)fprintf(c->out, "\n  Next     cd %s && pinline run\n", m.dir);
    } else {
        (void)fprintf(c->out, "\n  Next     pinline run\n");
    }
    return 0;
}

const struct cmd cmd_init = {
    .name = "init",
    .summary = "Write a project directory to start from",
    .args = "[DIR]",
    .about = "Writes a commented pinline.yaml, the cleaning spec, and a "
             ".gitignore that keeps credentials and data out of the repository "
             "into DIR (here, when none is given). Files that are there stay "
             "as they are.",
    .examples = "pinline init pins\n  A project in the folder pins\n",
    .opts = {opts, ARRAY_LEN(opts)},
    .max_words = 1,
    .run = run,
};
