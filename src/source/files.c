#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "source/files_int.h"

static void close_files(void *handle)
{
    struct files *f = handle;

    if (f == NULL) {
        return;
    }
    for (size_t i = 0; i < f->ntables; i++) {
        split_free(f->tables[i].split);
        mem_free(f->tables[i].files);
    }
    for (size_t i = 0; i < f->n; i++) {
        mem_free(f->all[i].path);
        mem_free(f->all[i].marks);
        if (f->all[i].unpacked >= 0) {
            (void)close(f->all[i].unpacked);
        }
    }
    mem_free(f->all);
    mem_free(f);
}

/* Each table's files, in the order in which they were given. */
static int sort_by_table(struct files *f, struct err *e)
{
    for (size_t t = 0; t < f->ntables; t++) {
        f->tables[t].files = mem_zero(f->n, sizeof(*f->tables[t].files));
        if (f->tables[t].files == NULL) {
            return err_nomem(e, f->n * sizeof(*f->tables[t].files));
        }
    }
    for (size_t i = 0; i < f->n; i++) {
        struct files_table *t = &f->tables[f->all[i].table];

        t->files[t->n++] = &f->all[i];
    }
    return 0;
}

static int open_files(void **ret, const char *rest,
                      const struct source_conf *conf, struct err *e)
{
    struct files *f = mem_zero(1, sizeof(*f));

    if (f == NULL) {
        return err_nomem(e, sizeof(*f));
    }
    f->ntables = conf->ntables;
    if (rest[0] != '\0' && files_add(f, rest, conf, e) < 0) {
        goto fail;
    }
    for (size_t i = 0; i < conf->ninputs; i++) {
        if (files_add(f, conf->inputs[i], conf, e) < 0) {
            goto fail;
        }
    }
    if (f->n == 0) {
        err_set(e, ERR_INVALID, "cannot read rows: no file was named");
        goto fail;
    }
    if (sort_by_table(f, e) < 0) {
        goto fail;
    }
    *ret = f;
    return 0;
fail:
    close_files(f);
    return -1;
}

static int rows_of_files(void *handle, size_t table, int64_t *ret,
                         struct err *e)
{
    struct files *f = handle;

    if (!f->tables[table].indexed && files_index(&f->tables[table], e) < 0) {
        return -1;
    }
    *ret = f->tables[table].rows;
    return 0;
}

/* The file that holds row n, which is below t->rows. */
static struct files_file *file_of(const struct files_table *t, int64_t n)
{
    size_t low = 0;
    size_t high = t->n;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (t->files[middle]->first <= n) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return t->files[low];
}

/* Stand before row n of the open file, or some rows earlier. */
static int go_to(struct files_table *t, int64_t n, struct err *e)
{
    const struct files_file *file = t->open_file;
    int64_t mark = n / FILES_MARK_EVERY;
    const struct files_mark *m = &file->marks[mark];
    struct split_message first;

    if (t->next <= n && t->next >= mark * FILES_MARK_EVERY) {
        return 0;
    }
    /* what the file is shows at its beginning only */
    if (t->next == 0 && split_next(t->split, &first, e) < 0) {
        return -1;
    }
    if (split_seek(t->split, m->offset, m->line, e) < 0) {
        return -1;
    }
    t->next = mark * FILES_MARK_EVERY;
    return 0;
}

static int row_of_files(void *handle, size_t table, int64_t n, struct buf *b,
                        bool *ret_json, struct err *e)
{
    struct files *f = handle;
    struct files_table *t = &f->tables[table];
    struct files_file *file;
    struct split_message m;
    int rc = 0;

    if (!t->indexed && files_index(t, e) < 0) {
        return -1;
    }
    if (n >= t->rows) {
        return err_set(e, ERR_NOTFOUND, "row %lld is past the last one",
                       (long long)n);
    }
    file = file_of(t, n);
    n -= file->first;
    if ((t->open_file != file && files_open_file(t, file, e) < 0) ||
        go_to(t, n, e) < 0) {
        return -1;
    }
    do {
        rc = split_next(t->split, &m, e);
        if (rc == 0) {
            return err_set(e, ERR_IO, "file \"%s\" became shorter", file->path);
        }
        if (rc < 0) {
            return -1;
        }
        t->next++;
    } while (t->next <= n);
    if (buf_append(b, m.bytes, e) < 0) {
        return -1;
    }
    *ret_json = m.json;
    return 0;
}

const struct source_ops source_files = {
    .name = "files",
    .scheme = "files:",
    .help = "files:PATH, a file or folder of JSON or CSV, packed or not",
    .open = open_files,
    .close = close_files,
    .rows = rows_of_files,
    .row = row_of_files,
};

const struct source_ops source_path = {
    .name = "path",
    .help = "PATH, the same as files:PATH",
    .open = open_files,
    .close = close_files,
    .rows = rows_of_files,
    .row = row_of_files,
};
