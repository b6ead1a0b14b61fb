/*
 * fs.h - files: whole reads, publishing by rename, folders, mappings.
 *
 * Paths are NUL-terminated.  Errors name the path.  Descriptors are opened
 * O_CLOEXEC.  Nothing here keeps state; any thread may call it.
 */
#ifndef CORE_FS_H
#define CORE_FS_H

#include "core/buf.h"

enum {
    FS_PATH_MAX = 4096
};

/* The whole file behind what is in *b; ERR_NOTFOUND, ERR_LIMIT, ERR_IO. */
int fs_read(const char *path, struct buf *b, struct err *e) MUST_USE;
/* Write a hidden temporary file beside it, fsync, rename to path, fsync the
 * folder. */
int fs_publish(const char *path, struct slice bytes, struct err *e) MUST_USE;
/* As fs_publish, but ERR_EXISTS (nothing changed) when path is there: the
 * temporary file is link()ed, so that of several writers one wins. */
int fs_publish_new(const char *path, struct slice bytes,
                   struct err *e) MUST_USE;
/* For files written piece by piece: the hidden name to write under, and then,
 * when they are synced and closed, their publishing (on failure the temporary
 * file is removed). */
int fs_temporary(const char *path, char tmp[FS_PATH_MAX],
                 struct err *e) MUST_USE;
int fs_publish_temporary(const char *tmp, const char *path,
                         struct err *e) MUST_USE;
/* All of it to fd, across short writes. */
int fs_write_all(int fd, struct slice bytes, const char *path,
                 struct err *e) MUST_USE;
int fs_sync(int fd, const char *path, struct err *e) MUST_USE;
int fs_sync_folder(const char *path, struct err *e) MUST_USE; /* a folder */
/* Make a folder and its parents (mode 0700 for the last, 0755 above);
 * one that exists is fine. */
int fs_make_folders(const char *path, struct err *e) MUST_USE;
bool fs_exists(const char *path);
bool fs_is_folder(const char *path);
int fs_size(const char *path, int64_t *ret, struct err *e) MUST_USE;
/* A file, or a folder with all in it; what is not there is fine. */
int fs_remove(const char *path, struct err *e) MUST_USE;
/* "dir/name" into path; ERR_LIMIT when longer than FS_PATH_MAX. */
int fs_join(char path[FS_PATH_MAX], const char *dir, const char *name,
            struct err *e) MUST_USE;

/* A new file below TMPDIR that has no name any more; its descriptor, or -1. */
int fs_nameless(struct err *e) MUST_USE;

/* The names in a folder, sorted by bytes, without . and ..; each ends in '/'
 * when it is a folder.  fs_names_release() ends what fs_names() filled. */
struct fs_names {
    char **names;
    size_t n;
};
int fs_names(const char *dir, struct fs_names *ret, struct err *e) MUST_USE;
void fs_names_release(struct fs_names *names);

/* A file mapped for reading; bytes are good until fs_unmap(). */
struct fs_map {
    struct slice bytes;
};
int fs_map(const char *path, struct fs_map *ret, struct err *e) MUST_USE;
void fs_unmap(struct fs_map *m);

#endif
