#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "lake/delta_int.h"
#include "json/json.h"

enum {
    READER_VERSION = 1, /* what we understand and write */
    WRITER_VERSION = 2
};

void delta_state_init(struct delta_state *s)
{
    memset(s, 0, sizeof(*s));
    s->version = -1;
}

static void free_pairs(struct delta_pair *pairs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mem_free(pairs[i].name);
        mem_free(pairs[i].value);
    }
    mem_free(pairs);
}

static void free_texts(char **texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mem_free(texts[i]);
    }
    mem_free(texts);
}

static void free_file(struct delta_file *f)
{
    mem_free(f->path);
    mem_free(f->values);
    mem_free(f->stats);
}

void delta_state_release(struct delta_state *s)
{
    mem_free(s->id);
    mem_free(s->schema);
    free_texts(s->parts, s->nparts);
    free_pairs(s->props, s->nprops);
    free_pairs(s->apps, s->napps);
    mem_free(s->app_versions);
    for (size_t i = 0; i < s->nfiles; i++) {
        free_file(&s->files[i]);
    }
    mem_free(s->files);
    mem_free(s->slots);
    for (size_t i = 0; i < s->ngone; i++) {
        mem_free(s->gone[i].path);
    }
    mem_free(s->gone);
    delta_state_init(s);
}

static int copy(struct slice s, char **ret, struct err *e)
{
    char *text = mem_text(s.ptr, s.len);

    if (text == NULL) {
        return err_nomem(e, s.len + 1);
    }
    *ret = text;
    return 0;
}

static int copy_member(yyjson_val *o, const char *key, char **ret,
                       struct err *e)
{
    struct slice s;
    char *text = NULL;

    if (!json_get_text(o, key, &s)) {
        return err_set(e, ERR_CORRUPT, "the text \"%s\" is missing", key);
    }
    if (copy(s, &text, e) < 0) {
        return -1;
    }
    mem_free(*ret);
    *ret = text;
    return 0;
}

/* --- single actions ----------------------------------------------------------- */

static int apply_protocol(struct delta_state *s, yyjson_val *o, struct err *e)
{
    int64_t reader = 0;
    int64_t writer = 0;

    if (!json_get_i64(o, "minReaderVersion", &reader) ||
        !json_get_i64(o, "minWriterVersion", &writer)) {
        return err_set(e, ERR_CORRUPT, "the protocol has no versions");
    }
    if (reader > READER_VERSION) {
        return err_set(e, ERR_UNAVAILABLE,
                       "the table needs Delta reader version %lld; version %d "
                       "is understood",
                       (long long)reader, READER_VERSION);
    }
    s->min_reader = (int)reader;
    s->min_writer = writer > INT16_MAX ? INT16_MAX : (int)writer;
    return 0;
}

