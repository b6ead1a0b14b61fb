#include "flow/generate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/compress.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/stop.h"
#include "json/json.h"

enum {
    CHUNK = 1 << 20,
    ROW_MAX = 16 << 20,
    STOP_EVERY = 1024
};

/* A file under a temporary name. */
struct output {
    int fd;
    char path[FS_PATH_MAX];
    char tmp[FS_PATH_MAX];
    struct compress_writer *gzip;
    struct buf raw;    /* not yet packed or written */
    struct buf packed; /* packed and not yet written */
    int64_t bytes;
};

static int open_output(struct output *o, const struct generate_conf *conf,
                       const char *dir, const char *table, struct err *e)
{
    char name[200];
    int n = snprintf(name, sizeof(name), "%s.%s%s", table,
                     conf->format == GENERATE_CSV ? "csv" : "jsonl",
                     conf->gzip ? ".gz" : "");

    assert(n > 0 && (size_t)n < sizeof(name));
    if (fs_join(o->path, dir, name, e) != 0) {
        return -1;
    }
    if (fs_temporary(o->path, o->tmp, e) != 0) {
        return -1;
    }
    if (conf->gzip && compress_writer_new(&o->gzip, e) != 0) {
        return -1;
    }
    o->fd = open(o->tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (o->fd < 0) {
        return err_set(e, ERR_IO, "could not create file \"%s\": %s", o->tmp,
                       strerror(errno));
    }
    return 0;
}

static int flush_output(struct output *o, bool last, struct err *e)
{
    struct buf *from = &o->raw;

    if (o->gzip != NULL) {
        if (compress_writer_put(o->gzip, buf_slice(&o->raw), last, &o->packed,
                                e) != 0) {
            return -1;
        }
        buf_clear(&o->raw);
        from = &o->packed;
    }
    if (fs_write_all(o->fd, buf_slice(from), o->tmp, e) != 0) {
        return -1;
    }
    o->bytes += (int64_t)from->len;
    buf_clear(from);
    return 0;
}

/* Whole and on disk, then under its name. */
static int publish_output(struct output *o, struct err *e)
{
    if (flush_output(o, true, e) != 0 || fs_sync(o->fd, o->tmp, e) != 0) {
        return -1;
    }
    if (fs_publish_temporary(o->tmp, o->path, e) != 0) {
        return -1;
    }
    o->tmp[0] = '\0';
    return 0;
}

static void close_output(struct output *o)
{
    if (o->fd >= 0) {
        (void)close(o->fd);
        if (o->tmp[0] != '\0') {
            (void)unlink(o->tmp);
        }
    }
    compress_writer_free(o->gzip);
    buf_release(&o->raw);
    buf_release(&o->packed);
}

/* RFC 4180: quotes around what holds a comma, a quote or a line's end. */
static int put_csv_text(struct buf *b, struct slice s, struct err *e)
{
    bool quoted = false;

    for (size_t i = 0; i < s.len; i++) {
        quoted = quoted || strchr(",\"\r\n", s.ptr[i]) != NULL;
    }
    if (!quoted) {
        return buf_append(b, s, e);
    }
    if (buf_putc(b, '"', e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < s.len; i++) {
        if ((s.ptr[i] == '"' && buf_putc(b, '"', e) != 0) ||
            buf_putc(b, s.ptr[i], e) != 0) {
            return -1;
        }
    }
    return buf_putc(b, '"', e);
}

static int put_csv_value(struct buf *b, yyjson_val *v, struct err *e)
{
    if (yyjson_is_null(v)) {
        return 0;
    }
    if (yyjson_is_str(v) || yyjson_is_raw(v)) {
        const char *text =
            yyjson_is_str(v) ? yyjson_get_str(v) : yyjson_get_raw(v);

        return put_csv_text(b, (struct slice){text, yyjson_get_len(v)}, e);
    }
    return err_set(e, ERR_DATA, "a value is neither text nor a number");
}

static int put_csv(struct buf *b, struct slice row, bool head, struct err *e)
{
    struct json_doc doc;
    yyjson_obj_iter it;
    yyjson_val *key;
    bool first = true;
    int rc = -1;

    if (json_parse(&doc, row, 0, NULL, e) != 0) {
        return -1;
    }
    if (!yyjson_is_obj(doc.root)) {
        (void)err_set(e, ERR_DATA, "it is no JSON object");
        goto out;
    }
    it = yyjson_obj_iter_with(doc.root);
    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        struct slice name = {yyjson_get_str(key), yyjson_get_len(key)};

        if ((!first && buf_putc(b, ',', e) != 0) ||
            (head ? put_csv_text(b, name, e)
                  : put_csv_value(b, yyjson_obj_iter_get_val(key), e)) != 0) {
            goto out;
        }
        first = false;
    }
    rc = buf_puts(b, "\r\n", e);
out:
    json_release(&doc);
    return rc;
}

/* Row n of a table; ERR_NOTFOUND past the end. */
static int put_row(const struct generate_conf *conf, struct output *o,
                   size_t table, int64_t n, struct buf *row, struct err *e)
{
    bool json = true;

    if (conf->format == GENERATE_JSONL) {
        if (source_row(conf->source, table, n, &o->raw, &json, e) != 0) {
            return -1;
        }
        return buf_putc(&o->raw, '\n', e);
    }
    buf_clear(row);
    if (source_row(conf->source, table, n, row, &json, e) != 0) {
        return -1;
    }
    if ((n == 0 && put_csv(&o->raw, buf_slice(row), true, e) != 0) ||
        put_csv(&o->raw, buf_slice(row), false, e) != 0) {
        return err_wrap(e, "cannot write row %lld of table \"%s\" as CSV",
                        (long long)n, conf->tables[table]);
    }
    return 0;
}

static int write_rows(const struct generate_conf *conf, struct output *outputs,
                      struct buf *row, struct generate_counts *counts,
                      struct err *e)
{
    bool any = true;

    for (int64_t n = 0; any; n++) {
        any = false;
        for (size_t t = 0; t < conf->ntables; t++) {
            struct output *o = &outputs[t];
            struct err local;

            if (put_row(conf, o, t, n, row, &local) == 0) {
                any = true;
                counts->rows++;
            } else if (local.code != ERR_NOTFOUND) {
                *e = local;
                return -1;
            }
            if (o->raw.len >= CHUNK && flush_output(o, false, e) != 0) {
                return -1;
            }
        }
        if (n % STOP_EVERY == 0) {
            if (stop_asked()) {
                return err_set(e, ERR_INTERRUPTED, "stopped at row %lld",
                               (long long)n);
            }
            if (conf->progress != NULL && n > 0) {
                progress_add(conf->progress, STOP_EVERY);
            }
        }
    }
    return 0;
}

int generate_files(const struct generate_conf *conf, const char *dir,
                   struct generate_counts *ret, struct err *e)
{
    struct output *outputs = mem_zero(conf->ntables, sizeof(*outputs));
    struct generate_counts counts = {0};
    struct err local;
    struct buf row;
    int rc = -1;

    if (outputs == NULL) {
        return err_nomem(e, conf->ntables * sizeof(*outputs));
    }
    buf_init(&row, ROW_MAX);
    for (size_t t = 0; t < conf->ntables; t++) {
        outputs[t].fd = -1;
        buf_init(&outputs[t].raw, CHUNK + ROW_MAX);
        buf_init(&outputs[t].packed, CHUNK + 2 * ROW_MAX);
    }
    if (fs_make_folders(dir, &local) != 0) {
        goto out;
    }
    for (size_t t = 0; t < conf->ntables; t++) {
        if (open_output(&outputs[t], conf, dir, conf->tables[t], &local) != 0) {
            goto out;
        }
    }
    if (write_rows(conf, outputs, &row, &counts, &local) != 0) {
        goto out;
    }
    for (size_t t = 0; t < conf->ntables; t++) {
        if (publish_output(&outputs[t], &local) != 0) {
            goto out;
        }
        counts.bytes += outputs[t].bytes;
    }
    rc = fs_sync_folder(dir, &local);
out:
    for (size_t t = 0; t < conf->ntables; t++) {
        close_output(&outputs[t]);
    }
    mem_free(outputs);
    buf_release(&row);
    if (rc == 0) {
        *ret = counts;
    } else if (e != NULL) {
        *e = local;
    }
    return rc;
}
