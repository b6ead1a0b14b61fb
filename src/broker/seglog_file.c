#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/seglog_file_int.h"

void seglog_file_path(const struct seglog *l, int64_t no,
                      char path[FS_PATH_MAX])
{
    /* the folder's name was checked to leave room for this */
    size_t n = strlen(l->dir);

    memcpy(path, l->dir, n);
    (void)snprintf(path + n, FS_PATH_MAX - n, "/%08" PRId64 ".log", no);
}

int seglog_file_make(struct seglog *l, int64_t no, struct err *e)
{
    char path[FS_PATH_MAX];
    char header[SEGLOG_FILE_HEADER] = "PLTOPIC1";

    seglog_file_path(l, no, path);
    for (unsigned i = 0; i < 8; i++) {
        header[8 + i] = (char)(unsigned char)((uint64_t)no >> 8 * i & 0xff);
    }
    return fs_publish(path, (struct slice){header, sizeof(header)}, e);
}

static void shut(struct seglog_file *f)
{
    if (f->no > 0) {
        (void)close(f->fd);
        f->no = 0;
    }
}

void seglog_files_close(struct seglog *l)
{
    for (size_t i = 0; i < ARRAY_LEN(l->files); i++) {
        shut(&l->files[i]);
    }
}

void seglog_file_forget(struct seglog *l, int64_t no)
{
    mutex_lock(&l->lock);
    for (size_t i = 0; i < ARRAY_LEN(l->files); i++) {
        if (l->files[i].no == no && l->files[i].refs == 0) {
            shut(&l->files[i]);
        }
    }
    mutex_unlock(&l->lock);
}

/* The place for one more: free, or of the file used longest ago. */
static struct seglog_file *free_place(struct seglog *l)
{
    struct seglog_file *best = NULL;

    for (size_t i = 0; i < ARRAY_LEN(l->files); i++) {
        struct seglog_file *f = &l->files[i];

        if (f->no == 0) {
            return f;
        }
        if (f->refs == 0 && (best == NULL || f->used < best->used)) {
            best = f;
        }
    }
    if (best) {
        shut(best);
    }
    return best;
}

int seglog_file_take(struct seglog *l, int64_t no, struct seglog_file **ret,
                     struct err *e)
{
    struct seglog_file *f = NULL;
    char path[FS_PATH_MAX];

    for (size_t i = 0; i < ARRAY_LEN(l->files) && f == NULL; i++) {
        f = l->files[i].no == no ? &l->files[i] : NULL;
    }
    if (f == NULL) {
        int fd;

        f = free_place(l);
        if (f == NULL) {
            return err_set(e, ERR_BUSY,
                           "could not read topics: %zu segment files are "
                           "being read already",
                           ARRAY_LEN(l->files));
        }
        seglog_file_path(l, no, path);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            return err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO,
                           "could not open segment \"%s\": %s", path,
                           strerror(errno));
        }
        *f = (struct seglog_file){.no = no, .fd = fd};
    }
    f->refs++;
    f->used = ++l->clock;
    *ret = f;
    return 0;
}

void seglog_file_give(struct seglog *l, struct seglog_file *f)
{
    mutex_lock(&l->lock);
    f->refs--;
    mutex_unlock(&l->lock);
}
