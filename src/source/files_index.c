#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/compress.h"
#include "core/mem.h"
#include "source/files_int.h"

/* What one chunk unpacks to goes to fd. */
static int write_chunk(struct compress_reader *r, struct slice in, int fd,
                       const char *path, struct err *e)
{
    static const size_t cap = 64 << 10;
    char *out = mem_resize(NULL, cap, 1);
    size_t n = 1;
    int rc = 0;

    if (out == NULL) {
        return err_nomem(e, cap);
    }
    while (rc == 0 && (in.len > 0 || n > 0)) {
        rc = compress_reader_step(r, &in, out, cap, &n, e);
        if (rc == 0 && n > 0) {
            rc = fs_write_all(fd, (struct slice){out, n}, path, e);
        }
    }
    mem_free(out);
    return rc;
}

/* Bytes from `from` to fd, unpacked when r is there. */
static int copy_file(int from, struct compress_reader *r, int fd,
                     const char *path, struct err *e)
{
    char chunk[16 << 10];

    for (;;) {
        ssize_t n = read(from, chunk, sizeof(chunk));
        struct slice in = {chunk, n > 0 ? (size_t)n : 0};

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_set(e, ERR_IO, "could not read file \"%s\": %s", path,
                           strerror(errno));
        }
        if (n == 0) {
            return r != NULL ? compress_reader_end(r, e) : 0;
        }
        if ((r != NULL ? write_chunk(r, in, fd, path, e)
                       : fs_write_all(fd, in, path, e)) < 0) {
            return -1;
        }
    }
}

/* Set file->unpacked: the bytes of a packed file, or of one that can be read
 * only once, where they can be read in any order. */
static int unpack(struct files_file *file, int from, enum compress_kind kind,
                  struct err *e)
{
    struct compress_reader *r = NULL;
    int fd = fs_nameless(e);
    int rc = -1;

    if (fd < 0) {
        return -1;
    }
    if ((kind == COMPRESS_NONE || compress_reader_new(&r, kind, e) == 0) &&
        copy_file(from, r, fd, file->path, e) == 0) {
        file->unpacked = fd;
        rc = 0;
    } else {
        (void)close(fd);
        err_wrap(e, "file \"%s\"", file->path);
    }
    compress_reader_free(r);
    return rc;
}

/* A pipe is copied as it is; a second look then finds it packed. */
static int unpack_where_needed(struct files_file *file, struct err *e)
{
    bool standard = strcmp(file->path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(file->path, O_RDONLY | O_CLOEXEC);
    char magic[4];
    ssize_t n = 0;
    int rc = 0;
    enum compress_kind kind;

    if (fd < 0) {
        return err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO,
                       "could not open file \"%s\": %s", file->path,
                       strerror(errno));
    }
    if (lseek(fd, 0, SEEK_CUR) < 0) {
        rc = unpack(file, fd, COMPRESS_NONE, e);
        if (!standard) {
            (void)close(fd);
        }
        fd = file->unpacked;
        standard = true; /* not ours to close here */
    }
    if (rc == 0) {
        n = pread(fd, magic, sizeof(magic), 0);
        kind = compress_sniff((struct slice){magic, n > 0 ? (size_t)n : 0});
        if (kind != COMPRESS_NONE) {
            int copy = file->unpacked;

            rc = lseek(fd, 0, SEEK_SET) < 0 ? -1 : unpack(file, fd, kind, e);
            if (copy >= 0 && rc == 0) {
                (void)close(copy);
            }
        }
    }
    if (!standard) {
        (void)close(fd);
    }
    return rc;
}

int files_open_file(struct files_table *t, struct files_file *file,
                    struct err *e)
{
    struct split_conf conf = {.name = file->path};
    struct split *s = NULL;
    int fd;

    split_free(t->split);
    t->split = NULL;
    t->open_file = NULL;
    if (file->unpacked < 0 && !file->indexed &&
        unpack_where_needed(file, e) < 0) {
        return -1;
    }
    if (file->unpacked < 0) {
        if (split_open(&s, file->path, &conf, e) < 0) {
            return -1;
        }
    } else {
        fd = fcntl(file->unpacked, F_DUPFD_CLOEXEC, 0);
        if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0) {
            return err_set(e, ERR_IO, "could not read file \"%s\" again: %s",
                           file->path, strerror(errno));
        }
        if (split_open_fd(&s, fd, &conf, e) < 0) {
            return -1;
        }
    }
    t->split = s;
    t->open_file = file;
    t->next = 0;
    return 0;
}

static int add_mark(struct files_file *file, const struct split_message *m,
                    struct err *e)
{
    if (file->nmarks == file->marks_cap) {
        size_t cap = file->marks_cap ? 2 * file->marks_cap : 1;
        struct files_mark *p = NULL;

        if (cap <= FILES_MARKS_MAX) {
            p = mem_resize(file->marks, cap, sizeof(*p));
        }
        if (p == NULL) {
            return err_nomem(e, cap * sizeof(*p));
        }
        file->marks = p;
        file->marks_cap = cap;
    }
    file->marks[file->nmarks++] = (struct files_mark){m->offset, m->line};
    return 0;
}

static int index_file(struct files_table *t, struct files_file *file,
                      struct err *e)
{
    struct split_message m;
    int rc;

    if (files_open_file(t, file, e) < 0) {
        return -1;
    }
    file->rows = 0;
    file->nmarks = 0;
    while ((rc = split_next(t->split, &m, e)) == 1) {
        if (file->rows % FILES_MARK_EVERY == 0 && add_mark(file, &m, e) < 0) {
            return -1;
        }
        file->rows++;
        t->next++;
    }
    file->indexed = rc == 0;
    return rc;
}

int files_index(struct files_table *t, struct err *e)
{
    int64_t rows = 0;

    for (size_t i = 0; i < t->n; i++) {
        if (!t->files[i]->indexed && index_file(t, t->files[i], e) < 0) {
            return -1;
        }
        t->files[i]->first = rows;
        rows += t->files[i]->rows;
    }
    t->rows = rows;
    t->indexed = true;
    return 0;
}
