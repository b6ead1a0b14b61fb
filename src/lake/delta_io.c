/*
 * delta_io.c - where a table lies: the log's entries, data files, and local
 * copies of what lies elsewhere.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "lake/delta_handle_int.h"

void delta_log_key(char key[DELTA_KEY_MAX], int64_t version, const char *ending)
{
    (void)snprintf(key, DELTA_KEY_MAX, "_delta_log/%020" PRId64 "%s", version,
                   ending);
}

/* A hidden folder of this handle, where the engine can read and write. */
static int need_temp(struct delta *t, struct err *e)
{
    const char *base = getenv("TMPDIR");
    int n;

    if (t->temp[0] != '\0') {
        return 0;
    }
    n = snprintf(t->temp, sizeof(t->temp), "%s/pinline-lake.XXXXXX",
                 base != NULL && base[0] != '\0' ? base : "/tmp");
    if (n < 0 || (size_t)n >= sizeof(t->temp) || mkdtemp(t->temp) == NULL) {
        err_set(e, ERR_IO, "could not make a folder \"%s\"", t->temp);
        t->temp[0] = '\0';
        return -1;
    }
    return 0;
}

int delta_need_duck(struct delta *t, struct err *e)
{
    struct duck_conf conf = {.temp_dir = t->folder};

    if (t->duck != NULL) {
        return 0;
    }
    if (t->folder == NULL) {
        if (need_temp(t, e) < 0) {
            return -1;
        }
        conf.temp_dir = t->temp;
    }
    if (duck_open(&t->own, &conf, e) < 0) {
        return -1;
    }
    t->duck = t->own;
    return 0;
}

/* --- the log ------------------------------------------------------------------ */

int delta_log_get(struct delta *t, int64_t version, struct buf *b, bool *ret,
                  struct err *e)
{
    char key[DELTA_KEY_MAX];
    struct err why = {0};

    delta_log_key(key, version, ".json");
    *ret = store_get(t->store, key, b, &why) == 0;
    if (!*ret && why.code != ERR_NOTFOUND) {
        return err_set(e, why.code, "%s", why.msg);
    }
    return 0;
}

static int check_store(struct delta *t, struct err *e)
{
    bool honours = false;

    if (t->folder != NULL || t->probed) {
        return 0;
    }
    if (store_has_if_absent(t->store, &honours, e) < 0) {
        return -1;
    }
    if (!honours) {
        return err_set(
            e, ERR_UNAVAILABLE,
            "table \"%s\": this store overwrites objects in spite of "
            "If-None-Match, so that two writers could destroy each "
            "other's commits; write the table to a folder or to a "
            "store with conditional puts",
            t->dir);
    }
    t->probed = true;
    return 0;
}

/* Is the entry that is there the one we meant to put?  An answer that was
 * lost makes a put look like a lost race. */
static int is_ours(struct delta *t, int64_t version, struct slice lines,
                   bool *ret, struct err *e)
{
    bool there = false;
    struct buf b;
    int rc;

    buf_init(&b, DELTA_LOG_MAX);
    rc = delta_log_get(t, version, &b, &there, e);
    *ret = rc == 0 && there && slice_eq(buf_slice(&b), lines);
    buf_release(&b);
    return rc;
}

int delta_log_put(struct delta *t, int64_t version, struct slice lines,
                  bool *ret_lost, struct err *e)
{
    char key[DELTA_KEY_MAX];
    struct err why = {0};
    bool ours = false;

    *ret_lost = false;
    if (check_store(t, e) < 0) {
        return -1;
    }
    delta_log_key(key, version, ".json");
    if (store_put(t->store, key, lines, STORE_IF_ABSENT, &why) == 0) {
        return 0;
    }
    if (why.code != ERR_EXISTS) {
        return err_set(e, why.code, "%s", why.msg);
    }
    if (is_ours(t, version, lines, &ours, e) < 0) {
        return -1;
    }
    *ret_lost = !ours;
    return 0;
}

