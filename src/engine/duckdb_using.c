#include "engine/duckdb_int.h"

#include <string.h>

#include "core/text.h"

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_';
}

/* Cut the next word, or one other character; empty at the end. */
static struct slice next(struct slice *rest)
{
    size_t n = 0;
    struct slice word;

    while (rest->len > 0 && strchr(" \t\r\n", rest->ptr[0]) != NULL) {
        *rest = slice_from(*rest, 1);
    }
    while (n < rest->len && is_word(rest->ptr[n])) {
        n++;
    }
    n = n == 0 && rest->len > 0 ? 1 : n;
    word = (struct slice){rest->ptr, n};
    *rest = slice_from(*rest, n);
    return word;
}

static bool is(struct slice word, const char *want)
{
    return text_ascii_ieq(word, slice_of(want));
}

static bool is_name(struct slice word)
{
    return word.len > 0 && is_word(word.ptr[0]);
}

/* "JOIN name USING ( key )", of the same key as before. */
static bool read_join(struct slice *rest, struct duckdb_using *ret)
{
    struct slice table;
    struct slice key;

    if (ret->n == DUCKDB_USING_MAX || !is(next(rest), "JOIN")) {
        return false;
    }
    table = next(rest);
    if (!is_name(table) || !is(next(rest), "USING") || !is(next(rest), "(")) {
        return false;
    }
    key = next(rest);
    if (!is_name(key) || !is(next(rest), ")") ||
        (ret->n > 1 && !text_ascii_ieq(key, ret->key))) {
        return false;
    }
    ret->tables[ret->n++] = table;
    ret->key = key;
    return true;
}

/* What stands behind a FROM, up to the end. */
static bool read_tail(struct slice rest, struct duckdb_using *ret)
{
    ret->tables[0] = next(&rest);
    ret->n = 1;
    if (!is_name(ret->tables[0])) {
        return false;
    }
    rest = slice_trim(rest);
    while (rest.len > 0) {
        if (!read_join(&rest, ret)) {
            return false;
        }
        rest = slice_trim(rest);
    }
    return ret->n > 1;
}

bool duckdb_using_read(struct slice select, struct duckdb_using *ret)
{
    struct slice rest = select;
    struct slice word = next(&rest);

    /* names of a WITH would hide tables */
    if (!is(word, "SELECT")) {
        return false;
    }
    while (rest.len > 0) {
        word = next(&rest);
        if (is(word, "*")) {
            return false;
        }
        if (is(word, "FROM") && read_tail(rest, ret)) {
            ret->head =
                (struct slice){select.ptr, (size_t)(word.ptr - select.ptr)};
            return true;
        }
    }
    return false;
}
