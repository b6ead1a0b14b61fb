/* db_copy.c - a table without an index, read once into a nameless file. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/mem.h"
#include "source/db_int.h"

enum {
    BLOCK_BYTES = 256 << 10,
    ROW_BYTES_MAX = 1 << 28,
    ROWS_MAX = 1 << 28,
};

static int write_block(struct db_copy *c, struct err *e)
{
    if (fs_write_all(c->fd, buf_slice(&c->block), "a copy of a table", e) < 0) {
        return -1;
    }
    buf_clear(&c->block);
    return 0;
}

static int grow(struct db_copy *c, struct err *e)
{
    size_t cap = c->cap == 0 ? 4096 : c->cap * 2;
    uint64_t *ends;
    uint8_t *json;

    if (cap > ROWS_MAX) {
        return err_set(e, ERR_LIMIT,
                       "over %d rows without an index on their key; CREATE "
                       "INDEX makes it readable",
                       ROWS_MAX / 2);
    }
    ends = mem_resize(c->ends, cap, sizeof(*ends));
    if (ends == NULL) {
        return err_nomem(e, cap * sizeof(*ends));
    }
    c->ends = ends;
    json = mem_resize(c->json, cap, sizeof(*json));
    if (json == NULL) {
        return err_nomem(e, cap);
    }
    c->json = json;
    c->cap = cap;
    return 0;
}

static int keep(void *arg, struct slice row, bool json, struct err *e)
{
    struct db_copy *c = arg;

    if ((c->rows == c->cap && grow(c, e) < 0) ||
        buf_append(&c->block, row, e) < 0) {
        return -1;
    }
    c->bytes += row.len;
    c->ends[c->rows] = c->bytes;
    c->json[c->rows++] = json;
    return c->block.len >= BLOCK_BYTES ? write_block(c, e) : 0;
}

int db_copy_fill(struct db_source *s, struct db_table *t, struct err *e)
{
    struct db_copy *c = &t->copy;
    char *sql = NULL;
    int rc = -1;

    buf_init(&c->block, ROW_BYTES_MAX + BLOCK_BYTES);
    c->fd = fs_nameless(e);
    if (c->fd < 0 ||
        db_source_sql(s, t, t->key[0] != '\0' ? "ordered.sql" : "all.sql", &sql,
                      e) < 0) {
        goto out;
    }
    if (s->dialect->scan(s->db, sql, keep, c, e) == 0 &&
        write_block(c, e) == 0) {
        t->rows = (int64_t)c->rows;
        rc = 0;
    }
out:
    mem_free(sql);
    buf_release(&c->block);
    return rc;
}

int db_copy_row(const struct db_table *t, int64_t n, struct buf *b,
                bool *ret_json, struct err *e)
{
    const struct db_copy *c = &t->copy;
    uint64_t from = n > 0 ? c->ends[n - 1] : 0;
    size_t len = (size_t)(c->ends[n] - from);
    size_t done = 0;

    if (buf_reserve(b, len, e) < 0) {
        return -1;
    }
    while (done < len) {
        ssize_t k = pread(c->fd, b->ptr + b->len + done, len - done,
                          (off_t)(from + done));

        if (k < 0 && errno == EINTR) {
            continue;
        }
        if (k <= 0) {
            return err_set(e, ERR_IO,
                           "could not read the copy of table \"%s\": %s",
                           t->name, k < 0 ? strerror(errno) : "cut off");
        }
        done += (size_t)k;
    }
    b->len += len;
    *ret_json = c->json[n];
    return 0;
}

void db_copy_release(struct db_copy *c)
{
    if (c->fd >= 0) {
        (void)close(c->fd);
        c->fd = -1;
    }
    mem_free(c->ends);
    mem_free(c->json);
}
