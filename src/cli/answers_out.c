/*
 * answers_out.c - answers on standard output, or a file for each.
 */
#include <stdio.h>

#include "cli/answers.h"
#include "cli/table.h"
#include "core/fs.h"
#include "db/duck.h"
#include "lake/parquet.h"
#include "record/batch_json.h"

enum {
    OUT_BYTES = 512 << 20
};

/* For OPT_CHOICE, in the order of enum answers_format. */
const char *const answers_formats[] = {"table", "json", "csv", "parquet", NULL};

static int put_json(const struct answers *a, struct buf *b, struct err *e)
{
    if (buf_putc(b, '{', e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < answers_count(a); i++) {
        const char *id;
        const char *title;
        const struct batch *rows = answers_rows(a, i, &id, &title);

        if (buf_putf(b, e, "%s\"%s\":", i ? "," : "", id) < 0 ||
            batch_json_rows(rows, b, e) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "}\n", e);
}

static int print_json(const struct answers *a, FILE *out, struct err *e)
{
    struct buf b;
    int rc;

    buf_init(&b, OUT_BYTES);
    rc = put_json(a, &b, e);
    if (rc == 0) {
        (void)fwrite(b.ptr, 1, b.len, out);
    }
    buf_release(&b);
    return rc;
}

static int print_tables(const struct answers *a, const struct cli *c,
                        struct err *e)
{
    struct table_style style = {TABLE_TEXT, c->width, c->colour};
    int rc = 0;

    for (size_t i = 0; i < answers_count(a) && rc == 0; i++) {
        const char *id;
        const char *title;
        const struct batch *rows = answers_rows(a, i, &id, &title);

        (void)fprintf(c->out, "%s%s  %s\n\n", i ? "\n" : "", id, title);
        rc = table_write_batch(rows, &style, c->out, e);
    }
    return rc;
}

static int write_csv(const char *path, const struct batch *rows, struct err *e)
{
    struct table_style style = {.format = TABLE_CSV};
    struct buf b;
    int rc;

    buf_init(&b, OUT_BYTES);
    rc = table_print_batch(rows, &style, &b, e);
    if (rc == 0) {
        rc = fs_publish(path, buf_slice(&b), e);
    }
    buf_release(&b);
    return rc;
}

static int write_files(const struct answers *a, const char *dir, bool parquet,
                       FILE *names, struct err *e)
{
    struct duck_conf conf = {0};
    struct duck *d = NULL;
    int rc = fs_make_folders(dir, e);

    if (rc == 0 && parquet) {
        rc = duck_open(&d, &conf, e);
    }
    for (size_t i = 0; i < answers_count(a) && rc == 0; i++) {
        const char *id;
        const char *title;
        const struct batch *rows = answers_rows(a, i, &id, &title);
        char name[64];
        char path[FS_PATH_MAX];

        (void)snprintf(name, sizeof(name), "%s.%s", id,
                       parquet ? "parquet" : "csv");
        rc = fs_join(path, dir, name, e);
        if (rc == 0) {
            rc = parquet ? parquet_write(d, path, &rows, 1, NULL, e)
                         : write_csv(path, rows, e);
        }
        if (rc == 0 && names != NULL) {
            (void)fprintf(names, "%s\n", path);
        }
    }
    duck_close(d);
    return rc;
}

int answers_files(const struct answers *a, enum answers_format format,
                  const char *dir, struct err *e)
{
    return format < ANSWERS_CSV
               ? 0
               : write_files(a, dir, format == ANSWERS_PARQUET, NULL, e);
}

int answers_print(const struct answers *a, const struct cli *c,
                  enum answers_format format, const char *dir, struct err *e)
{
    switch (format) {
    case ANSWERS_JSON:
        return print_json(a, c->out, e);
    case ANSWERS_CSV:
    case ANSWERS_PARQUET:
        return write_files(a, dir, format == ANSWERS_PARQUET, c->out, e);
    case ANSWERS_TABLE:
        break;
    }
    return print_tables(a, c, e);
}
