#include "cli/tidy.h"

#include <inttypes.h>

#include "core/num.h"
#include "flow/catalog.h"
#include "flow/tidy.h"

bool tidy_asked(const struct args *a)
{
    return args_has(a, "compact") || args_has(a, "vacuum");
}

static int read_words(const struct args *a, struct tidy_conf *ret,
                      struct err *e)
{
    const char *retain = args_text(a, "retain", NULL);

    *ret = (struct tidy_conf){.compact = args_has(a, "compact"),
                              .vacuum = args_has(a, "vacuum"),
                              .retain_us = TIDY_RETAIN_US,
                              .dry = args_has(a, "dry-run")};
    if (retain != NULL && !num_duration_us(slice_of(retain), &ret->retain_us)) {
        return err_set(e, ERR_INVALID,
                       "--retain \"%s\" is no duration, as 168h is", retain);
    }
    if (ret->dry && ret->compact) {
        return err_set(e, ERR_INVALID, "--dry-run goes with --vacuum only");
    }
    if (ret->vacuum && ret->retain_us < TIDY_RETAIN_US &&
        !args_has(a, "force")) {
        return err_set(e, ERR_INVALID,
                       "readers of older versions lose files that were "
                       "needed less than 7 days ago; say --force if there "
                       "are none");
    }
    return 0;
}

static void print(struct cli *c, const char *table,
                  const struct tidy_conf *conf, const struct tidy_result *r)
{
    if (c->quiet) {
        return;
    }
    if (conf->compact) {
        (void)fprintf(c->out,
                      "%s: %" PRId64 " small files became %" PRId64 "\n", table,
                      r->compacted, r->made);
    }
    if (conf->vacuum) {
        (void)fprintf(c->out, "%s: %" PRId64 " files, %.1f MB %s\n", table,
                      r->deleted, (double)r->freed / 1e6,
                      conf->dry ? "would be deleted" : "deleted");
    }
    if (r->entries > 0) {
        (void)fprintf(c->out, "%s: %" PRId64 " old log entries deleted\n",
                      table, r->entries);
    }
}

int tidy_tables(struct cli *c, const struct args *a, struct workspace *w,
                struct err *e)
{
    struct tidy_conf conf;

    if (read_words(a, &conf, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < w->spec->ntables; i++) {
        const char *name = w->spec->tables[i].name;
        const char *dir = catalog_table_dir(&w->project, name, e);
        struct tidy_result done;

        conf.store = dir != NULL ? project_store(&w->project, dir, e) : NULL;
        if (conf.store == NULL) {
            return -1;
        }
        if (tidy_table(dir, &conf, &done, e) < 0) {
            if (e->code != ERR_NOTFOUND) {
                return err_wrap(e, "table \"%s\"", name);
            }
            continue;
        }
        print(c, name, &conf, &done);
    }
    return 0;
}
