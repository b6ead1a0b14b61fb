#include "flow/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

enum {
    NAMES_MAX = 256 << 20 /* bytes of the names of fetched objects */
};

struct fetch {
    struct store *store;
    const char *folder;
    const char *url;
    int64_t objects;
    /* Told where each one is, or NULL. */
    int (*copied)(void *arg, const char *url, const char *key, const char *path,
                  struct err *e);
    void *arg;
    struct err *e;
    int rc;
};

/* One object into its place below the folder. */
static int copy(struct fetch *f, const char *key)
{
    char path[FS_PATH_MAX];
    char *slash;

    /* "../x" must not lead out of the folder */
    if (store_check_key(f->store, key, f->e) < 0 ||
        fs_join(path, f->folder, key, f->e) < 0) {
        return -1;
    }
    slash = strrchr(path, '/');
    *slash = '\0';
    if (fs_make_folders(path, f->e) < 0) {
        return -1;
    }
    *slash = '/';
    f->objects++;
    if (store_get_file(f->store, key, path, f->e) < 0) {
        return -1;
    }
    return f->copied != NULL ? f->copied(f->arg, f->url, key, path, f->e) : 0;
}

static bool copy_listed(void *arg, const struct store_object *o)
{
    struct fetch *f = arg;
    size_t n = strlen(o->key);

    if (n > 0 && o->key[n - 1] == '/') {
        return true; /* made by a console, to look like a folder */
    }
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
    f->url = parent;
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

static int fetch_all(struct project *p, struct fetch *f, struct err *e)
{
    const char *url = f->url;
    const struct store_conf *conf = project_store(p, url, e);
    int rc;

    f->e = e;
    if (conf == NULL || fs_make_folders(f->folder, e) < 0 ||
        store_open(&f->store, conf, e) < 0) {
        return -1;
    }
    rc = store_list(f->store, "", NULL, copy_listed, f, e);
    store_close(f->store);
    f->store = NULL;
    if (rc < 0 || f->rc < 0 || (f->objects == 0 && fetch_one(p, url, f) < 0)) {
        return err_wrap(e, "input \"%s\"", url);
    }
    return f->objects > 0 ? 0
                          : err_set(e, ERR_INVALID,
                                    "there is no object below \"%s\"", url);
}

int flow_fetch(struct project *p, const char *url, const char *folder,
               int64_t *ret_objects, struct err *e)
{
    struct fetch f = {.folder = folder, .url = url};

    if (fetch_all(p, &f, e) < 0) {
        return -1;
    }
    *ret_objects = f.objects;
    return 0;
}

/* --- words as files ------------------------------------------------------------- */

static int add(struct flow_fetched *f, const char *path, const char *name,
               struct err *e)
{
    if (f->n == f->cap) {
        size_t cap = f->cap * 2 + 16;
        const char **more = mem_resize(f->paths, cap, sizeof(*more));

        if (more == NULL) {
            return err_nomem(e, cap * sizeof(*more));
        }
        f->paths = more;
        more = mem_resize(f->names, cap, sizeof(*more));
        if (more == NULL) {
            return err_nomem(e, cap * sizeof(*more));
        }
        f->names = more;
        f->cap = cap;
    }
    f->paths[f->n] = path;
    f->names[f->n++] = name;
    return 0;
}

static int add_copied(void *arg, const char *url, const char *key,
                      const char *path, struct err *e)
{
    struct flow_fetched *f = arg;
    size_t n = strlen(url);
    const char *kept = arena_printf(&f->arena, e, "%s", path);
    const char *name = kept == NULL
                           ? NULL
                           : arena_printf(&f->arena, e, "%s%s%s", url,
                                          url[n - 1] == '/' ? "" : "/", key);

    return name == NULL ? -1 : add(f, kept, name, e);
}

static int make_folder(struct flow_fetched *f, struct err *e)
{
    const char *base = getenv("TMPDIR");
    int n;

    if (f->folder[0] != '\0') {
        return 0;
    }
    n = snprintf(f->folder, sizeof(f->folder), "%s/pinline-fetch.XXXXXX",
                 base != NULL && base[0] != '\0' ? base : "/tmp");
    if (n < 0 || (size_t)n >= sizeof(f->folder) || mkdtemp(f->folder) == NULL) {
        err_set(e, ERR_IO, "could not make a folder \"%s\"", f->folder);
        f->folder[0] = '\0';
        return -1;
    }
    return 0;
}

static int open_word(struct flow_fetched *f, struct project *p,
                     const char *word, struct err *e)
{
    struct fetch one = {.url = word, .copied = add_copied, .arg = f};

    if (!store_url_is_remote(word)) {
        return add(f, word, word, e);
    }
    if (make_folder(f, e) < 0) {
        return -1;
    }
    one.folder = arena_printf(&f->arena, e, "%s/%zu", f->folder, f->n);
    return one.folder == NULL ? -1 : fetch_all(p, &one, e);
}

int flow_fetched_open(struct flow_fetched *f, struct project *p,
                      const char *const *words, size_t n, struct err *e)
{
    *f = (struct flow_fetched){0};
    arena_init(&f->arena, NAMES_MAX);
    for (size_t i = 0; i < n; i++) {
        if (open_word(f, p, words[i], e) < 0) {
            flow_fetched_close(f);
            return -1;
        }
    }
    return 0;
}

void flow_fetched_close(struct flow_fetched *f)
{
    struct err ignored; /* copies only */

    if (f->folder[0] != '\0' && fs_remove(f->folder, &ignored) < 0) {
        f->folder[0] = '\0';
    }
    mem_free(f->paths);
    mem_free(f->names);
    arena_release(&f->arena);
    *f = (struct flow_fetched){0};
}
