#include "api/pyjson.h"

#include <string.h>

enum {
    DEPTH_MAX = 4096,
};

struct scan {
    struct slice s;
    size_t at;
    size_t fault_at;
    const char *words; /* NULL: no fault yet */
    char open[DEPTH_MAX];
    size_t depth;
};

static void fault(struct scan *c, size_t at, const char *words)
{
    c->fault_at = at;
    c->words = words;
}

static char peek(const struct scan *c)
{
    return c->at < c->s.len ? c->s.ptr[c->at] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static void blanks(struct scan *c)
{
    while (c->at < c->s.len && memchr(" \t\n\r", c->s.ptr[c->at], 4) != NULL) {
        c->at++;
    }
}

/* After the backslash at c->at. */
static bool escape(struct scan *c, size_t quote)
{
    char what;

    if (c->at + 1 >= c->s.len) {
        fault(c, quote, "Unterminated string starting at");
        return false;
    }
    what = c->s.ptr[c->at + 1];
    if (what != 'u') {
        if (memchr("\"\\/bfnrt", what, 8) == NULL) {
            fault(c, c->at, "Invalid \\escape");
            return false;
        }
        c->at += 2;
        return true;
    }
    for (size_t i = 2; i < 6; i++) {
        if (c->at + 6 >= c->s.len || !is_hex(c->s.ptr[c->at + i])) {
            fault(c, c->at + 1, "Invalid \\uXXXX escape");
            return false;
        }
    }
    c->at += 6;
    return true;
}

static bool string(struct scan *c)
{
    size_t quote = c->at++;

    while (c->at < c->s.len) {
        char ch = c->s.ptr[c->at];

        if (ch == '"') {
            c->at++;
            return true;
        }
        if ((unsigned char)ch < 0x20) {
            fault(c, c->at, "Invalid control character at");
            return false;
        }
        if (ch == '\\') {
            if (!escape(c, quote)) {
                return false;
            }
        } else {
            c->at++;
        }
    }
    fault(c, quote, "Unterminated string starting at");
    return false;
}

static size_t digits(const struct scan *c, size_t at)
{
    while (at < c->s.len && is_digit(c->s.ptr[at])) {
        at++;
    }
    return at;
}

/* As much of a number as there is; false when there is none. */
static bool number(struct scan *c)
{
    size_t at = c->at + (peek(c) == '-' ? 1 : 0);
    size_t end;
    size_t more;

    if (at >= c->s.len || !is_digit(c->s.ptr[at])) {
        return false;
    }
    end = c->s.ptr[at] == '0' ? at + 1 : digits(c, at);
    more = end < c->s.len && c->s.ptr[end] == '.' ? digits(c, end + 1) : end;
    if (more > end + 1) {
        end = more;
    }
    if (end < c->s.len && (c->s.ptr[end] == 'e' || c->s.ptr[end] == 'E')) {
        more = end + 1;
        if (more < c->s.len &&
            (c->s.ptr[more] == '+' || c->s.ptr[more] == '-')) {
            more++;
        }
        if (digits(c, more) > more) {
            end = digits(c, more);
        }
    }
    c->at = end;
    return true;
}

static bool word(struct scan *c)
{
    static const char *const words[] = {"null", "true",     "false",
                                        "NaN",  "Infinity", "-Infinity"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct slice w = slice_of(words[i]);

        if (slice_starts(slice_from(c->s, c->at), w)) {
            c->at += w.len;
            return true;
        }
    }
    return false;
}

/* The key and the colon of a member. */
static bool member(struct scan *c)
{
    if (peek(c) != '"') {
        fault(c, c->at, "Expecting property name enclosed in double quotes");
        return false;
    }
    if (!string(c)) {
        return false;
    }
    blanks(c);
    if (peek(c) != ':') {
        fault(c, c->at, "Expecting ':' delimiter");
        return false;
    }
    c->at++;
    blanks(c);
    return true;
}

/* A value's beginning; true when the value is whole, false when a container
 * was opened (then its first value is next) or there is a fault. */
static bool value(struct scan *c)
{
    char open = peek(c);

    while (open == '{' || open == '[') {
        char shut = open == '{' ? '}' : ']';

        if (c->depth == DEPTH_MAX) {
            fault(c, c->at, "Expecting value");
            return false;
        }
        c->at++;
        blanks(c);
        if (peek(c) == shut) {
            c->at++;
            return true;
        }
        c->open[c->depth++] = open;
        if (open == '{' && !member(c)) {
            return false;
        }
        open = peek(c);
    }
    if (open == '"') {
        return string(c);
    }
    if (word(c) || number(c)) {
        return true;
    }
    fault(c, c->at, "Expecting value");
    return false;
}

/* After a value: the ends of containers and the next comma. */
static bool next(struct scan *c)
{
    while (c->depth > 0) {
        char open = c->open[c->depth - 1];

        blanks(c);
        if (peek(c) == (open == '{' ? '}' : ']')) {
            c->at++;
            c->depth--;
            continue;
        }
        if (peek(c) != ',') {
            fault(c, c->at, "Expecting ',' delimiter");
            return false;
        }
        c->at++;
        blanks(c);
        return open == '[' || member(c);
    }
    return false;
}

static int64_t characters(struct slice s, size_t bytes)
{
    int64_t n = 0;

    for (size_t i = 0; i < bytes && i < s.len; i++) {
        n += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    }
    return n;
}

bool pyjson_fault(struct slice s, int64_t *ret_pos, const char **ret_words)
{
    struct scan c = {.s = s};

    blanks(&c);
    do {
        if (!value(&c)) {
            break;
        }
    } while (next(&c));
    if (c.words == NULL) {
        blanks(&c);
        if (c.at < s.len) {
            fault(&c, c.at, "Extra data");
        }
    }
    if (c.words == NULL) {
        return false;
    }
    *ret_pos = characters(s, c.fault_at);
    *ret_words = c.words;
    return true;
}
