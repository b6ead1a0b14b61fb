#include "flow/tables.h"

#include <stdio.h>
#include <string.h>

#include "core/fs.h"
#include "store/store.h"

static int add_view(struct engine *g, const char *dir, const char *name,
                    struct err *e)
{
    char path[FS_PATH_MAX];
    char view[256];
    int n = snprintf(view, sizeof(view), "clean_%s", name);

    if (n < 0 || (size_t)n >= sizeof(view)) {
        return err_set(e, ERR_LIMIT,
                       "the table's name \"%.60s...\" is too long", name);
    }
    return fs_join(path, dir, name, e) < 0 ? -1
                                           : engine_add_delta(g, view, path, e);
}

static int add_one(struct engine *g, const char *dir, const char *name,
                   bool *ret_any, struct err *e)
{
    char path[FS_PATH_MAX];
    char log[FS_PATH_MAX];
    char only[256];
    int n = snprintf(only, sizeof(only), "%.*s", (int)strcspn(name, "/"), name);

    if (n < 0 || (size_t)n >= sizeof(only)) {
        return 0; /* no table of ours */
    }
    if (fs_join(path, dir, only, e) < 0 ||
        fs_join(log, path, "_delta_log", e) < 0) {
        return -1;
    }
    if (!fs_is_folder(log)) {
        return 0;
    }
    *ret_any = true;
    return add_view(g, dir, only, e);
}

/* The first key behind another, cut at its first '/'. */
struct next {
    char name[STORE_KEY_MAX + 1];
    bool found;
};

static bool first_key(void *arg, const struct store_object *o)
{
    struct next *n = arg;

    (void)snprintf(n->name, sizeof(n->name), "%.*s", (int)strcspn(o->key, "/"),
                   o->key);
    n->found = true;
    return false;
}

/* Every part of the store below which there is a log. */
static int add_remote(struct engine *g, struct store *s, const char *url,
                      bool *ret_any, struct err *e)
{
    char after[STORE_KEY_MAX + 1] = "";
    char log[FS_PATH_MAX];
    struct next n = {.found = true};
    struct next l;

    while (true) {
        n.found = false;
        if (store_list(s, "", after[0] != '\0' ? after : NULL, first_key, &n,
                       e) < 0) {
            return -1;
        }
        if (!n.found) {
            return 0;
        }
        l.found = false;
        if (fs_join(log, n.name, "_delta_log/", e) < 0 ||
            store_list(s, log, NULL, first_key, &l, e) < 0) {
            return -1;
        }
        if (l.found) {
            *ret_any = true;
            if (add_view(g, url, n.name, e) < 0) {
                return -1;
            }
        }
        /* '0' comes right behind '/' */
        (void)snprintf(after, sizeof(after), "%.*s0", STORE_KEY_MAX - 1,
                       n.name);
    }
}

static int add_store(struct engine *g, const char *url,
                     const struct store_conf *where, bool *ret_any,
                     struct err *e)
{
    struct store_conf conf = where != NULL ? *where : (struct store_conf){0};
    struct store *s;
    int rc;

    conf.url = url;
    if (store_open(&s, &conf, e) < 0) {
        return -1;
    }
    rc = add_remote(g, s, url, ret_any, e);
    store_close(s);
    return rc;
}

int tables_add(struct engine *g, const char *dir,
               const struct store_conf *where, struct err *e)
{
    struct fs_names names = {0};
    bool any = false;
    int rc = 0;

    if (engine_owns_tables(g)) {
        return 0;
    }
    if (store_url_is_remote(dir)) {
        rc = add_store(g, dir, where, &any, e);
    } else if (fs_is_folder(dir)) {
        if (fs_names(dir, &names, e) < 0) {
            return -1;
        }
        for (size_t i = 0; i < names.n && rc == 0; i++) {
            rc = add_one(g, dir, names.names[i], &any, e);
        }
        fs_names_release(&names);
    }
    if (rc == 0 && !any) {
        return err_set(e, ERR_NOTFOUND,
                       "\"%s\" holds no cleaned tables; `pinline run` or "
                       "`pinline batch` makes them, --tables names another "
                       "folder",
                       dir);
    }
    return rc;
}
