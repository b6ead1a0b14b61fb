/*
 * dir.c - a folder as a store: a key is a path below it.
 *
 * Objects appear by rename, or, when they must be new, by link.  Names that
 * begin with a dot and hold ".tmp." are what a writer has not finished.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/mem.h"
#include "store/store_ops.h"

enum {
    COPY_BYTES = 1 << 16,
    DEPTH_MAX = 32 /* folders in folders */
};

struct dir {
    char path[FS_PATH_MAX];
};

static int dir_open(void **store, const char *rest,
                    const struct store_conf *conf, struct err *e)
{
    size_t n = strlen(rest);
    struct dir *d;

    (void)conf;
    if (n == 0 || n > FS_PATH_MAX - STORE_KEY_MAX - 64) {
        return err_set(e, ERR_INVALID, "path \"%.80s\" is empty or too long",
                       rest);
    }
    d = mem_zero(1, sizeof(*d));
    if (d == NULL) {
        return err_nomem(e, sizeof(*d));
    }
    while (n > 1 && rest[n - 1] == '/') {
        n--;
    }
    memcpy(d->path, rest, n);
    *store = d;
    return 0;
}

static void dir_close(void *store)
{
    mem_free(store);
}

static const char *dir_folder(const void *store)
{
    const struct dir *d = store;

    return d->path;
}

/* The path of a key, and the folders above it made. */
static int target(const struct dir *d, const char *key, char path[FS_PATH_MAX],
                  struct err *e)
{
    char *slash;
    int rc = 0;

    if (fs_join(path, d->path, key, e) < 0) {
        return -1;
    }
    slash = strrchr(path, '/');
    *slash = '\0';
    if (!fs_is_folder(path)) {
        rc = fs_make_folders(path, e);
    }
    *slash = '/';
    return rc;
}

static int dir_put(void *store, const char *key, struct slice bytes,
                   enum store_put_mode mode, struct err *e)
{
    char path[FS_PATH_MAX];

    if (target(store, key, path, e) < 0) {
        return -1;
    }
    return mode == STORE_IF_ABSENT ? fs_publish_new(path, bytes, e)
                                   : fs_publish(path, bytes, e);
}

static int copy_bytes(int from, int to, const char *from_path,
                      const char *to_path, struct err *e)
{
    char *bytes = mem_resize(NULL, COPY_BYTES, 1);
    ssize_t n = 1;
    int rc = 0;

    if (bytes == NULL) {
        return err_nomem(e, COPY_BYTES);
    }
    while (rc == 0 && n != 0) {
        n = read(from, bytes, COPY_BYTES);
        if (n > 0) {
            rc = fs_write_all(to, (struct slice){bytes, (size_t)n}, to_path, e);
        } else if (n < 0 && errno != EINTR) {
            rc = err_set(e, ERR_IO, "could not read file \"%s\": %s", from_path,
                         strerror(errno));
        }
    }
    mem_free(bytes);
    return rc < 0 ? -1 : fs_sync(to, to_path, e);
}

/* A synced copy under a temporary name beside `to`. */
static int copy(const char *from, const char *to, char tmp[FS_PATH_MAX],
                struct err *e)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = -1;
    int rc = -1;

    if (in < 0) {
        return err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO,
                       "could not open file \"%s\": %s", from, strerror(errno));
    }
    if (fs_temporary(to, tmp, e) < 0) {
        goto out;
    }
    out = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out < 0) {
        err_set(e, errno == EACCES ? ERR_DENIED : ERR_IO,
                "could not create file \"%s\": %s", tmp, strerror(errno));
        goto out;
    }
    rc = copy_bytes(in, out, from, tmp, e);
    if (rc < 0) {
        (void)unlink(tmp);
    }
out:
    if (out >= 0) {
        (void)close(out);
    }
    (void)close(in);
    return rc;
}

static int publish_new(const char *tmp, const char *path, struct err *e)
{
    int rc = link(tmp, path);
    int why = errno;
    char dir[FS_PATH_MAX];

    (void)unlink(tmp);
    if (rc < 0) {
        return err_set(e, why == EEXIST ? ERR_EXISTS : ERR_IO,
                       "could not publish file \"%s\": %s", path,
                       strerror(why));
    }
    (void)snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path),
                   path);
    return fs_sync_folder(dir, e);
}

static int dir_put_file(void *store, const char *key, const char *from,
                        enum store_put_mode mode, struct err *e)
{
    char path[FS_PATH_MAX];
    char tmp[FS_PATH_MAX];

    if (target(store, key, path, e) < 0 || copy(from, path, tmp, e) < 0) {
        return -1;
    }
    return mode == STORE_IF_ABSENT ? publish_new(tmp, path, e)
                                   : fs_publish_temporary(tmp, path, e);
}

static int dir_stat(void *store, const char *key, struct store_object *ret,
                    struct err *e)
{
    const struct dir *d = store;
    char path[FS_PATH_MAX];
    struct stat st;

