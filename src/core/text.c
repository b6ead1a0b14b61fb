#include "core/text.h"

#include <string.h>

enum {
    NEAREST_MAX = 64 /* longer words are not compared */
};

static size_t utf8_step(const unsigned char *p, size_t left)
{
    unsigned char c = p[0];

    if (c < 0x80) {
        return 1;
    }
    if (c >= 0xC2 && c <= 0xDF) {
        return left >= 2 && (p[1] & 0xC0) == 0x80 ? 2 : 0;
    }
    if ((c & 0xF0) == 0xE0) {
        if (left < 3 || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80 ||
            (c == 0xE0 && p[1] < 0xA0) || (c == 0xED && p[1] > 0x9F)) {
            return 0;
        }
        return 3;
    }
    if (c >= 0xF0 && c <= 0xF4) {
        if (left < 4 || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80 ||
            (p[3] & 0xC0) != 0x80 || (c == 0xF0 && p[1] < 0x90) ||
            (c == 0xF4 && p[1] > 0x8F)) {
            return 0;
        }
        return 4;
    }
    return 0;
}

/* Are 1 to 7 bytes ASCII?  Short texts are many. */
static bool few_ascii(const unsigned char *p, size_t n)
{
    unsigned char all = 0;
    uint32_t a;
    uint32_t b;

    if (n >= sizeof(a)) {
        memcpy(&a, p, sizeof(a));
        memcpy(&b, p + n - sizeof(b), sizeof(b));
        return ((a | b) & UINT32_C(0x80808080)) == 0;
    }
    for (size_t i = 0; i < n; i++) {
        all |= p[i];
    }
    return all < 0x80;
}

bool text_utf8_valid(struct slice s, size_t *bad_at)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t i = 0;

    while (i < s.len) {
        uint64_t w;
        size_t n;

        if (s.len - i >= sizeof(w)) {
            memcpy(&w, p + i, sizeof(w));
            if ((w & UINT64_C(0x8080808080808080)) == 0) {
                i += sizeof(w);
                continue;
            }
        } else if (few_ascii(p + i, s.len - i)) {
            break;
        }
        n = utf8_step(p + i, s.len - i);
        if (n == 0) {
            if (bad_at != NULL) {
                *bad_at = i;
            }
            return false;
        }
        i += n;
    }
    return true;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool text_ascii_ieq(struct slice a, struct slice b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

bool text_glob(const char *pattern, struct slice s)
{
    const char *star = NULL; /* the last one seen */
    size_t i = 0;
    size_t retry = 0; /* where that star's run may end next */

    while (i < s.len) {
        if (*pattern == '*') {
            star = pattern++;
            retry = i;
        } else if (*pattern == s.ptr[i] && *pattern != '\0') {
            pattern++;
            i++;
        } else if (star != NULL) {
            pattern = star + 1;
            i = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

/* How many letters must be added, dropped or changed. */
static size_t distance(struct slice a, struct slice b)
{
    size_t row[NEAREST_MAX + 1];

    for (size_t j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change =
                diagonal + (lower(a.ptr[i - 1]) != lower(b.ptr[j - 1]));

            diagonal = row[j];
            row[j] = min3(change, row[j] + 1, row[j - 1] + 1);
        }
    }
    return row[b.len];
}

const char *text_nearest(struct slice word, const char *const *words, size_t n)
{
    const char *best = NULL;
    size_t best_distance = word.len / 2 + 1;

    if (word.len > NEAREST_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        struct slice w = slice_of(words[i]);
        size_t d = w.len > NEAREST_MAX ? SIZE_MAX : distance(word, w);

        if (d < best_distance) {
            best = words[i];
            best_distance = d;
        }
    }
    return best;
}

/* One code point of well-formed UTF-8; other bytes count for themselves. */
static size_t code_point(struct slice s, size_t at, uint32_t *ret)
{
    const unsigned char *p = (const unsigned char *)s.ptr + at;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 1;
    uint32_t v = n == 1 ? p[0] : p[0] & (0x7fU >> n);

    if (at + n > s.len) {
        *ret = p[0];
        return 1;
    }
    for (size_t i = 1; i < n; i++) {
        v = v << 6 | (p[i] & 0x3fU);
    }
    *ret = v;
    return n;
}

/* 0 for what joins the character before it, 2 for East Asian and emoji. */
static size_t char_width(uint32_t c)
{
    static const struct {
        uint32_t from, to;
        size_t width;
    } ranges[] = {
        {0x0300, 0x036f, 0},   {0x1100, 0x115f, 2},   {0x200b, 0x200f, 0},
        {0x202a, 0x202e, 0},   {0x20d0, 0x20ff, 0},   {0x2e80, 0x303e, 2},
        {0x3041, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},
        {0xfe00, 0xfe0f, 0},   {0xfe20, 0xfe2f, 0},   {0xfe30, 0xfe6f, 2},
        {0xff00, 0xff60, 2},   {0xffe0, 0xffe6, 2},   {0x1f3fb, 0x1f3ff, 0},
        {0x1f300, 0x1faff, 2}, {0x20000, 0x3fffd, 2}, {0xe0100, 0xe01ef, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        if (c >= ranges[i].from && c <= ranges[i].to) {
            return ranges[i].width;
        }
    }
    return 1;
}

size_t text_step(struct slice s, size_t at, size_t *columns)
{
    uint32_t c;
    size_t n = code_point(s, at, &c);

    *columns = char_width(c);
    return n;
}

size_t text_columns(struct slice s)
{
    size_t width = 0;

    for (size_t at = 0; at < s.len;) {
        size_t columns;

        at += text_step(s, at, &columns);
        width += columns;
    }
    return width;
}

int text_wrap(struct buf *b, const char *lead, const char *text, size_t width,
              struct err *e)
{
    struct slice rest = slice_of(text);
    size_t column = 0;
    bool more = rest.len > 0;

    while (more) {
        struct slice word;

        more = slice_cut(&rest, ' ', &word);
        if (column > 0 && column + 1 + word.len > width) {
            if (buf_putc(b, '\n', e) < 0) {
                return -1;
            }
            column = 0;
        }
        if (buf_puts(b, column == 0 ? lead : " ", e) < 0 ||
            buf_append(b, word, e) < 0) {
            return -1;
        }
        column += (column == 0 ? strlen(lead) : 1) + word.len;
    }
    return buf_putc(b, '\n', e);
}
