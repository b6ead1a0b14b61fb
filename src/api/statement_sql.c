#include <string.h>

#include "api/statement.h"
#include "core/text.h"

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_';
}

/* Where what begins at `at` ends: a quoted text, a comment, or one byte. */
static size_t skip(struct slice s, size_t at)
{
    char c = s.ptr[at];
    char then = at + 1 < s.len ? s.ptr[at + 1] : '\0';
    size_t end = at + 1;

    if (c == '\'' || c == '"' || c == '`') {
        while (end < s.len && s.ptr[end] != c) {
            end++;
        }
        return end < s.len ? end + 1 : s.len;
    }
    if (c == '-' && then == '-') {
        while (end < s.len && s.ptr[end] != '\n') {
            end++;
        }
        return end;
    }
    if (c == '/' && then == '*') {
        for (end = at + 2; end + 1 < s.len; end++) {
            if (s.ptr[end] == '*' && s.ptr[end + 1] == '/') {
                return end + 2;
            }
        }
        return s.len;
    }
    return end;
}

static int put_quoted(struct buf *b, struct slice value, struct err *e)
{
    if (buf_putc(b, '\'', e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < value.len; i++) {
        if ((value.ptr[i] == '\'' && buf_putc(b, '\'', e) < 0) ||
            buf_putc(b, value.ptr[i], e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, '\'', e);
}

/* A type's name may hold nothing but letters, digits, blanks, ( ) and ','. */
static bool type_ok(struct slice type)
{
    for (size_t i = 0; i < type.len; i++) {
        if (!name_char(type.ptr[i]) && strchr(" (),", type.ptr[i]) == NULL) {
            return false;
        }
    }
    return type.len > 0 && type.len <= 64;
}

static int put_value(struct buf *b, struct slice name, yyjson_val *parameters,
                     struct err *e)
{
    struct slice key;
    yyjson_val *v;
    size_t i;
    size_t n;

    yyjson_arr_foreach(parameters, i, n, v)
    {
        struct slice type = SLICE("STRING");
        struct slice value;

        if (!json_get_text(v, "name", &key) || !slice_eq(key, name)) {
            continue;
        }
        (void)json_get_text(v, "type", &type);
        if (!type_ok(type)) {
            return err_set(e, ERR_INVALID,
                           "parameter \"%.*s\" has no type \"%.*s\"",
                           SLICE_FMT(name), SLICE_FMT(type));
        }
        if (!json_get_text(v, "value", &value)) {
            return buf_putf(b, e, "CAST(NULL AS %.*s)", SLICE_FMT(type));
        }
        if (text_ascii_ieq(type, SLICE("STRING"))) {
            return put_quoted(b, value, e);
        }
        return buf_puts(b, "CAST(", e) < 0 || put_quoted(b, value, e) < 0 ||
                       buf_putf(b, e, " AS %.*s)", SLICE_FMT(type)) < 0
                   ? -1
                   : 0;
    }
    return err_set(e, ERR_INVALID,
                   "the statement names parameter \":%.*s\", which was not "
                   "given",
                   SLICE_FMT(name));
}

int statement_bind(struct slice sql, yyjson_val *parameters, struct buf *b,
                   struct err *e)
{
    size_t at = 0;

    while (at < sql.len) {
        size_t end = skip(sql, at);
        bool colon = sql.ptr[at] == ':' && (at == 0 || sql.ptr[at - 1] != ':');

        if (colon && end < sql.len && name_char(sql.ptr[end]) &&
            !(sql.ptr[end] >= '0' && sql.ptr[end] <= '9')) {
            struct slice name;

            while (end < sql.len && name_char(sql.ptr[end])) {
                end++;
            }
            name = (struct slice){sql.ptr + at + 1, end - at - 1};
            if (put_value(b, name, parameters, e) < 0) {
                return -1;
            }
        } else if (buf_append(b, (struct slice){sql.ptr + at, end - at}, e) <
                   0) {
            return -1;
        }
        at = end;
    }
    return 0;
}
