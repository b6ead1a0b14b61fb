#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clean/op_int.h"
#include "core/mem.h"

enum {
    DIGITS_MAX = 24
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

char *op_room(struct op_scratch *s, size_t n)
{
    if (n > s->cap) {
        size_t cap = n + n / 2 + 256;
        char *p = mem_resize(s->p, cap, 1);

        if (p == NULL) {
            s->failed = true;
            return NULL;
        }
        s->p = p;
        s->cap = cap;
    }
    return s->p;
}

void ops_text(const struct op_part *p, struct op_value *v)
{
    yyjson_val *j = v->json;
    char *digits;

    if (yyjson_is_str(j)) {
        v->text = (struct slice){yyjson_get_str(j), yyjson_get_len(j)};
        if (v->text.len > 0 && memchr(v->text.ptr, '\0', v->text.len) != NULL) {
            v->why = CLEAN_VALUE;
        }
        return;
    }
    if (!yyjson_is_int(j) ||
        (yyjson_is_uint(j) && yyjson_get_uint(j) > (uint64_t)INT64_MAX)) {
        v->why = yyjson_is_num(j) ? CLEAN_VALUE : CLEAN_TYPE;
        return;
    }
    digits = op_room(p->scratch, DIGITS_MAX);
    if (digits != NULL) {
        int n = snprintf(digits, DIGITS_MAX, "%" PRId64, yyjson_get_sint(j));

        v->text = (struct slice){digits, (size_t)n};
    }
}

/* A text without outer blanks is a placeholder; also of a field that is to
 * become a number or a time, before it is converted. */
void ops_text_null(const struct op_part *p, struct op_value *v)
{
    const struct spec_texts *nulls = &p->col->nulls;
    struct slice s;

    if (!yyjson_is_str(v->json)) {
        return;
    }
    s = (struct slice){yyjson_get_str(v->json), yyjson_get_len(v->json)};
    s = slice_trim(s);
    for (size_t i = 0; i < nulls->n; i++) {
        if (slice_eq(s, nulls->at[i])) {
            v->why = CLEAN_PLACEHOLDER;
            return;
        }
    }
}

void ops_text_blank(const struct op_part *p, struct op_value *v)
{
    (void)p;
    if (v->text.len == 0 ||
        (is_blank(v->text.ptr[0]) && slice_trim(v->text).len == 0)) {
        v->why = CLEAN_BLANK;
    }
}

void ops_text_strip_prefix(const struct op_part *p, struct op_value *v)
{
    const struct spec_texts *t = &p->col->strip_prefix;

    for (size_t i = 0; i < t->n; i++) {
        if (slice_starts(v->text, t->at[i])) {
            v->text = slice_from(v->text, t->at[i].len);
            if (v->text.len > 0 && is_blank(v->text.ptr[0])) {
                v->text = slice_from(v->text, 1);
            }
            return;
        }
    }
}

/* Where a shorter form of s can be built front to back: the scratch memory,
 * also when s lies in it already. */
static char *shrink_room(struct op_scratch *scratch, struct slice s)
{
    uintptr_t at = (uintptr_t)s.ptr, base = (uintptr_t)scratch->p;

    if (scratch->p != NULL && at >= base && at < base + scratch->cap) {
        return scratch->p;
    }
    return op_room(scratch, s.len);
}

static char item_end(const struct spec_column *c)
{
    return c->split.len > 0 ? c->split.ptr[0] : ',';
}

void ops_text_strip_each(const struct op_part *p, struct op_value *v)
{
    struct slice rest = v->text, item, sign = p->col->strip_each;
    char sep = item_end(p->col);
    char *to;
    size_t n = 0;
    bool more = true;

    if (rest.len == 0 || memchr(rest.ptr, sign.ptr[0], rest.len) == NULL) {
        return;
    }
    to = shrink_room(p->scratch, rest);
    while (to != NULL && more) {
        more = slice_cut(&rest, sep, &item);
        if (slice_starts(item, sign)) {
            item = slice_from(item, sign.len);
        }
        memmove(to + n, item.ptr, item.len);
        n += item.len;
        if (more) {
            to[n++] = sep;
        }
    }
    v->text = (struct slice){to, n};
}

static size_t char_len(unsigned char c)
{
    return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* Every second character is a comma: "a,r,t". */
static bool spread(struct slice s)
{
    size_t i = 0, chars = 0;

    while (i < s.len) {
        if ((chars & 1) != 0 && s.ptr[i] != ',') {
            return false;
        }
        i += char_len((unsigned char)s.ptr[i]);
        chars++;
    }
    return chars >= 3 && (chars & 1) != 0;
}

void ops_text_join_letters(const struct op_part *p, struct op_value *v)
{
    struct slice s = v->text;
    size_t n = 0, i = 0;
    char *to;

    if (!spread(s)) {
        return;
    }
    to = shrink_room(p->scratch, s);
    while (to != NULL && i < s.len) {
        size_t len = char_len((unsigned char)s.ptr[i]);

        memmove(to + n, s.ptr + i, len);
        n += len;
        i += len + 1;
    }
    v->text = (struct slice){to, n};
}

void ops_text_ascii(const struct op_part *p, struct op_value *v)
{
    struct slice s = v->text;
    size_t n = 0, i = 0;
    char *to;

    while (i < s.len && (unsigned char)s.ptr[i] < 0x80) {
        i++;
    }
    if (i == s.len) {
        return;
    }
    to = shrink_room(p->scratch, s);
    for (i = 0; to != NULL && i < s.len; i++) {
        if ((unsigned char)s.ptr[i] < 0x80) {
            to[n++] = s.ptr[i];
        }
    }
    v->text = (struct slice){to, n};
}

void ops_text_split(const struct op_part *p, struct op_value *v)
{
    struct op_scratch *s = p->scratch;
    struct slice rest = v->text, item;
    bool more = true;

    s->nitems = 0;
    while (more) {
        more = slice_cut(&rest, item_end(p->col), &item);
        if (s->nitems == s->items_cap) {
            size_t cap = s->items_cap * 2 + 32;
            struct slice *items = mem_resize(s->items, cap, sizeof(*items));

            if (items == NULL) {
                s->failed = true;
                return;
            }
            s->items = items;
            s->items_cap = cap;
        }
        s->items[s->nitems++] = item;
    }
}
