#include "cli/worker_chunks.h"

#include <inttypes.h>

#include "record/batch_json.h"
#include "json/json.h"

enum {
    HEAD_BYTES = 16 << 20,
    CELL_BYTES = 128 << 20
};

struct pen {
    const struct batch *rows;
    const struct worker_request *limits;
    struct buf columns; /* the head's array, and */
    struct buf chunks;  /* the other one */
    struct buf lines;
    struct buf cell;
    int64_t bytes; /* of values, for the limit */
    bool truncated;
};

/* --- columns ------------------------------------------------------------------------ */

/* Types by the names that SQL clients know: a word, and how SQL spells it. */
static const struct {
    const char *name, *text;
} types[] = {
    [COL_INT32] = {"INT", "INT"},
    [COL_INT64] = {"LONG", "BIGINT"},
    [COL_DOUBLE] = {"DOUBLE", "DOUBLE"},
    [COL_TEXT] = {"STRING", "STRING"},
    [COL_TIMESTAMP] = {"TIMESTAMP", "TIMESTAMP"},
    [COL_DOUBLE_LIST] = {"ARRAY", "ARRAY<DOUBLE>"},
    [COL_TEXT_LIST] = {"ARRAY", "ARRAY<STRING>"},
    [COL_POINT] = {"STRUCT", NULL},
    [COL_BOOL] = {"BOOLEAN", "BOOLEAN"},
};

static int put_type(struct pen *p, const struct col_def *def, struct err *e)
{
    const char *name = def->date ? "DATE" : types[def->type].name;
    const char *text = def->date ? name : types[def->type].text;

    if (buf_putf(&p->columns, e, ",\"type_name\":\"%s\",\"type_text\":", name) <
        0) {
        return -1;
    }
    if (text != NULL) {
        return json_print_text(&p->columns, slice_of(text), e);
    }
    buf_clear(&p->cell);
    return buf_putf(&p->cell, e, "STRUCT<%s: DOUBLE, %s: DOUBLE>",
                    def->fields[0], def->fields[1]) < 0
               ? -1
               : json_print_text(&p->columns, buf_slice(&p->cell), e);
}

static int put_columns(struct pen *p, struct err *e)
{
    for (size_t i = 0; i < p->rows->columns; i++) {
        const struct col_def *def = &p->rows->defs[i];

        if (buf_puts(&p->columns, i > 0 ? ",{\"name\":" : "{\"name\":", e) <
                0 ||
            json_print_text(&p->columns, slice_of(def->name), e) < 0 ||
            buf_putf(&p->columns, e, ",\"position\":%zu", i) < 0 ||
            put_type(p, def, e) < 0 || buf_putc(&p->columns, '}', e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- rows --------------------------------------------------------------------------- */

/* A value as a JSON text, or null. */
static int put_value(struct pen *p, size_t col, size_t row, struct err *e)
{
    buf_clear(&p->cell);
    if (batch_json_value(p->rows, col, row, &p->cell, e) < 0) {
        return -1;
    }
    p->bytes += (int64_t)p->cell.len;
    if (p->cell.ptr[0] == '"' || slice_is(buf_slice(&p->cell), "null")) {
        return buf_append(&p->lines, buf_slice(&p->cell), e);
    }
    return json_print_text(&p->lines, buf_slice(&p->cell), e);
}

/* Whether row number `row` went; what passes a limit does not. */
static int put_row(struct pen *p, size_t row, bool comma, bool *ret,
                   struct err *e)
{
    const struct worker_request *r = p->limits;
    size_t before = p->lines.len;

    *ret = false;
    if (r->row_limit > 0 && (int64_t)row >= r->row_limit) {
        return 0;
    }
    if (comma && buf_putc(&p->lines, ',', e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < p->rows->columns; i++) {
        if (buf_putc(&p->lines, i > 0 ? ',' : '[', e) < 0 ||
            put_value(p, i, row, e) < 0) {
            return -1;
        }
    }
    *ret = r->byte_limit <= 0 || p->bytes <= r->byte_limit;
    if (!*ret) {
        p->lines.len = before;
        return 0;
    }
    return buf_putc(&p->lines, ']', e);
}

/* One line, from row *at on, which moves behind it. */
static int put_chunk(struct pen *p, size_t *at, struct err *e)
{
    size_t start = p->lines.len;
    size_t first = *at;
    bool went = true;

    if (buf_putc(&p->lines, '[', e) < 0) {
        return -1;
    }
    while (*at < p->rows->rows && p->lines.len - start < WORKER_CHUNK_BYTES) {
        if (put_row(p, *at, *at > first, &went, e) < 0) {
            return -1;
        }
        if (!went) {
            p->truncated = true;
            break;
        }
        (*at)++;
    }
    if (!went && first > 0 && *at == first) {
        p->lines.len = start; /* a chunk of nothing */
        return 0;
    }
    if (buf_puts(&p->lines, "]\n", e) < 0) {
        return -1;
    }
    return buf_putf(&p->chunks, e, "%s{\"rows\":%zu,\"bytes\":%zu}",
                    first > 0 ? "," : "", *at - first,
                    p->lines.len - start - 1);
}

static int put_rows(struct pen *p, struct err *e)
{
    size_t at = 0;

    do {
        if (put_chunk(p, &at, e) < 0) {
            return -1;
        }
    } while (at < p->rows->rows && !p->truncated);
    return 0;
}

/* --- the whole ---------------------------------------------------------------------- */

int worker_chunks_write(const struct batch *rows,
                        const struct worker_request *r, FILE *out,
                        struct err *e)
{
    struct pen p = {.rows = rows, .limits = r};
    int rc = -1;

    buf_init(&p.columns, HEAD_BYTES);
    buf_init(&p.chunks, HEAD_BYTES);
    buf_init(&p.lines, WORKER_ANSWER_MAX);
    buf_init(&p.cell, CELL_BYTES);
    if (put_columns(&p, e) == 0 && put_rows(&p, e) == 0) {
        (void)fprintf(out, "{\"columns\":[%.*s],\"chunks\":[%.*s],",
                      SLICE_FMT(buf_slice(&p.columns)),
                      SLICE_FMT(buf_slice(&p.chunks)));
        (void)fprintf(out, "\"truncated\":%s}\n",
                      p.truncated ? "true" : "false");
        (void)fwrite(p.lines.ptr, 1, p.lines.len, out);
        rc = 0;
    }
    buf_release(&p.columns);
    buf_release(&p.chunks);
    buf_release(&p.lines);
    buf_release(&p.cell);
    return rc;
}
