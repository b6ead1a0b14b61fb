#include "record/guess.h"

#include <string.h>

#include "record/decode.h"
#include "record/split.h"

enum {
    LOOK_AT_MAX = 16 /* messages of a file */
};

int guess_name(const struct guess *g, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct slice name = slice_of(slash ? slash + 1 : path);
    int best = -1;
    size_t best_len = 0;

    for (size_t i = 0; i < g->ntables; i++) {
        struct slice table = slice_of(g->tables[i].name);

        if (table.len > best_len && slice_starts(name, table)) {
            best = (int)i;
            best_len = table.len;
        }
    }
    return best;
}

static bool has_column(const struct guess_table *t, struct slice name)
{
    for (size_t i = 0; i < t->ncolumns; i++) {
        if (slice_is(name, t->columns[i])) {
            return true;
        }
    }
    return false;
}

/* Members of the object that the table knows. */
static size_t score(const struct guess_table *t, yyjson_val *object)
{
    size_t n = 0;
    size_t i;
    size_t max;
    yyjson_val *k;
    yyjson_val *v;

    yyjson_obj_foreach(object, i, max, k, v)
    {
        (void)v;
        n += has_column(t, (struct slice){unsafe_yyjson_get_str(k),
                                          unsafe_yyjson_get_len(k)})
                 ? 1
                 : 0;
    }
    return n;
}

int guess_message(const struct guess *g, struct decoder *d,
                  struct slice message, int *ret, struct err *e)
{
    struct decode_result r;
    size_t best = 0;
    int found = -1;

    if (decoder_decode(d, message, true, &r, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < r.n && found < 0; i++) {
        best = 0;
        for (size_t t = 0; r.records[i].object != NULL && t < g->ntables; t++) {
            size_t n = score(&g->tables[t], r.records[i].object);

            if (n > best) {
                best = n;
                found = (int)t;
            } else if (n == best) {
                found = -1;
            }
        }
    }
    *ret = found;
    return 0;
}

int guess_file(const struct guess *g, const char *path, int *ret, struct err *e)
{
    struct decoder *d = NULL;
    struct split *s = NULL;
    struct split_message m;
    int found = -1;
    int rc = -1;

    if (decoder_new(&d, g->keys, g->nkeys, e) < 0 ||
        split_open(&s, path, &(struct split_conf){.name = NULL}, e) < 0) {
        goto out;
    }
    for (int i = 0; i < LOOK_AT_MAX && found < 0; i++) {
        rc = split_next(s, &m, e);
        if (rc == 0) {
            break;
        }
        if (rc < 0 || guess_message(g, d, m.bytes, &found, e) < 0) {
            rc = -1;
            goto out;
        }
    }
    *ret = found >= 0 ? found : guess_name(g, path);
    rc = 0;
out:
    split_free(s);
    decoder_free(d);
    return rc;
}
