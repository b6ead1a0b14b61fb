#include "flow/tidy.h"

#include "lake/delta_at.h"
#include "lake/delta_tidy.h"

static int tidy(struct delta *t, const char *url, const struct tidy_conf *c,
                struct tidy_result *ret, struct err *e)
{
    struct delta_tidied done;

    if (delta_prop(t, "pinline.pipeline") == NULL) {
        return err_set(e, ERR_DENIED,
                       "table \"%s\" was not made by pinline; its own writer "
                       "keeps it",
                       url);
    }
    if (c->compact) {
        if (delta_compact(t, TIDY_SMALL_BYTES, c->least, &done, e) < 0) {
            return -1;
        }
        ret->compacted = done.files;
        ret->made = done.made;
    }
    if (c->vacuum) {
        if (delta_vacuum(t, c->retain_us, c->dry, &done, e) < 0) {
            return -1;
        }
        ret->deleted = done.files;
        ret->freed = done.bytes;
        if (!c->dry) {
            if (delta_clean_log(t, &done, e) < 0) {
                return -1;
            }
            ret->entries = done.files;
        }
    }
    return 0;
}

int tidy_table(const char *url, const struct tidy_conf *conf,
               struct tidy_result *ret, struct err *e)
{
    struct duck_conf duck = {.threads = conf->threads};
    struct delta *t = NULL;
    struct duck *d = NULL;
    int rc = -1;

    *ret = (struct tidy_result){0};
    if (conf->threads > 0 && duck_open(&d, &duck, e) < 0) {
        return -1;
    }
    if (delta_open_at(&t, url, conf->store, d, e) == 0) {
        rc = tidy(t, url, conf, ret, e);
    }
    delta_close(t);
    duck_close(d);
    return rc;
}