/* The folder of a file, and durable before the log names what lies in it. */
static int make_folder(const struct delta *t, const char *path, struct err *e)
{
    char folder[FS_PATH_MAX];
    size_t top = strlen(t->folder);
    char *end;

    memcpy(folder, path, strlen(path) + 1);
    end = strrchr(folder, '/');
    *end = '\0';
    if (fs_is_folder(folder)) {
        return 0;
    }
    if (fs_make_folders(folder, e) < 0) {
        return -1;
    }
    while ((end = strrchr(folder, '/')) != NULL &&
           (size_t)(end - folder) >= top) {
        *end = '\0';
        if (fs_sync_folder(folder, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- data files ----------------------------------------------------------------- */

int delta_place(struct delta *t, const char *name, char path[FS_PATH_MAX],
                struct err *e)
{
    if (t->folder != NULL) {
        return fs_join(path, t->folder, name, e) < 0 ? -1
                                                     : make_folder(t, path, e);
    }
    if (need_temp(t, e) < 0) {
        return -1;
    }
    name = strrchr(name, '/') != NULL ? strrchr(name, '/') + 1 : name;
    return fs_join(path, t->temp, name, e);
}

int delta_send(struct delta *t, const char *key, const char *path,
               struct err *e)
{
    int rc;

    if (t->folder != NULL) {
        return 0; /* it was written where it belongs */
    }
    rc = store_put_file(t->store, key, path, STORE_REPLACE, e);
    (void)unlink(path);
    return rc;
}

int delta_drop(struct delta *t, const char *key, struct err *e)
{
    return store_delete(t->store, key, e);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Without %XX; its length, though the key is cut to what fits. */
static size_t unescape(struct slice path, char key[STORE_KEY_MAX + 1])
{
    size_t n = 0;

    for (size_t i = 0; i < path.len; n++) {
        bool whole = path.ptr[i] == '%' && path.len - i > 2;
        int high = whole ? hex_value(path.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_value(path.ptr[i + 2]) : -1;

        if (n < STORE_KEY_MAX) {
            key[n] = low >= 0 ? (char)(high * 16 + low) : path.ptr[i];
        }
        i += low >= 0 ? 3 : 1;
    }
    key[n < STORE_KEY_MAX ? n : STORE_KEY_MAX] = '\0';
    return n;
}

void delta_key_of(const char *path, char key[STORE_KEY_MAX + 1])
{
    (void)unescape(slice_of(path), key);
}

/* "scheme:...", as it is spelled; "name=a:b/..." is none. */
static bool has_scheme(struct slice path)
{
    size_t i = 0;

    while (i < path.len && path.ptr[i] != ':' && path.ptr[i] != '/' &&
           path.ptr[i] != '=') {
        i++;
    }
    return i < path.len && path.ptr[i] == ':';
}

/* Does a key lead out of the folder that it is joined to? */
static bool leads_out(struct slice key)
{
    struct slice part;
    bool out = slice_starts(key, SLICE("/"));
    bool more = true;

    while (more && !out) {
        more = slice_cut(&key, '/', &part);
        out = slice_is(part, "..");
    }
    return out;
}

int delta_check_path(struct slice path, struct err *e)
{
    char key[STORE_KEY_MAX + 1];
    struct slice s = {key, unescape(path, key)};

    if (s.len > STORE_KEY_MAX) {
        return err_set(e, ERR_UNAVAILABLE,
                       "the table holds a file whose path \"%.60s...\" is over "
                       "%d bytes",
                       key, STORE_KEY_MAX);
    }
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)key[i] < 0x20 || key[i] == 0x7f) {
            return err_set(e, ERR_CORRUPT,
                           "the path of a file, \"%.*s...\", has a control "
                           "character at byte %zu",
                           (int)i, key, i);
        }
    }
    if (has_scheme(path) || leads_out(s)) {
        return err_set(e, ERR_UNAVAILABLE,
                       "the table holds the file \"%.*s\" outside its folder, "
                       "as shallow clones do, and nothing outside of it is "
                       "read; make a full copy of the table",
                       path.len > 200 ? 200 : (int)path.len, path.ptr);
    }
    return 0;
}

bool delta_is_ours(const char *path)
{
    const char *name =
        strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;

    return strncmp(name, "part-", 5) == 0 &&
           strstr(name, ".zstd.parquet") != NULL &&
           strlen(name) == strlen("part-.zstd.parquet") + 32;
}

int delta_file_path(const struct delta *t, size_t i, char path[FS_PATH_MAX],
                    struct err *e)
{
    char key[STORE_KEY_MAX + 1];
    int n;

    delta_key_of(t->s.files[i].path, key);
    if (t->folder != NULL) {
        return fs_join(path, t->folder, key, e);
    }
    /* copies lie in one folder: '/' of the key would be a folder below it */
    for (char *c = key; *c != '\0'; c++) {
        *c = *c == '/' ? '%' : *c;
    }
    n = snprintf(path, FS_PATH_MAX, "%s/%s", t->temp, key);
    return n < 0 || n >= FS_PATH_MAX
               ? err_set(e, ERR_LIMIT, "path \"%.80s...\" is too long", key)
               : 0;
}

int delta_fetch(struct delta *t, size_t i, struct err *e)
{
    char key[STORE_KEY_MAX + 1];
    char path[FS_PATH_MAX];

    if (t->folder != NULL) {
        return 0;
    }
    delta_key_of(t->s.files[i].path, key);
    if (need_temp(t, e) < 0 || delta_file_path(t, i, path, e) < 0) {
        return -1;
    }
    return fs_exists(path) ? 0 : store_get_file(t->store, key, path, e);
}

/* --- open and close ----------------------------------------------------------------- */

int delta_handle_new(struct delta **ret, const char *url,
                     const struct store_conf *where, struct duck *duck,
                     struct err *e)
{
    struct delta *t = mem_zero(1, sizeof(*t));
    struct store_conf conf = where != NULL ? *where : (struct store_conf){0};

    if (t == NULL) {
        return err_nomem(e, sizeof(*t));
    }
    conf.url = url;
    delta_state_init(&t->s);
    t->checkpointed = -1;
    t->duck = duck;
    t->dir = mem_text(url, strlen(url));
    if (t->dir == NULL) {
        err_nomem(e, strlen(url));
        delta_close(t);
        return -1;
    }
    if (store_open(&t->store, &conf, e) < 0) {
        delta_close(t);
        return -1;
    }
    t->folder = store_folder(t->store);
    *ret = t;
    return 0;
}

void delta_close(struct delta *t)
{
    if (t == NULL) {
        return;
    }
    delta_state_release(&t->s);
    duck_close(t->own);
    store_close(t->store);
    if (t->temp[0] != '\0') {
        struct err ignored; /* copies only */

        if (fs_remove(t->temp, &ignored) < 0) {
            t->temp[0] = '\0';
        }
    }
    mem_free(t->dir);
    mem_free(t);
}
