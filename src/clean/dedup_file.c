#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clean/dedup.h"
#include "core/digest.h"
#include "core/fs.h"

/*
 * docs/format/dedup.md: a head of 160 bytes, then 16 bytes a row in no
 * particular order, little endian, then the CRC-32C of all before it.
 */
static const char magic[8] = {'P', 'L', 'D', 'E', 'D', 'U', 'P', '1'};

struct head {
    char magic[8];
    int64_t version;
    int64_t rows;
    struct hash_key key;
    char spec[104]; /* NUL-padded */
};

struct writer {
    int fd;
    const char *path;
    uint32_t crc;
};

static int put(struct writer *w, const void *p, size_t n, struct err *e)
{
    struct slice s = {p, n};

    w->crc = digest_crc32c(w->crc, s);
    return fs_write_all(w->fd, s, w->path, e);
}

static int put_rows(void *arg, const struct hash128 *h, size_t n, struct err *e)
{
    return put(arg, h, n * sizeof(*h), e);
}

static int write_all(const struct dedup *d, struct writer *w,
                     const struct head *head, struct err *e)
{
    uint32_t crc;

    if (put(w, head, sizeof(*head), e) != 0 ||
        dedup_each(d, put_rows, w, e) != 0) {
        return -1;
    }
    crc = w->crc;
    return put(w, &crc, sizeof(crc), e) != 0 || fs_sync(w->fd, w->path, e) != 0
               ? -1
               : 0;
}

static int fill_head(struct head *h, const struct dedup *d, int64_t version,
                     const char *spec, struct err *e)
{
    size_t n = strlen(spec);

    memset(h, 0, sizeof(*h));
    if (n >= sizeof(h->spec)) {
        return err_set(e, ERR_INVALID, "spec hash \"%s\" is too long", spec);
    }
    memcpy(h->magic, magic, sizeof(magic));
    memcpy(h->spec, spec, n);
    h->version = version;
    if (d != NULL) {
        h->rows = dedup_rows(d);
        h->key = *dedup_key(d);
    }
    return 0;
}

int dedup_save(const struct dedup *d, const char *path, int64_t version,
               const char *spec, struct err *e)
{
    char temp[FS_PATH_MAX];
    struct writer w = {.fd = -1, .path = temp};
    struct head head;
    int rc;

    if (fs_temporary(path, temp, e) != 0) {
        return -1;
    }
    if (fill_head(&head, d, version, spec, e) != 0) {
        return -1;
    }
    w.fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (w.fd < 0) {
        return err_set(e, ERR_IO, "could not create file \"%s\": %s", temp,
                       strerror(errno));
    }
    rc = write_all(d, &w, &head, e);
    (void)close(w.fd);
    if (rc != 0) {
        (void)unlink(temp);
        return -1;
    }
    return fs_publish_temporary(temp, path, e);
}

static int check(struct slice s, const struct head *want, const char *path,
                 struct err *e)
{
    struct head h;
    uint32_t crc;
    uint64_t rows;

    if (s.len < sizeof(h) + sizeof(crc)) {
        return err_set(e, ERR_CORRUPT, "file \"%s\" is cut short", path);
    }
    memcpy(&h, s.ptr, sizeof(h));
    memcpy(&crc, s.ptr + s.len - sizeof(crc), sizeof(crc));
    rows = (s.len - sizeof(h) - sizeof(crc)) / sizeof(struct hash128);
    if (memcmp(h.magic, magic, sizeof(magic)) != 0 || h.rows < 0 ||
        (uint64_t)h.rows != rows ||
        s.len != sizeof(h) + sizeof(crc) + rows * sizeof(struct hash128) ||
        digest_crc32c(0, (struct slice){s.ptr, s.len - sizeof(crc)}) != crc) {
        return err_set(e, ERR_CORRUPT,
                       "file \"%s\" is damaged; it is rebuilt from the table "
                       "when it is removed",
                       path);
    }
    if (h.version != want->version ||
        memcmp(h.spec, want->spec, sizeof(h.spec)) != 0) {
        return err_set(e, ERR_CONFLICT,
                       "file \"%s\" belongs to another version of the table "
                       "or of the spec",
                       path);
    }
    return 0;
}

static int fill(struct dedup *d, struct slice s, size_t rows, struct err *e)
{
    struct hash128 some[512];
    uint8_t keep[ARRAY_LEN(some)];
    size_t news;

    for (size_t i = 0; i < rows;) {
        size_t n = rows - i < ARRAY_LEN(some) ? rows - i : ARRAY_LEN(some);

        memcpy(some, s.ptr + i * sizeof(some[0]), n * sizeof(some[0]));
        if (dedup_add(d, some, n, keep, &news, e) != 0) {
            return -1;
        }
        i += n;
    }
    return 0;
}

int dedup_load(struct dedup **ret, const char *path, int64_t version,
               const char *spec, int64_t max_rows, struct err *e)
{
    struct head want, head;
    struct dedup *d = NULL;
    struct fs_map map;
    int rc = -1;

    if (fill_head(&want, NULL, version, spec, e) != 0 ||
        fs_map(path, &map, e) != 0) {
        return -1;
    }
    if (check(map.bytes, &want, path, e) != 0) {
        goto out;
    }
    memcpy(&head, map.bytes.ptr, sizeof(head));
    if (dedup_new(&d, &head.key, max_rows, e) != 0 ||
        fill(d, slice_from(map.bytes, sizeof(head)), (size_t)head.rows, e) !=
            0) {
        goto out;
    }
    *ret = d;
    d = NULL;
    rc = 0;
out:
    dedup_free(d);
    fs_unmap(&map);
    return rc;
}
