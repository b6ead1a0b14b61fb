#include "flow/rows_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/mem.h"
#include "lake/parquet.h"
#include "record/batch_json.h"

enum rows_kind {
    ROWS_JSONL,
    ROWS_CSV,
    ROWS_PARQUET
};

enum {
    FLUSH_AT = 1 << 20,
    TEXT_MAX = 256 << 20
};

struct rows_file {
    enum rows_kind kind;
    const char *path; /* NULL: out */
    char temp[FS_PATH_MAX];
    FILE *file;
    struct buf text;
    struct duck *duck; /* Parquet: rows wait in its table "rows" */
    bool headed;
    bool done;
};

static int kind_of(const char *path, enum rows_kind *ret, struct err *e)
{
    static const char *const endings[] = {".jsonl", ".csv", ".parquet"};

    if (strcmp(path, "-") == 0 || slice_ends(slice_of(path), SLICE(".json"))) {
        *ret = ROWS_JSONL;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        if (slice_ends(slice_of(path), slice_of(endings[i]))) {
            *ret = (enum rows_kind)i;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID,
                   "file \"%s\" must end in .jsonl, .csv or .parquet, or be -",
                   path);
}

static int begin_duck(struct rows_file *f, const struct col_def *defs,
                      size_t ndefs, struct err *e)
{
    struct duck_conf conf = {.temp_dir = NULL};
    struct buf b;
    const char *sql;
    int rc = -1;

    buf_init(&b, 1 << 20);
    if (duck_open(&f->duck, &conf, e) != 0 ||
        buf_puts(&b, "CREATE TABLE rows (", e) != 0) {
        goto out;
    }
    for (size_t i = 0; i < ndefs; i++) {
        if ((i > 0 && buf_puts(&b, ", ", e) != 0) ||
            duck_quote(&b, slice_of(defs[i].name), '"', e) != 0 ||
            buf_putc(&b, ' ', e) != 0 || frame_type_sql(&b, &defs[i], e) != 0) {
            goto out;
        }
    }
    if (buf_putc(&b, ')', e) == 0 && buf_text(&b, &sql, e) == 0) {
        rc = duck_run(f->duck, sql, e);
    }
out:
    buf_release(&b);
    return rc;
}

int rows_file_begin(struct rows_file **ret, const char *path, FILE *out,
                    const struct col_def *defs, size_t ndefs, struct err *e)
{
    struct rows_file *f = mem_zero(1, sizeof(*f));

    if (f == NULL) {
        return err_nomem(e, sizeof(*f));
    }
    buf_init(&f->text, TEXT_MAX);
    if (kind_of(path, &f->kind, e) != 0) {
        goto fail;
    }
    if (strcmp(path, "-") == 0) {
        f->file = out;
        *ret = f;
        return 0;
    }
    f->path = path;
    if (fs_temporary(path, f->temp, e) != 0) {
        f->temp[0] = '\0';
        goto fail;
    }
    if (f->kind == ROWS_PARQUET) {
        if (begin_duck(f, defs, ndefs, e) != 0) {
            goto fail;
        }
    } else {
        f->file = fopen(f->temp, "wbe");
        if (f->file == NULL) {
            err_set(e, ERR_IO, "could not create file \"%s\": %s", f->temp,
                    strerror(errno));
            goto fail;
        }
    }
    *ret = f;
    return 0;
fail:
    rows_file_free(f);
    return -1;
}

static int flush(struct rows_file *f, struct err *e)
{
    if (f->text.len > 0 &&
        fwrite(f->text.ptr, 1, f->text.len, f->file) != f->text.len) {
        return err_set(e, ERR_IO, "could not write \"%s\": %s",
                       f->path != NULL ? f->path : "standard output",
                       strerror(errno));
    }
    buf_clear(&f->text);
    return 0;
}

int rows_file_text(struct rows_file *f, struct slice text, struct err *e)
{
    if (buf_append(&f->text, text, e) != 0 ||
        buf_putc(&f->text, '\n', e) != 0) {
        return -1;
    }
    return f->text.len >= FLUSH_AT ? flush(f, e) : 0;
}

int rows_file_put(struct rows_file *f, const struct batch *rows, struct err *e)
{
    if (f->kind == ROWS_PARQUET) {
        return rows->rows > 0 ? frame_append(f->duck, "rows", rows, e) : 0;
    }
    if (f->kind == ROWS_CSV && !f->headed &&
        batch_csv_head(rows, &f->text, e) != 0) {
        return -1;
    }
    f->headed = true;
    for (size_t i = 0; i < rows->rows; i++) {
        int rc = f->kind == ROWS_CSV ? batch_csv_row(rows, i, &f->text, e)
                                     : batch_json_row(rows, i, &f->text, e);

        if (rc != 0 ||
            (f->kind == ROWS_JSONL && buf_putc(&f->text, '\n', e) != 0) ||
            (f->text.len >= FLUSH_AT && flush(f, e) != 0)) {
            return -1;
        }
    }
    return 0;
}

int rows_file_end(struct rows_file *f, struct err *e)
{
    FILE *file = f->file;

    if (f->kind == ROWS_PARQUET) {
        if (parquet_write_query(f->duck, f->path, "SELECT * FROM rows", NULL,
                                e) != 0) {
            return -1;
        }
        f->done = true;
        return 0;
    }
    if (flush(f, e) != 0) {
        return -1;
    }
    if (f->path == NULL) {
        f->done = true;
        return 0;
    }
    if (fflush(file) != 0 || fs_sync(fileno(file), f->path, e) != 0) {
        return err_set(e, ERR_IO, "could not write \"%s\": %s", f->path,
                       strerror(errno));
    }
    f->file = NULL;
    if (fclose(file) != 0) {
        return err_set(e, ERR_IO, "could not write \"%s\": %s", f->path,
                       strerror(errno));
    }
    if (fs_publish_temporary(f->temp, f->path, e) != 0) {
        return -1;
    }
    f->done = true;
    return 0;
}

void rows_file_free(struct rows_file *f)
{
    if (f == NULL) {
        return;
    }
    if (f->file != NULL && f->path != NULL) {
        (void)fclose(f->file);
    }
    if (!f->done && f->path != NULL && f->temp[0] != '\0') {
        (void)unlink(f->temp);
    }
    duck_close(f->duck);
    buf_release(&f->text);
    mem_free(f);
}
