#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/digest.h"
#include "core/inject.h"
#include "core/mem.h"
#include "core/secret.h"
#include "lake/delta_parts_int.h"
#include "lake/stats.h"
#include "json/json.h"

enum {
    STATS_MAX = 1 << 20,
    ID_BYTES = 16,
};

/* --- data files ---------------------------------------------------------------------- */

int delta_random(char hex[33], struct err *e)
{
    uint8_t bytes[ID_BYTES];

    if (secret_random(bytes, sizeof(bytes), e) < 0) {
        return -1;
    }
    digest_hex(bytes, sizeof(bytes), hex);
    return 0;
}

static int make_stats(const struct batch *rows, struct delta_add *a,
                      struct err *e)
{
    struct stats s;
    struct buf b;
    int rc = -1;

    if (stats_init(&s, rows->defs, rows->columns, e) < 0) {
        return -1;
    }
    buf_init(&b, STATS_MAX);
    stats_add(&s, rows);
    a->rows = s.rows;
    if (stats_json(&s, &b, e) == 0) {
        a->stats = mem_text(b.ptr, b.len);
        rc = a->stats != NULL ? 0 : err_nomem(e, b.len);
    }
    buf_release(&b);
    stats_release(&s);
    return rc;
}

static void release_add(struct delta_add *a)
{
    mem_free(a->path);
    mem_free(a->values);
    mem_free(a->stats);
    memset(a, 0, sizeof(*a));
}

void delta_adds_release(struct delta_adds *a)
{
    for (size_t i = 0; i < a->n; i++) {
        release_add(&a->items[i]);
    }
    mem_free(a->items);
    *a = (struct delta_adds){0};
}

struct delta_add *delta_adds_next(struct delta_adds *to, struct err *e)
{
    struct delta_add *more = mem_resize(to->items, to->n + 1, sizeof(*more));

    if (more == NULL) {
        err_nomem(e, (to->n + 1) * sizeof(*more));
        return NULL;
    }
    to->items = more;
    memset(&more[to->n], 0, sizeof(*more));
    return &more[to->n];
}

int delta_new_file(const struct delta *t, const char *values,
                   char key[STORE_KEY_MAX + 1], char **ret_path, struct err *e)
{
    char hex[2 * ID_BYTES + 1];
    struct buf b;
    int n;
    int rc = -1;

    buf_init(&b, (size_t)2 * STORE_KEY_MAX);
    if (delta_random(hex, e) < 0 || delta_part_folder(values, &b, e) < 0) {
        goto out;
    }
    n = snprintf(key, STORE_KEY_MAX + 1, "%.*spart-%s.zstd.parquet", (int)b.len,
                 b.len > 0 ? b.ptr : "", hex);
    if (n < 0 || n > STORE_KEY_MAX) {
        err_set(e, ERR_LIMIT, "table \"%s\": a folder's name is too long",
                t->dir);
        goto out;
    }
    buf_clear(&b);
    for (const char *c = key; *c != '\0'; c++) {
        if ((*c == '%' ? buf_puts(&b, "%25", e) : buf_putc(&b, *c, e)) < 0) {
            goto out;
        }
    }
    *ret_path = mem_text(b.ptr, b.len);
    rc = *ret_path != NULL ? 0 : err_nomem(e, b.len);
out:
    buf_release(&b);
    return rc;
}

int delta_write_file(struct delta *t, const char *values,
                     const struct batch *rows, struct delta_adds *to,
                     struct err *e)
{
    struct delta_add *a = delta_adds_next(to, e);
    char key[STORE_KEY_MAX + 1];
    char path[FS_PATH_MAX];

    if (a == NULL || delta_need_duck(t, e) < 0 ||
        delta_new_file(t, values, key, &a->path, e) < 0) {
        return -1;
    }
    if (values != NULL) {
        a->values = mem_text(values, strlen(values));
    }
    if ((values != NULL && a->values == NULL ? err_nomem(e, strlen(values))
                                             : 0) < 0 ||
        delta_place(t, key, path, e) < 0) {
        release_add(a);
        return -1;
    }
    INJECT(delta_before_data);
    if (make_stats(rows, a, e) < 0 ||
        parquet_write(t->duck, path, &rows, 1, &a->bytes, e) < 0 ||
        delta_send(t, key, path, e) < 0) {
        release_add(a);
        return -1;
    }
    to->n++;
    return 0;
}

int delta_write(struct delta *t, const struct delta_schema *as,
                const struct batch *rows, struct delta_adds *to, struct err *e)
{
    struct delta_parts by = {(const char *const *)t->s.parts, t->s.nparts};

    if (as != NULL) {
        if (delta_parts_valid(as, e) < 0) {
            return err_wrap(e, "table \"%s\"", t->dir);
        }
        by = (struct delta_parts){as->parts, as->nparts};
    }
    return by.n > 0 ? delta_parts_write(t, by, rows, to, e)
                    : delta_write_file(t, NULL, rows, to, e);
}

void delta_unwrite(struct delta *t, const struct delta_adds *a)
{
    struct err ignored; /* vacuum finds them too */
    char key[STORE_KEY_MAX + 1];

    for (size_t i = 0; i < a->n; i++) {
        if (a->items[i].path == NULL) {
            continue;
        }
        delta_key_of(a->items[i].path, key);
        if (delta_drop(t, key, &ignored) < 0) {
            return;
        }
    }
}

