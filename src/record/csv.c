#include "record/csv.h"

#include <string.h>

/* From behind an opening quote to behind the closing one; NULL: it is open. */
static const char *skip_quoted(const char *at, const char *end)
{
    while (at < end) {
        const char *quote = memchr(at, '"', (size_t)(end - at));

        if (quote == NULL) {
            return NULL;
        }
        if (quote + 1 == end || quote[1] != '"') {
            return quote + 1;
        }
        at = quote + 2;
    }
    return NULL;
}

/* From inside a field to the comma or LF that ends it, or to the end. */
static const char *skip_plain(const char *at, const char *end)
{
    while (at < end && *at != ',' && *at != '\n') {
        at++;
    }
    return at;
}

bool csv_record(struct slice s, bool last, size_t *ret_len, size_t *ret_all)
{
    const char *end = s.ptr + s.len;
    const char *at = s.ptr;
    size_t len;

    for (;;) {
        if (at < end && *at == '"') {
            at = skip_quoted(at + 1, end);
            if (at == NULL || (at == end && !last)) {
                return false; /* a quote at the very end may be the first of
                                 two */
            }
        }
        at = skip_plain(at, end);
        if (at == end) {
            if (!last) {
                return false;
            }
            *ret_len = s.len;
            *ret_all = s.len;
            return true;
        }
        if (*at == '\n') {
            break;
        }
        at++;
    }
    len = (size_t)(at - s.ptr);
    *ret_all = len + 1;
    *ret_len = len > 0 && s.ptr[len - 1] == '\r' ? len - 1 : len;
    return true;
}

/* The text between quotes, which are [from, to), with its pairs made one. */
static int unquote(const char *from, const char *to, struct buf *scratch,
                   struct slice *ret, struct err *e)
{
    size_t start = scratch->len;
    const char *quote = memchr(from, '"', (size_t)(to - from));

    if (quote == NULL) {
        *ret = (struct slice){from, (size_t)(to - from)};
        return 0;
    }
    while (quote != NULL) {
        quote++;
        if (buf_append(scratch, (struct slice){from, (size_t)(quote - from)},
                       e) < 0) {
            return -1;
        }
        from = quote + 1;
        quote = memchr(from, '"', (size_t)(to - from));
    }
    if (buf_append(scratch, (struct slice){from, (size_t)(to - from)}, e) < 0) {
        return -1;
    }
    *ret = (struct slice){scratch->ptr + start, scratch->len - start};
    return 0;
}

/* The field at *at; *at moves to the comma behind it or to the end. */
static int field(const char **at, const char *end, struct buf *scratch,
                 struct csv_field *ret, struct err *e)
{
    const char *from = *at;
    const char *to;

    if (from == end || *from != '"') {
        to = memchr(from, ',', (size_t)(end - from));
        to = to != NULL ? to : end;
        *ret = (struct csv_field){{from, (size_t)(to - from)}, false};
        *at = to;
        return 0;
    }
    to = skip_quoted(from + 1, end);
    if (to == NULL) {
        return err_set(e, ERR_MALFORMED,
                       "cannot read CSV: a quoted field does not end");
    }
    if (to < end && *to != ',') {
        return err_set(e, ERR_MALFORMED,
                       "cannot read CSV: text follows a closing quote");
    }
    *at = to;
    ret->quoted = true;
    return unquote(from + 1, to - 1, scratch, &ret->text, e);
}

int csv_fields(struct slice record, struct buf *scratch,
               struct csv_field *fields, size_t max, size_t *ret_n,
               struct err *e)
{
    const char *at = record.len > 0 ? record.ptr : "";
    const char *end = at + record.len;
    size_t n = 0;

    buf_clear(scratch);
    /* all that may go there fits, so that earlier fields do not move */
    if (buf_reserve(scratch, record.len + 1, e) < 0) {
        return -1;
    }
    for (;;) {
        if (n == max) {
            return err_set(e, ERR_LIMIT, "a CSV record has over %zu fields",
                           max);
        }
        if (field(&at, end, scratch, &fields[n], e) < 0) {
            return -1;
        }
        n++;
        if (at == end) {
            break;
        }
        at++;
    }
    *ret_n = n;
    return 0;
}

static bool wants_quotes(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == ',' || s.ptr[i] == '"' || s.ptr[i] == '\n' ||
            s.ptr[i] == '\r') {
            return true;
        }
    }
    return s.len == 0;
}

int csv_print_text(struct buf *b, struct slice s, struct err *e)
{
    struct slice head;
    bool more = wants_quotes(s);

    if (!more) {
        return buf_append(b, s, e);
    }
    if (buf_putc(b, '"', e) < 0) {
        return -1;
    }
    do {
        more = slice_cut(&s, '"', &head);
        if (buf_append(b, head, e) < 0 ||
            (more && buf_append(b, SLICE("\"\""), e) < 0)) {
            return -1;
        }
    } while (more);
    return buf_putc(b, '"', e);
}
