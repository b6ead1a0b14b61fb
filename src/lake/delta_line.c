#include <string.h>

#include "lake/delta_int.h"
#include "json/json.h"

/* Append "key": and a text, or nothing else than the two. */
static int put_pair(struct buf *b, const char *key, const char *value,
                    struct err *e)
{
    if (json_print_text(b, slice_of(key), e) < 0 || buf_putc(b, ':', e) < 0) {
        return -1;
    }
    return json_print_text(b, slice_of(value), e);
}

int delta_put_protocol(struct buf *b, struct err *e)
{
    return buf_puts(
        b, "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n",
        e);
}

int delta_put_metadata(struct buf *b, const struct delta_state *s,
                       struct err *e)
{
    if (buf_puts(b, "{\"metaData\":{", e) < 0 ||
        put_pair(b, "id", s->id, e) < 0 ||
        buf_puts(b, ",\"format\":{\"provider\":\"parquet\",\"options\":{}},",
                 e) < 0 ||
        put_pair(b, "schemaString", s->schema, e) < 0 ||
        buf_puts(b, ",\"partitionColumns\":[", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < s->nparts; i++) {
        if ((i > 0 && buf_putc(b, ',', e) < 0) ||
            json_print_text(b, slice_of(s->parts[i]), e) < 0) {
            return -1;
        }
    }
    if (buf_puts(b, "],\"configuration\":{", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < s->nprops; i++) {
        if ((i > 0 && buf_putc(b, ',', e) < 0) ||
            put_pair(b, s->props[i].name, s->props[i].value, e) < 0) {
            return -1;
        }
    }
    return buf_putf(b, e, "},\"createdTime\":%lld}}\n",
                    (long long)s->created_ms);
}

int delta_put_txn(struct buf *b, const char *app, int64_t version,
                  int64_t time_ms, struct err *e)
{
    if (buf_puts(b, "{\"txn\":{", e) < 0 || put_pair(b, "appId", app, e) < 0 ||
        buf_putf(b, e, ",\"version\":%lld", (long long)version) < 0 ||
        (time_ms > 0 &&
         buf_putf(b, e, ",\"lastUpdated\":%lld", (long long)time_ms) < 0)) {
        return -1;
    }
    return buf_puts(b, "}}\n", e);
}

int delta_put_add(struct buf *b, const struct delta_file *f, bool change,
                  struct err *e)
{
    if (buf_puts(b, "{\"add\":{", e) < 0 || put_pair(b, "path", f->path, e) ||
        buf_putf(b, e,
                 ",\"partitionValues\":%s,\"size\":%lld,"
                 "\"modificationTime\":%lld,\"dataChange\":%s",
                 f->values != NULL ? f->values : "{}", (long long)f->bytes,
                 (long long)f->time_ms, change ? "true" : "false") < 0) {
        return -1;
    }
    if (f->stats != NULL &&
        (buf_putc(b, ',', e) < 0 || put_pair(b, "stats", f->stats, e) < 0)) {
        return -1;
    }
    return buf_puts(b, "}}\n", e);
}

int delta_put_remove(struct buf *b, const char *path, bool change,
                     int64_t time_ms, struct err *e)
{
    if (buf_puts(b, "{\"remove\":{", e) < 0 || put_pair(b, "path", path, e)) {
        return -1;
    }
    return buf_putf(b, e, ",\"deletionTimestamp\":%lld,\"dataChange\":%s}}\n",
                    (long long)time_ms, change ? "true" : "false");
}

int delta_put_info(struct buf *b, const struct delta_change *c, int64_t time_ms,
                   const char *id, struct err *e)
{
    const char *mode = c->rearrange ? ""
                       : c->replace ? "\"mode\":\"Overwrite\""
                                    : "\"mode\":\"Append\"";

    if (buf_putf(b, e, "{\"commitInfo\":{\"timestamp\":%lld,",
                 (long long)time_ms) < 0 ||
        put_pair(b, "operation", c->operation, e) < 0) {
        return -1;
    }
    return buf_putf(b, e,
                    ",\"operationParameters\":{%s},\"isBlindAppend\":%s,"
                    "\"engineInfo\":\"pinline/%s\",\"txnId\":\"%s\"}}\n",
                    mode, c->replace || c->rearrange ? "false" : "true",
                    PINLINE_VERSION, id);
}

/* --- the schema ------------------------------------------------------------------ */

static int put_type(struct buf *b, const struct col_def *def, struct err *e)
{
    static const char *const names[] = {
        [COL_INT32] = "\"integer\"",
        [COL_INT64] = "\"long\"",
        [COL_DOUBLE] = "\"double\"",
        [COL_TEXT] = "\"string\"",
        [COL_TIMESTAMP] = "\"timestamp\"",
        [COL_DOUBLE_LIST] = "{\"type\":\"array\",\"elementType\":\"double\","
                            "\"containsNull\":true}",
        [COL_TEXT_LIST] = "{\"type\":\"array\",\"elementType\":\"string\","
                          "\"containsNull\":true}",
        [COL_BOOL] = "\"boolean\"",
    };

    if (def->type != COL_POINT) {
        return buf_puts(b, names[def->type], e);
    }
    if (buf_puts(b, "{\"type\":\"struct\",\"fields\":[", e) < 0) {
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        if (buf_puts(b, i > 0 ? ",{" : "{", e) < 0 ||
            put_pair(b, "name", def->fields[i], e) < 0 ||
            buf_puts(b,
                     ",\"type\":\"double\",\"nullable\":true,"
                     "\"metadata\":{}}",
                     e) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "]}", e);
}

int delta_schema_text(struct buf *b, const struct col_def *defs, size_t columns,
                      struct err *e)
{
    if (buf_puts(b, "{\"type\":\"struct\",\"fields\":[", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < columns; i++) {
        if (buf_puts(b, i > 0 ? ",{" : "{", e) < 0 ||
            put_pair(b, "name", defs[i].name, e) < 0 ||
            buf_puts(b, ",\"type\":", e) < 0 || put_type(b, &defs[i], e) < 0 ||
            buf_puts(b, ",\"nullable\":true,\"metadata\":{", e) < 0 ||
            (defs[i].comment != NULL &&
             put_pair(b, "comment", defs[i].comment, e) < 0) ||
            buf_puts(b, "}}", e) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "]}", e);
}