static int apply_parts(struct delta_state *s, yyjson_val *names, struct err *e)
{
    size_t n = yyjson_arr_size(names);

    free_texts(s->parts, s->nparts);
    s->parts = NULL;
    s->nparts = 0;
    if (n == 0) {
        return 0;
    }
    if (n > DELTA_PARTS_MAX) {
        return err_set(e, ERR_UNAVAILABLE,
                       "the table has %zu partition columns; %d are understood",
                       n, DELTA_PARTS_MAX);
    }
    s->parts = mem_zero(n, sizeof(*s->parts));
    if (s->parts == NULL) {
        return err_nomem(e, n * sizeof(*s->parts));
    }
    for (; s->nparts < n; s->nparts++) {
        yyjson_val *v = yyjson_arr_get(names, s->nparts);

        if (!yyjson_is_str(v)) {
            return err_set(e, ERR_CORRUPT, "a partition column has no name");
        }
        if (copy((struct slice){yyjson_get_str(v), yyjson_get_len(v)},
                 &s->parts[s->nparts], e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int apply_props(struct delta_state *s, yyjson_val *conf, struct err *e)
{
    struct delta_pair *props = NULL;
    size_t n = yyjson_obj_size(conf);
    yyjson_obj_iter it;
    yyjson_val *key;

    free_pairs(s->props, s->nprops);
    s->props = NULL;
    s->nprops = 0;
    if (n == 0) {
        return 0;
    }
    props = mem_zero(n, sizeof(*props));
    if (props == NULL) {
        return err_nomem(e, n * sizeof(*props));
    }
    s->props = props;
    yyjson_obj_iter_init(conf, &it);
    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        yyjson_val *v = yyjson_obj_iter_get_val(key);
        struct slice name = {yyjson_get_str(key), yyjson_get_len(key)};
        struct slice value = SLICE("");

        if (yyjson_is_str(v)) {
            value = (struct slice){yyjson_get_str(v), yyjson_get_len(v)};
        }
        if (copy(name, &props[s->nprops].name, e) < 0) {
            return -1;
        }
        if (copy(value, &props[s->nprops++].value, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int apply_metadata(struct delta_state *s, yyjson_val *o, struct err *e)
{
    if (copy_member(o, "id", &s->id, e) < 0 ||
        copy_member(o, "schemaString", &s->schema, e) < 0) {
        return -1;
    }
    if (!json_get_i64(o, "createdTime", &s->created_ms)) {
        s->created_ms = 0;
    }
    if (apply_parts(s, json_get(o, "partitionColumns"), e) < 0) {
        return -1;
    }
    return apply_props(s, json_get(o, "configuration"), e);
}

static int apply_txn(struct delta_state *s, yyjson_val *o, struct err *e)
{
    struct delta_pair *apps;
    int64_t *versions;
    struct slice app;
    int64_t version;

    if (!json_get_text(o, "appId", &app) ||
        !json_get_i64(o, "version", &version)) {
        return err_set(e, ERR_CORRUPT, "a txn lacks appId or version");
    }
    for (size_t i = 0; i < s->napps; i++) {
        if (slice_is(app, s->apps[i].name)) {
            s->app_versions[i] = version;
            return 0;
        }
    }
    apps = mem_resize(s->apps, s->napps + 1, sizeof(*apps));
    if (apps == NULL) {
        return err_nomem(e, sizeof(*apps));
    }
    s->apps = apps;
    versions = mem_resize(s->app_versions, s->napps + 1, sizeof(*versions));
    if (versions == NULL) {
        return err_nomem(e, sizeof(*versions));
    }
    s->app_versions = versions;
    memset(&apps[s->napps], 0, sizeof(*apps));
    if (copy(app, &apps[s->napps].name, e) < 0) {
        return -1;
    }
    versions[s->napps++] = version;
    return 0;
}

/* --- paths -------------------------------------------------------------------- */

static size_t slot_of(const struct delta_state *s, struct slice path)
{
    struct hash_key key = {{1, 2, 3, 4}};
    size_t i = (size_t)hash_bytes(&key, path).a & (s->nslots - 1);

    while (s->slots[i] != 0 &&
           (s->files[s->slots[i] - 1].path == NULL ||
            !slice_is(path, s->files[s->slots[i] - 1].path))) {
        i = (i + 1) & (s->nslots - 1);
    }
    return i;
}

static struct delta_file *find_file(const struct delta_state *s,
                                    struct slice path)
{
    size_t i = s->nslots > 0 ? slot_of(s, path) : 0;

    return s->nslots > 0 && s->slots[i] != 0 ? &s->files[s->slots[i] - 1]
                                             : NULL;
}

static void index_all(struct delta_state *s)
{
    memset(s->slots, 0, s->nslots * sizeof(*s->slots));
    for (size_t i = 0; i < s->nfiles; i++) {
        s->slots[slot_of(s, slice_of(s->files[i].path))] = (uint32_t)i + 1;
    }
}

/* Take the holes out, in order. */
static void sweep(struct delta_state *s)
{
    size_t kept = 0;

    if (!s->holes) {
        return;
    }
    for (size_t i = 0; i < s->nfiles; i++) {
        if (s->files[i].path != NULL) {
            s->files[kept++] = s->files[i];
        }
    }
    s->nfiles = kept;
    s->holes = false;
    index_all(s);
}

/* Room for one more file; no holes are left behind it. */
static int grow(struct delta_state *s, struct err *e)
{
    size_t cap = s->files_cap > 0 ? 2 * s->files_cap : 16;
    struct delta_file *files;
    uint32_t *slots;

    if (s->nfiles < s->files_cap) {
        return 0;
    }
    sweep(s);
    files = mem_resize(s->files, cap, sizeof(*files));
    if (files == NULL) {
        return err_nomem(e, cap * sizeof(*files));
    }
    s->files = files;
    s->files_cap = cap;
    slots = mem_zero(2 * cap, sizeof(*slots));
    if (slots == NULL) {
        s->files_cap = s->nfiles;
        return err_nomem(e, 2 * cap * sizeof(*slots));
    }
    mem_free(s->slots);
    s->slots = slots;
    s->nslots = 2 * cap;
    index_all(s);
    return 0;
}

static void drop_file(struct delta_state *s, struct slice path)
{
    struct delta_file *f = find_file(s, path);

    if (f != NULL) {
        free_file(f);
        f->path = NULL;
        f->values = NULL;
        f->stats = NULL;
        s->holes = true;
    }
}

bool delta_state_has(const struct delta_state *s, const char *path)
{
    return find_file(s, slice_of(path)) != NULL;
}

void delta_state_forget(struct delta_state *s, int64_t before_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->ngone; i++) {
        if (s->gone[i].time_ms < before_ms) {
            mem_free(s->gone[i].path);
        } else {
            s->gone[kept++] = s->gone[i];
        }
    }
    s->ngone = kept;
}

/* How many rows the statistics promise, -1 when they do not say; what is no
 * JSON says nothing. */
static int read_stats(struct delta_file *f, struct err *e)
{
    struct err why = {0};
    struct json_doc doc;

    f->rows = -1;
    if (f->stats == NULL) {
        return 0;
    }
    if (json_parse(&doc, slice_of(f->stats), JSON_NUMBERS, NULL, &why) < 0) {
        return why.code == ERR_NOMEM ? err_nomem(e, strlen(f->stats)) : 0;
    }
    if (!json_get_i64(doc.root, "numRecords", &f->rows)) {
        f->rows = -1;
    }
    f->columns = yyjson_obj_size(json_get(doc.root, "nullCount"));
    json_release(&doc);
    return 0;
}

/* The values of partition columns: an object of texts and nulls. */
static int copy_values(struct delta_file *f, yyjson_val *o, struct err *e)
{
    yyjson_val *values = json_get(o, "partitionValues");
    yyjson_obj_iter it;
    yyjson_val *key;
    struct buf b;
    int rc;

    if (yyjson_obj_size(values) == 0) {
        return 0;
    }
    yyjson_obj_iter_init(values, &it);
    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        yyjson_val *v = yyjson_obj_iter_get_val(key);

        if (!yyjson_is_str(v) && !yyjson_is_null(v)) {
            return err_set(e, ERR_CORRUPT,
                           "the partition value \"%s\" is no text",
                           yyjson_get_str(key));
        }
    }
    buf_init(&b, DELTA_LOG_MAX);
    rc = json_print(&b, values, 0, e);
    if (rc == 0) {
        rc = copy(buf_slice(&b), &f->values, e);
    }
    buf_release(&b);
    return rc;
}

static int apply_add(struct delta_state *s, yyjson_val *o, struct err *e)
{
    struct delta_file f = {.rows = -1};
    struct slice path;
    struct slice stats;

    if (yyjson_is_obj(json_get(o, "deletionVector"))) {
        return err_set(e, ERR_UNAVAILABLE,
                       "the table has deletion vectors, which are not "
                       "understood");
    }
    if (!json_get_text(o, "path", &path) || path.len == 0) {
        return err_set(e, ERR_CORRUPT, "an add has no path");
    }
    if (delta_check_path(path, e) < 0) {
        return -1;
    }
    drop_file(s, path);
    if (grow(s, e) < 0) {
        return -1;
    }
    (void)json_get_i64(o, "size", &f.bytes);
    (void)json_get_i64(o, "modificationTime", &f.time_ms);
    if (copy(path, &f.path, e) < 0 || copy_values(&f, o, e) < 0 ||
        (json_get_text(o, "stats", &stats) && stats.len > 0 &&
         copy(stats, &f.stats, e) < 0) ||
        read_stats(&f, e) < 0) {
        free_file(&f);
        return -1;
    }
    s->files[s->nfiles++] = f;
    s->slots[slot_of(s, slice_of(f.path))] = (uint32_t)s->nfiles;
    return 0;
}

static int apply_remove(struct delta_state *s, yyjson_val *o, struct err *e)
{
    struct delta_gone g = {0};
    struct slice path;

    if (!json_get_text(o, "path", &path)) {
        return err_set(e, ERR_CORRUPT, "a remove has no path");
    }
    drop_file(s, path);
    if (s->ngone == s->gone_cap) {
        size_t cap = s->gone_cap > 0 ? 2 * s->gone_cap : 16;
        struct delta_gone *gone = mem_resize(s->gone, cap, sizeof(*gone));

        if (gone == NULL) {
            return err_nomem(e, cap * sizeof(*gone));
        }
        s->gone = gone;
        s->gone_cap = cap;
    }
    if (!json_get_i64(o, "deletionTimestamp", &g.time_ms)) {
        g.time_ms = 0;
    }
    if (copy(path, &g.path, e) < 0) {
        return -1;
    }
    s->gone[s->ngone++] = g;
    return 0;
}

static int apply_line(struct delta_state *s, struct slice line, struct err *e)
{
    static const struct {
        const char *name;
        int (*apply)(struct delta_state *s, yyjson_val *o, struct err *e);
    } actions[] = {
        {"add", apply_add},           {"metaData", apply_metadata},
        {"protocol", apply_protocol}, {"remove", apply_remove},
        {"txn", apply_txn},
    };
    struct json_doc doc;
    int rc = 0;

    if (json_parse(&doc, line, JSON_NUMBERS, NULL, e) < 0) {
        if (e != NULL && e->code == ERR_MALFORMED) {
            e->code = ERR_CORRUPT;
        }
        return -1;
    }
    /* other actions (commitInfo, cdc, ...) say nothing about the rows */
    for (size_t i = 0; i < ARRAY_LEN(actions) && rc == 0; i++) {
        yyjson_val *o = json_get(doc.root, actions[i].name);

        if (yyjson_is_obj(o)) {
            rc = actions[i].apply(s, o, e);
        }
    }
    json_release(&doc);
    return rc;
}

int delta_state_apply(struct delta_state *s, struct slice lines,
                      const char *what, struct err *e)
{
    struct slice line;
    int number = 0;
    bool more = true;
    int rc = 0;

    while (more && rc == 0) {
        more = slice_cut(&lines, '\n', &line);
        number++;
        if (slice_trim(line).len > 0 && apply_line(s, line, e) < 0) {
            rc = err_wrap(e, "Delta log \"%s\" line %d", what, number);
        }
    }
    sweep(s);
    return rc;
}

int64_t delta_state_position(const struct delta_state *s, const char *app)
{
    for (size_t i = 0; i < s->napps; i++) {
        if (strcmp(s->apps[i].name, app) == 0) {
            return s->app_versions[i];
        }
    }
    return -1;
}

const char *delta_state_prop(const struct delta_state *s, const char *name)
{
    for (size_t i = 0; i < s->nprops; i++) {
        if (strcmp(s->props[i].name, name) == 0) {
            return s->props[i].value;
        }
    }
    return NULL;
}

int delta_state_lines(const struct delta_state *s, struct buf *b, struct err *e)
{
    if (delta_put_protocol(b, e) < 0 || delta_put_metadata(b, s, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < s->napps; i++) {
        if (delta_put_txn(b, s->apps[i].name, s->app_versions[i], 0, e) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < s->ngone; i++) {
        if (!delta_state_has(s, s->gone[i].path) &&
            delta_put_remove(b, s->gone[i].path, false, s->gone[i].time_ms, e) <
                0) {
            return -1;
        }
    }
    for (size_t i = 0; i < s->nfiles; i++) {
        if (delta_put_add(b, &s->files[i], true, e) < 0) {
            return -1;
        }
    }
    return 0;
}
