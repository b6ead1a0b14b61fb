#include "flow/tables.h"

#include <stdio.h>
#include <string.h>

#include "core/fs.h"

static int add_one(struct engine *g, const char *dir, const char *name,
                   bool *ret_any, struct err *e)
{
    char path[FS_PATH_MAX];
    char log[FS_PATH_MAX];
    char view[256];
    int n = snprintf(view, sizeof(view), "clean_%.*s", (int)strcspn(name, "/"),
                     name);

    if (n < 0 || (size_t)n >= sizeof(view) ||
        fs_join(path, dir, view + 6, e) < 0 ||
        fs_join(log, path, "_delta_log", e) < 0) {
        return -1;
    }
    if (!fs_is_folder(log)) {
        return 0;
    }
    *ret_any = true;
    return engine_add_delta(g, view, path, e);
}

int tables_add(struct engine *g, const char *dir, struct err *e)
{
    struct fs_names names = {0};
    bool any = false;
    int rc = 0;

    if (fs_is_folder(dir)) {
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
