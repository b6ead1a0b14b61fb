#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/mem.h"
#include "core/text.h"
#include "source/files_int.h"

/* What a folder may hold besides rows is passed by. */
static bool is_data(const char *name)
{
    static const char *const patterns[] = {
        "*.json", "*.jsonl", "*.ndjson", "*.csv", "*.txt", "*.gz", "*.zst"};

    for (size_t i = 0; name[0] != '.' && i < ARRAY_LEN(patterns); i++) {
        if (text_glob(patterns[i], slice_of(name))) {
            return true;
        }
    }
    return false;
}

static int unknown_table(const char *path, const struct source_conf *conf,
                         struct err *e)
{
    char names[128] = "";
    size_t len = 0;

    for (size_t i = 0; i < conf->ntables; i++) {
        int n = snprintf(names + len, sizeof(names) - len, "%s%s*",
                         i > 0 ? ", " : "", conf->tables[i]);

        if (n < 0 || (size_t)n >= sizeof(names) - len) {
            break;
        }
        len += (size_t)n;
    }
    return err_set(e, ERR_INVALID,
                   "cannot tell which table file \"%s\" holds: its first "
                   "records do not say; give it a name like %s",
                   path, names);
}

/* A pipe gives its bytes once: looking into it would lose them. */
static bool may_look(const char *path)
{
    struct stat st;

    return stat(path, &st) != 0 || S_ISREG(st.st_mode);
}

/* By content and name, or by name alone where no fields are known. */
static int table_of(const char *path, const struct source_conf *conf, int *ret,
                    struct err *e)
{
    struct guess_table tables[SOURCE_TABLES_MAX];
    struct guess by_name = {.tables = tables, .ntables = conf->ntables};

    if (conf->guess != NULL && strcmp(path, "-") != 0 && may_look(path)) {
        return guess_file(conf->guess, path, ret, e);
    }
    for (size_t i = 0; i < conf->ntables; i++) {
        tables[i] = (struct guess_table){.name = conf->tables[i]};
    }
    *ret = conf->ntables == 1 ? 0 : guess_name(&by_name, path);
    return 0;
}

static int add_file(struct files *f, const char *path,
                    const struct source_conf *conf, struct err *e)
{
    int table = -1;
    char *copy;

    if (table_of(path, conf, &table, e) < 0) {
        return -1;
    }
    if (table < 0) {
        return unknown_table(path, conf, e);
    }
    if (f->n == FILES_MAX) {
        return err_set(e, ERR_LIMIT, "a source cannot have over %d files",
                       FILES_MAX);
    }
    if (f->n == f->cap) {
        size_t cap = f->cap ? 2 * f->cap : 8;
        struct files_file *p = mem_resize(f->all, cap, sizeof(*p));

        if (p == NULL) {
            return err_nomem(e, cap * sizeof(*p));
        }
        f->all = p;
        f->cap = cap;
    }
    copy = mem_text(path, strlen(path));
    if (copy == NULL) {
        return err_nomem(e, strlen(path));
    }
    f->all[f->n++] = (struct files_file){
        .path = copy, .table = (size_t)table, .unpacked = -1};
    return 0;
}

static int add_folder(struct files *f, const char *dir,
                      const struct source_conf *conf, int depth, struct err *e)
{
    struct fs_names names = {0};
    int rc = -1;

    if (depth > FILES_DEPTH_MAX) {
        return err_set(e, ERR_LIMIT,
                       "folder \"%s\" lies deeper than %d folders", dir,
                       FILES_DEPTH_MAX);
    }
    if (fs_names(dir, &names, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < names.n; i++) {
        size_t len = strlen(names.names[i]);
        bool folder = names.names[i][len - 1] == '/';
        char path[FS_PATH_MAX];

        if (folder) {
            names.names[i][len - 1] = '\0';
        }
        if (fs_join(path, dir, names.names[i], e) < 0) {
            goto out;
        }
        if (folder
                ? names.names[i][0] != '.' &&
                      add_folder(f, path, conf, depth + 1, e) < 0
                : is_data(names.names[i]) && add_file(f, path, conf, e) < 0) {
            goto out;
        }
    }
    rc = 0;
out:
    fs_names_release(&names);
    return rc;
}

int files_add(struct files *f, const char *path, const struct source_conf *conf,
              struct err *e)
{
    size_t before = f->n;

    if (!fs_is_folder(path)) {
        return add_file(f, path, conf, e);
    }
    if (add_folder(f, path, conf, 0, e) < 0) {
        return -1;
    }
    return f->n > before
               ? 0
               : err_set(e, ERR_NOTFOUND,
                         "folder \"%s\" has no rows: no file ends in .json, "
                         ".jsonl, .ndjson, .csv, .txt, .gz or .zst",
                         path);
}
