#include "clean/trial.h"
#include "cli/workspace.h"
#include "core/fs.h"
#include "flow/catalog.h"

extern const struct cmd cmd_check;

enum {
    TEXT_MAX = 4 << 20
};

static int show(struct cli *c, const struct faults *f, struct err *e)
{
    struct buf b;
    int rc;

    buf_init(&b, TEXT_MAX);
    rc = faults_print(f, &b, e);
    if (rc == 0) {
        (void)fwrite(b.ptr, 1, b.len, c->err);
    }
    buf_release(&b);
    return rc;
}

static int run(struct cli *c, const struct args *a, struct err *e)
{
    struct workspace w;
    struct faults faults;
    struct buf text;
    size_t passed = 0;
    int rc = -1;

    (void)a;
    if (workspace_load(&w, c, NULL, 0, e) != 0) {
        return -1;
    }
    faults_init(&faults);
    buf_init(&text, TEXT_MAX);
    if (catalog_spec_text(&w.project, &text, e) != 0 ||
        trial_run(w.spec, buf_slice(&text), &faults, &passed, e) != 0 ||
        show(c, &faults, e) != 0) {
        goto out;
    }
    (void)fprintf(c->out, "%s: %zu tables, %zu of %zu tests passed\n",
                  w.spec->file, w.spec->ntables, passed, w.spec->ntests);
    rc = faults.count == 0 ? 0
                           : err_set(e, ERR_INVALID, "%zu tests of \"%s\" fail",
                                     w.spec->ntests - passed, w.spec->file);
out:
    buf_release(&text);
    faults_release(&faults);
    workspace_close(&w);
    return rc;
}

const struct cmd cmd_check = {
    .name = "check",
    .summary = "Try the configuration and the spec, and run the spec's tests",
    .about = "Reads the configuration and the cleaning spec, shows every fault "
             "at once with file, line and the nearest known word, and runs the "
             "cases under tests: of the spec.",
    .examples = "pinline check\n  The project in this folder\n"
                "pinline check --set spec=mine.yaml\n  Another spec\n",
    .run = run,
};