/* --- the schema ----------------------------------------------------------------------- */

int delta_put_schema(struct delta *t, const struct delta_schema *schema,
                     int64_t now_ms, struct buf *b, struct err *e)
{
    struct delta_state s = t->s;
    char *parts[DELTA_PARTS_MAX];
    size_t most = t->s.nprops + schema->nprops + 1; /* never none */
    char id[40];
    char hex[2 * ID_BYTES + 1];
    struct buf text;
    const char *made;
    int rc = -1;

    if (delta_parts_valid(schema, e) < 0) {
        return err_wrap(e, "table \"%s\"", t->dir);
    }
    buf_init(&text, DELTA_LOG_MAX);
    s.props = mem_zero(most, sizeof(*s.props));
    if (s.props == NULL) {
        return err_nomem(e, most * sizeof(*s.props));
    }
    s.nprops = 0;
    /* names and values are borrowed; the later one of two wins */
    for (size_t i = 0; i < schema->nprops; i++) {
        s.props[s.nprops].name = (char *)(uintptr_t)schema->props[i].name;
        s.props[s.nprops++].value = (char *)(uintptr_t)schema->props[i].value;
    }
    for (size_t i = 0; i < t->s.nprops; i++) {
        if (delta_state_prop(&s, t->s.props[i].name) == NULL) {
            s.props[s.nprops++] = t->s.props[i];
        }
    }
    for (size_t i = 0; i < schema->nparts; i++) {
        parts[i] = (char *)(uintptr_t)schema->parts[i];
    }
    s.parts = parts;
    s.nparts = schema->nparts;
    if (delta_random(hex, e) < 0) {
        goto out;
    }
    (void)snprintf(id, sizeof(id), "%.8s-%.4s-4%.3s-8%.3s-%.12s", hex, hex + 8,
                   hex + 13, hex + 17, hex + 20);
    if (s.id == NULL) {
        s.id = id;
        s.created_ms = now_ms;
    }
    if (delta_schema_text(&text, schema->defs, schema->columns, e) < 0 ||
        buf_text(&text, &made, e) < 0) {
        goto out;
    }
    s.schema = text.ptr;
    rc = delta_put_metadata(b, &s, e);
out:
    buf_release(&text);
    mem_free(s.props);
    return rc;
}

static int first_difference(yyjson_val *have, yyjson_val *want, bool *ret_more,
                            struct err *e)
{
    size_t n = yyjson_arr_size(have);
    size_t m = yyjson_arr_size(want);

    for (size_t i = 0; i < n; i++) {
        yyjson_val *h = yyjson_arr_get(have, i);
        yyjson_val *w = i < m ? yyjson_arr_get(want, i) : NULL;
        const char *name = yyjson_get_str(json_get(h, "name"));

        if (w == NULL ||
            !yyjson_equals(json_get(h, "name"), json_get(w, "name"))) {
            return err_set(e, ERR_INVALID,
                           "the table has the column \"%s\" where the spec "
                           "has %s%s%s",
                           name, w != NULL ? "\"" : "",
                           w != NULL ? yyjson_get_str(json_get(w, "name"))
                                     : "none",
                           w != NULL ? "\"" : "");
        }
        if (!yyjson_equals(json_get(h, "type"), json_get(w, "type"))) {
            return err_set(e, ERR_INVALID,
                           "the column \"%s\" has another type in the table",
                           name);
        }
    }
    *ret_more = m > n;
    return 0;
}

int delta_check_schema(const struct delta *t, const struct col_def *defs,
                       size_t columns, bool *ret_more, struct err *e)
{
    struct json_doc have = {0};
    struct json_doc want = {0};
    struct buf b;
    int rc = -1;

    buf_init(&b, DELTA_LOG_MAX);
    if (delta_schema_text(&b, defs, columns, e) < 0 ||
        json_parse(&have, slice_of(t->s.schema), JSON_NUMBERS, NULL, e) < 0 ||
        json_parse(&want, buf_slice(&b), JSON_NUMBERS, NULL, e) < 0) {
        goto out;
    }
    rc = first_difference(json_get(have.root, "fields"),
                          json_get(want.root, "fields"), ret_more, e);
    if (rc < 0) {
        err_wrap(e, "table \"%s\"", t->dir);
    }
out:
    json_release(&have);
    json_release(&want);
    buf_release(&b);
    return rc;
}

/* --- names of writers ----------------------------------------------------------------------- */

static int put_escaped(struct buf *b, const char *text, struct err *e)
{
    for (; *text != '\0'; text++) {
        int rc = *text == ':'   ? buf_puts(b, "%3A", e)
                 : *text == '%' ? buf_puts(b, "%25", e)
                                : buf_putc(b, *text, e);

        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

int delta_app(struct buf *b, const char *pipeline, const struct span *where,
              struct err *e)
{
    if (buf_puts(b, "pinline:", e) < 0 || put_escaped(b, pipeline, e) < 0 ||
        buf_putc(b, ':', e) < 0 || put_escaped(b, where->topic, e) < 0) {
        return -1;
    }
    return buf_putf(b, e, ":%lld:%d", (long long)where->epoch,
                    (int)where->partition);
}
