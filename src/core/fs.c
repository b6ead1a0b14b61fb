#include "core/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/rand.h"

enum {
    READ_STEP = 65536
};

static int fail(struct err *e, const char *what, const char *path)
{
    int err = errno;
    enum err_code code = ERR_IO;

    if (err == ENOENT || err == ENOTDIR) {
        code = ERR_NOTFOUND;
    } else if (err == EACCES || err == EPERM || err == EROFS) {
        code = ERR_DENIED;
    } else if (err == EEXIST) {
        code = ERR_EXISTS;
    }
    return err_set(e, code, "could not %s \"%s\": %s", what, path,
                   strerror(err));
}

int fs_read(const char *path, struct buf *b, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t before = b->len;
    struct stat st;
    int rc = -1;

    if (fd < 0) {
        return fail(e, "open file", path);
    }
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        err_set(e, ERR_INVALID, "\"%s\" is a folder, not a file", path);
        goto out;
    }
    for (;;) {
        size_t room = b->max - b->len;
        char one[1]; /* a full buffer may hold all of it */
        ssize_t n;

        room = room < READ_STEP ? room : READ_STEP;
        if (room > 0 && buf_reserve(b, room, e) < 0) {
            err_wrap(e, "file \"%s\"", path);
            goto out;
        }
        n = room > 0 ? read(fd, b->ptr + b->len, room) : read(fd, one, 1);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            fail(e, "read file", path);
            goto out;
        }
        if (n == 0) {
            break;
        }
        if (room == 0) {
            err_set(e, ERR_LIMIT, "file \"%s\" is over %zu bytes", path,
                    b->max - before);
            goto out;
        }
        b->len += (size_t)n;
    }
    rc = 0;
out:
    if (rc < 0) {
        b->len = before;
    }
    (void)close(fd);
    return rc;
}

int fs_write_all(int fd, struct slice bytes, const char *path, struct err *e)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail(e, "write file", path);
        }
        bytes = slice_from(bytes, (size_t)n);
    }
    return 0;
}

int fs_sync(int fd, const char *path, struct err *e)
{
    return fsync(fd) < 0 ? fail(e, "sync", path) : 0;
}

int fs_sync_folder(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc;

    if (fd < 0) {
        return fail(e, "open folder", path);
    }
    rc = fs_sync(fd, path, e);
    (void)close(fd);
    return rc;
}

static int sync_parent(const char *path, struct err *e)
{
    const char *slash = strrchr(path, '/');
    char dir[FS_PATH_MAX];

    if (slash == NULL) {
        return fs_sync_folder(".", e);
    }
    (void)snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path + 1), path);
    return fs_sync_folder(dir, e);
}

/* "dir/.name.tmp.PID-DRAW": readers of a folder pass over names with a dot.
 * Threads that publish the same path at once have different buffers, and so
 * different draws. */
int fs_temporary(const char *path, char tmp[FS_PATH_MAX], struct err *e)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    uint32_t draw = (uint32_t)rand_mix((uintptr_t)tmp);
    int n = snprintf(tmp, FS_PATH_MAX, "%.*s.%s.tmp.%ld-%08" PRIx32,
                     (int)(name - path), path, name, (long)getpid(), draw);

    if (n < 0 || n >= FS_PATH_MAX) {
        return err_set(e, ERR_LIMIT, "path \"%.80s...\" is too long", path);
    }
    return 0;
}

int fs_publish_temporary(const char *tmp, const char *path, struct err *e)
{
    if (rename(tmp, path) < 0) {
        fail(e, "publish file", path);
        (void)unlink(tmp);
        return -1;
    }
    return sync_parent(path, e);
}

static int write_temporary(const char *path, char tmp[FS_PATH_MAX],
                           struct slice bytes, struct err *e)
{
    int fd;
    int rc;

    if (fs_temporary(path, tmp, e) < 0) {
        return -1;
    }
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return fail(e, "create file", path);
    }
    rc = fs_write_all(fd, bytes, path, e);
    if (rc == 0) {
        rc = fs_sync(fd, path, e);
    }
    (void)close(fd);
    if (rc < 0) {
        (void)unlink(tmp);
    }
    return rc;
}

int fs_publish(const char *path, struct slice bytes, struct err *e)
{
    char tmp[FS_PATH_MAX];

    if (write_temporary(path, tmp, bytes, e) < 0) {
        return -1;
    }
    return fs_publish_temporary(tmp, path, e);
}

int fs_publish_new(const char *path, struct slice bytes, struct err *e)
{
    char tmp[FS_PATH_MAX];
    int rc = 0;

    if (write_temporary(path, tmp, bytes, e) < 0) {
        return -1;
    }
    if (link(tmp, path) < 0) {
        rc = fail(e, "publish file", path);
    }
    (void)unlink(tmp);
    return rc < 0 ? -1 : sync_parent(path, e);
}

int fs_make_folders(const char *path, struct err *e)
{
    char part[FS_PATH_MAX];
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof(part)) {
        return err_set(e, ERR_LIMIT, "path \"%.80s\" is empty or too long",
                       path);
    }
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        char c = part[i];

        if (c != '/' && c != '\0') {
            continue;
        }
        part[i] = '\0';
        if (mkdir(part, c == '\0' ? 0700 : 0755) < 0 && errno != EEXIST) {
            return fail(e, "create folder", part);
        }
        part[i] = c;
    }
    if (!fs_is_folder(path)) {
        return err_set(e, ERR_INVALID, "\"%s\" is not a folder", path);
    }
    return 0;
}

