#include "flow/fetch.h"

#include <stdio.h>
#include <string.h>

#include "core/fs.h"

struct fetch {
    struct store *store;
    const char *folder;
    int64_t objects;
    struct err *e;
    int rc;
};

/* One object into its place below the folder. */
static int copy(struct fetch *f, const char *key)
{
    char path[FS_PATH_MAX];
    char *slash;

    if (fs_join(path, f->folder, key, f->e) < 0) {
        return -1;
    }
    slash = strrchr(path, '/');
    *slash = '\0';
    if (fs_make_folders(path, f->e) < 0) {
        return -1;
    }
    *slash = '/';
    f->objects++;
    return store_get_file(f->store, key, path, f->e);
}

static bool copy_listed(void *arg, const struct store_object *o)
{
    struct fetch *f = arg;

    f->rc = copy(f, o->key);
    return f->rc == 0;
}

/* "s3://bucket/a/b.json" as the object b.json below s3://bucket/a. */
static int fetch_one(struct project *p, const char *url, struct fetch *f)
{
    const char *slash = strrchr(url, '/');
    const struct store_conf *conf;
    const char *parent;
    struct err why = {0};
    int rc = 0;

    if (slash[1] == '\0' || slash < strstr(url, "//") + 3) {
        return 0;
    }
    parent = arena_printf(&p->arena, f->e, "%.*s", (int)(slash - url), url);
    conf = parent == NULL ? NULL : project_store(p, parent, f->e);
    if (conf == NULL || store_open(&f->store, conf, f->e) < 0) {
        return -1;
    }
    if (store_stat(f->store, slash + 1, &(struct store_object){0}, &why) == 0) {
        rc = copy(f, slash + 1);
    } else if (why.code != ERR_NOTFOUND) {
        *f->e = why;
        rc = -1;
    }
    store_close(f->store);
    f->store = NULL;
    return rc;
}

int flow_fetch(struct project *p, const char *url, const char *folder,
               int64_t *ret_objects, struct err *e)
{
    const struct store_conf *conf = project_store(p, url, e);
    struct fetch f = {.folder = folder, .e = e};
    int rc;

    if (conf == NULL || fs_make_folders(folder, e) < 0 ||
        store_open(&f.store, conf, e) < 0) {
        return -1;
    }
    rc = store_list(f.store, "", NULL, copy_listed, &f, e);
    store_close(f.store);
    f.store = NULL;
    if (rc < 0 || f.rc < 0 || (f.objects == 0 && fetch_one(p, url, &f) < 0)) {
        return err_wrap(e, "input \"%s\"", url);
    }
    if (f.objects == 0) {
        return err_set(e, ERR_INVALID, "there is no object below \"%s\"", url);
    }
    *ret_objects = f.objects;
    return 0;
}
