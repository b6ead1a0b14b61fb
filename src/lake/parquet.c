#include "lake/parquet.h"

#include <fcntl.h>
#include <unistd.h>

#include "core/fs.h"

enum {
    SQL_MAX = 64 << 20
};

/* DuckDB wrote it; make it durable. */
static int sync_file(const char *path, struct err *e)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int rc;

    if (fd < 0) {
        return err_set(e, ERR_IO, "could not open file \"%s\"", path);
    }
    rc = fs_sync(fd, path, e);
    (void)close(fd);
    return rc;
}

int parquet_write_query(struct duck *d, const char *path, const char *select,
                        int64_t *ret_bytes, struct err *e)
{
    char tmp[FS_PATH_MAX];
    int64_t bytes = 0;
    const char *sql;
    struct buf b;
    int rc = -1;

    if (fs_temporary(path, tmp, e) < 0) {
        return -1;
    }
    buf_init(&b, SQL_MAX);
    if (buf_putf(&b, e, "COPY (%s) TO ", select) < 0 ||
        duck_quote(&b, slice_of(tmp), '\'', e) < 0 ||
        buf_puts(&b, " (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)",
                 e) < 0 ||
        buf_text(&b, &sql, e) < 0) {
        goto out;
    }
    if (duck_run(d, sql, e) < 0 || fs_size(tmp, &bytes, e) < 0 ||
        sync_file(tmp, e) < 0 || fs_publish_temporary(tmp, path, e) < 0) {
        err_wrap(e, "could not write \"%s\"", path);
        (void)unlink(tmp);
        goto out;
    }
    if (ret_bytes != NULL) {
        *ret_bytes = bytes;
    }
    rc = 0;
out:
    buf_release(&b);
    return rc;
}

int parquet_write(struct duck *d, const char *path,
                  const struct batch *const *batches, size_t n,
                  int64_t *ret_bytes, struct err *e)
{
    struct frame_feed *feed = NULL;
    int rc;

    if (frame_feed(d, "parquet_rows", batches, n, false, &feed, e) < 0) {
        return -1;
    }
    rc = parquet_write_query(d, path, "FROM parquet_rows", ret_bytes, e);
    frame_feed_free(feed);
    return rc;
}

int parquet_list_sql(struct buf *b, const char *const *paths, size_t n,
                     struct err *e)
{
    if (buf_putc(b, '[', e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if ((i > 0 && buf_puts(b, ", ", e) < 0) ||
            duck_quote(b, slice_of(paths[i]), '\'', e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, ']', e);
}
