#include "core/slice.h"

#include <string.h>

struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool slice_is(struct slice s, const char *text)
{
    return slice_eq(s, slice_of(text));
}

bool slice_starts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len &&
           slice_eq((struct slice){s.ptr, prefix.len}, prefix);
}

bool slice_ends(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len &&
           slice_eq(slice_from(s, s.len - suffix.len), suffix);
}

int slice_cmp(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int d = n > 0 ? memcmp(a.ptr, b.ptr, n) : 0;

    if (d != 0) {
        return d;
    }
    return (a.len > b.len) - (a.len < b.len);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct slice slice_trim(struct slice s)
{
    while (s.len > 0 && is_space(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_space(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

struct slice slice_from(struct slice s, size_t n)
{
    if (n >= s.len) {
        return (struct slice){s.len > 0 ? s.ptr + s.len : s.ptr, 0};
    }
    return (struct slice){s.ptr + n, s.len - n};
}

bool slice_cut(struct slice *s, char sep, struct slice *head)
{
    const char *p = s->len ? memchr(s->ptr, sep, s->len) : NULL;

    if (p == NULL) {
        *head = *s;
        *s = slice_from(*s, s->len);
        return false;
    }
    *head = (struct slice){s->ptr, (size_t)(p - s->ptr)};
    s->len -= head->len + 1;
    s->ptr = p + 1;
    return true;
}