bool fs_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

bool fs_is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int fs_size(const char *path, int64_t *ret, struct err *e)
{
    struct stat st;

    if (stat(path, &st) < 0) {
        return fail(e, "look at", path);
    }
    *ret = (int64_t)st.st_size;
    return 0;
}

int fs_join(char path[FS_PATH_MAX], const char *dir, const char *name,
            struct err *e)
{
    size_t len = strlen(dir);
    const char *sep = len > 0 && dir[len - 1] == '/' ? "" : "/";
    int n = snprintf(path, FS_PATH_MAX, "%s%s%s", dir, sep, name);

    if (n < 0 || n >= FS_PATH_MAX) {
        return err_set(e, ERR_LIMIT, "path \"%.80s...\" is too long", dir);
    }
    return 0;
}

static int remove_inside(const char *path, struct err *e)
{
    struct fs_names names;
    char child[FS_PATH_MAX];
    int rc = 0;

    if (fs_names(path, &names, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < names.n && rc == 0; i++) {
        size_t len = strlen(names.names[i]);

        if (names.names[i][len - 1] == '/') {
            names.names[i][len - 1] = '\0';
        }
        rc = fs_join(child, path, names.names[i], e);
        if (rc == 0) {
            rc = fs_remove(child, e);
        }
    }
    fs_names_release(&names);
    return rc;
}

int fs_remove(const char *path, struct err *e)
{
    struct stat st;

    if (lstat(path, &st) < 0) {
        return errno == ENOENT ? 0 : fail(e, "look at", path);
    }
    if (S_ISDIR(st.st_mode)) {
        if (remove_inside(path, e) < 0) {
            return -1;
        }
        return rmdir(path) < 0 && errno != ENOENT
                   ? fail(e, "remove folder", path)
                   : 0;
    }
    return unlink(path) < 0 && errno != ENOENT ? fail(e, "remove file", path)
                                               : 0;
}

static int add_name(struct fs_names *names, size_t *cap, const char *dir,
                    const char *name, struct err *e)
{
    char path[FS_PATH_MAX];
    char text[300];

    if (fs_join(path, dir, name, e) < 0) {
        return -1;
    }
    if (names->n == *cap) {
        size_t more = *cap ? *cap * 2 : 16;
        char **p = mem_resize(names->names, more, sizeof(*p));

        if (p == NULL) {
            return err_nomem(e, more * sizeof(*p));
        }
        names->names = p;
        *cap = more;
    }
    (void)snprintf(text, sizeof(text), "%s%s", name,
                   fs_is_folder(path) ? "/" : "");
    names->names[names->n] = mem_text(text, strlen(text));
    if (names->names[names->n] == NULL) {
        return err_nomem(e, strlen(text));
    }
    names->n++;
    return 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int fs_names(const char *dir, struct fs_names *ret, struct err *e)
{
    DIR *d = opendir(dir);
    struct fs_names names = {0};
    size_t cap = 0;
    const struct dirent *entry;
    int rc = 0;

    if (d == NULL) {
        return fail(e, "open folder", dir);
    }
    while (rc == 0 && (entry = readdir(d)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0) {
            rc = add_name(&names, &cap, dir, entry->d_name, e);
        }
    }
    (void)closedir(d);
    if (rc < 0) {
        fs_names_release(&names);
        return -1;
    }
    if (names.n > 0) {
        qsort(names.names, names.n, sizeof(*names.names), by_bytes);
    }
    *ret = names;
    return 0;
}

void fs_names_release(struct fs_names *names)
{
    for (size_t i = 0; i < names->n; i++) {
        mem_free(names->names[i]);
    }
    mem_free(names->names);
    *names = (struct fs_names){0};
}

int fs_map(const char *path, struct fs_map *ret, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *p = NULL;

    if (fd < 0) {
        return fail(e, "open file", path);
    }
    if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode)) {
        (void)close(fd);
        return err_set(e, ERR_INVALID, "\"%s\" is not a file", path);
    }
    if (st.st_size > 0) {
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED) {
            fail(e, "map file", path);
            (void)close(fd);
            return -1;
        }
    }
    (void)close(fd);
    ret->bytes = (struct slice){p, (size_t)st.st_size};
    return 0;
}

void fs_unmap(struct fs_map *m)
{
    if (m->bytes.len > 0) {
        union {
            const char *in;
            void *out;
        } p = {.in = m->bytes.ptr};

        (void)munmap(p.out, m->bytes.len);
    }
    *m = (struct fs_map){0};
}

int fs_nameless(struct err *e)
{
    const char *folder = getenv("TMPDIR");
    char path[FS_PATH_MAX];
    int fd;

    if (fs_join(path, folder ? folder : "/tmp", "pinline-XXXXXX", e) < 0) {
        return -1;
    }
    fd = mkstemp(path);
    if (fd < 0) {
        return err_set(e, ERR_IO, "could not make temporary file \"%s\": %s",
                       path, strerror(errno));
    }
    (void)unlink(path);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}
