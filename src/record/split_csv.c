#include "core/mem.h"
#include "core/text.h"
#include "record/split_int.h"

enum {
    NAME_MAX_LEN = 64 /* bytes of a column's name in a header */
};

/* A word as columns are called: letters, digits, _ - . and blanks inside. */
static bool is_name(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool letter =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool inside = (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                      (c == ' ' && i + 1 < s.len);

        if (!letter && (i == 0 || !inside)) {
            return false;
        }
    }
    return s.len <= NAME_MAX_LEN;
}

static bool is_wanted(const struct split *s, struct slice name)
{
    for (size_t i = 0; i < s->conf.ncolumns; i++) {
        if (slice_is(name, s->conf.columns[i])) {
            return true;
        }
    }
    return s->conf.ncolumns == 0;
}

/* Only the first may have no name, as data frames write their row number. */
static bool is_header(const struct split *s, size_t n)
{
    bool wanted = false;

    for (size_t i = 0; i < n; i++) {
        struct slice name = s->fields[i].text;

        if (!is_name(name) || (name.len == 0 && i > 0)) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (slice_eq(s->fields[j].text, name)) {
                return false;
            }
        }
        wanted = wanted || is_wanted(s, name);
    }
    return n >= 2 && wanted;
}

static int keep_header(struct split *s, size_t n, struct err *e)
{
    s->header_ends = mem_zero(n, sizeof(*s->header_ends));
    if (s->header_ends == NULL) {
        return err_nomem(e, n * sizeof(*s->header_ends));
    }
    for (size_t i = 0; i < n; i++) {
        if (buf_putc(&s->header, i > 0 ? ',' : '{', e) < 0 ||
            json_print_text(&s->header, s->fields[i].text, e) < 0 ||
            buf_putc(&s->header, ':', e) < 0) {
            return -1;
        }
        s->header_ends[i] = s->header.len;
    }
    s->columns = n;
    s->csv = true;
    return 0;
}

/* 1: s->fields has the *ret fields of the record; 0: it is no CSV. */
static int read_fields(struct split *s, struct slice record, size_t *ret,
                       struct err *e)
{
    struct err mine;

    if (csv_fields(record, &s->scratch, s->fields, CSV_FIELDS_MAX, ret,
                   &mine) >= 0) {
        return 1;
    }
    if (mine.code == ERR_NOMEM && e != NULL) {
        *e = mine;
    }
    return mine.code == ERR_NOMEM ? -1 : 0;
}

int split_csv_header(struct split *s, struct slice record, struct err *e)
{
    size_t n = 0;
    int rc;

    if (s->fields == NULL) {
        s->fields = mem_zero(CSV_FIELDS_MAX, sizeof(*s->fields));
    }
    if (s->fields == NULL) {
        return err_nomem(e, CSV_FIELDS_MAX * sizeof(*s->fields));
    }
    rc = read_fields(s, record, &n, e);
    if (rc <= 0) {
        return rc;
    }
    return is_header(s, n) ? keep_header(s, n, e) : 0;
}

static int put_field(struct split *s, size_t i, struct err *e)
{
    size_t from = i > 0 ? s->header_ends[i - 1] : 0;
    const struct csv_field *f = &s->fields[i];

    if (buf_append(
            &s->object,
            (struct slice){s->header.ptr + from, s->header_ends[i] - from},
            e) < 0) {
        return -1;
    }
    return f->text.len > 0 || f->quoted
               ? json_print_text(&s->object, f->text, e)
               : buf_puts(&s->object, "null", e);
}

int split_csv_object(struct split *s, struct slice record, struct err *e)
{
    size_t n = 0;
    int rc = read_fields(s, record, &n, e);

    if (rc <= 0) {
        return rc;
    }
    if (n != s->columns || !text_utf8_valid(record, NULL)) {
        return 0;
    }
    buf_clear(&s->object);
    for (size_t i = 0; i < n; i++) {
        if (put_field(s, i, e) < 0) {
            return -1;
        }
    }
    return buf_putc(&s->object, '}', e) < 0 ? -1 : 1;
}