    if (fs_join(path, d->path, key, e) < 0) {
        return -1;
    }
    if (stat(path, &st) < 0 && errno != ENOENT && errno != ENOTDIR) {
        return err_set(e, errno == EACCES ? ERR_DENIED : ERR_IO,
                       "could not look at \"%s\": %s", path, strerror(errno));
    }
    if (stat(path, &st) < 0 || S_ISDIR(st.st_mode)) {
        return err_set(e, ERR_NOTFOUND, "there is no file \"%s\"", path);
    }
    ret->bytes = (int64_t)st.st_size;
    ret->time_us =
        (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
    return 0;
}

static int dir_get(void *store, const char *key, struct buf *b, struct err *e)
{
    const struct dir *d = store;
    struct store_object o;
    char path[FS_PATH_MAX];

    if (dir_stat(store, key, &o, e) < 0 || fs_join(path, d->path, key, e) < 0) {
        return -1;
    }
    return fs_read(path, b, e);
}

static int dir_get_file(void *store, const char *key, const char *to,
                        struct err *e)
{
    const struct dir *d = store;
    struct store_object o;
    char path[FS_PATH_MAX];
    char tmp[FS_PATH_MAX];

    if (dir_stat(store, key, &o, e) < 0 || fs_join(path, d->path, key, e) < 0 ||
        copy(path, to, tmp, e) < 0) {
        return -1;
    }
    return fs_publish_temporary(tmp, to, e);
}

static int dir_erase(void *store, const char *key, struct err *e)
{
    const struct dir *d = store;
    char path[FS_PATH_MAX];

    if (fs_join(path, d->path, key, e) < 0) {
        return -1;
    }
    if (unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR &&
        errno != EISDIR) {
        return err_set(
            e, errno == EACCES || errno == EPERM ? ERR_DENIED : ERR_IO,
            "could not remove file \"%s\": %s", path, strerror(errno));
    }
    return 0;
}

/* --- lists ------------------------------------------------------------------ */

struct walk {
    struct dir *dir;
    const struct store_lister *l;
    struct store_object found;
    bool over;
};

static bool is_unfinished(const char *name)
{
    return name[0] == '.' && strstr(name, ".tmp.") != NULL;
}

/* Whether a folder ("a/b/") can hold a key that was asked for. */
static bool may_hold(const struct store_lister *l, const char *folder)
{
    size_t n = strlen(folder);
    size_t p = strlen(l->prefix);

    if (strncmp(folder, l->prefix, n < p ? n : p) != 0) {
        return false;
    }
    return l->after == NULL || strncmp(folder, l->after, n) >= 0;
}

static int walk_folder(struct walk *w, size_t at, int depth, struct err *e);

/* The key that ends at `end` in w->found.key: an object, or a folder. */
static int visit(struct walk *w, size_t end, int depth, struct err *e)
{
    struct store_object *o = &w->found;
    struct err why;

    if (o->key[end - 1] == '/') {
        return may_hold(w->l, o->key) ? walk_folder(w, end, depth + 1, e) : 0;
    }
    if (!store_lister_wants(w->l, o->key)) {
        return 0;
    }
    if (dir_stat(w->dir, o->key, o, &why) < 0) {
        if (why.code == ERR_NOTFOUND) { /* removed meanwhile */
            return 0;
        }
        if (e != NULL) {
            *e = why;
        }
        return -1;
    }
    w->over = !w->l->fn(w->l->arg, o);
    return 0;
}

/* The folder named by the first `at` bytes of w->found.key. */
static int walk_folder(struct walk *w, size_t at, int depth, struct err *e)
{
    char path[FS_PATH_MAX];
    struct fs_names names;
    struct err why;
    int rc = 0;

    if (depth > DEPTH_MAX) {
        return err_set(e, ERR_LIMIT, "\"%s\" has over %d folders in folders",
                       w->dir->path, DEPTH_MAX);
    }
    if (fs_join(path, w->dir->path, w->found.key, e) < 0) {
        return -1;
    }
    if (fs_names(path, &names, &why) < 0) {
        if (why.code == ERR_NOTFOUND) {
            return 0;
        }
        if (e != NULL) {
            *e = why;
        }
        return -1;
    }
    for (size_t i = 0; rc == 0 && i < names.n && !w->over; i++) {
        size_t n = strlen(names.names[i]);

        if (at + n > STORE_KEY_MAX || is_unfinished(names.names[i])) {
            continue;
        }
        memcpy(w->found.key + at, names.names[i], n + 1);
        rc = visit(w, at + n, depth, e);
    }
    fs_names_release(&names);
    return rc;
}

static int dir_list(void *store, const struct store_lister *l, struct err *e)
{
    struct walk w = {.dir = store, .l = l};
    const char *slash = strrchr(l->prefix, '/');
    size_t at = slash == NULL ? 0 : (size_t)(slash - l->prefix) + 1;

    if (at > STORE_KEY_MAX) {
        return 0;
    }
    memcpy(w.found.key, l->prefix, at);
    return walk_folder(&w, at, 0, e);
}

const struct store_ops store_dir = {
    .name = "folder",
    .help = "files below a folder",
    .open = dir_open,
    .put = dir_put,
    .put_file = dir_put_file,
    .get = dir_get,
    .get_file = dir_get_file,
    .stat = dir_stat,
    .erase = dir_erase,
    .list = dir_list,
    .folder = dir_folder,
    .close = dir_close,
};
