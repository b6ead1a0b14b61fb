#include "record/pyliteral.h"

#include <string.h>

enum {
    ESCAPE_MAX = 6,           /* \u001F */
    CODE_POINT_MAX = 0x10FFFF /* of Unicode */
};

struct reader {
    const char *start;
    const char *at;
    const char *end;
    int depth;
    struct buf *out;
    struct err *e;
};

static int value(struct reader *r);

static int refuse(struct reader *r, const char *why)
{
    return err_set(r->e, ERR_MALFORMED,
                   "cannot read Python literal at byte %zu: %s",
                   (size_t)(r->at - r->start), why);
}

static int put(struct reader *r, const char *bytes, size_t n)
{
    return buf_append(r->out, (struct slice){bytes, n}, r->e);
}

static int peek(const struct reader *r)
{
    return r->at < r->end ? (unsigned char)*r->at : -1;
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && memchr(" \t\n\r\f", *r->at, 5) != NULL) {
        r->at++;
    }
}

static bool starts(const struct reader *r, const char *word)
{
    size_t n = strlen(word);

    return (size_t)(r->end - r->at) >= n && memcmp(r->at, word, n) == 0;
}

/* One character of a text, as JSON wants it inside quotes. */
static int put_char(struct reader *r, uint32_t c)
{
    char text[ESCAPE_MAX + 1];
    size_t n = 0;

    if (c == '"' || c == '\\') {
        text[n++] = '\\';
        text[n++] = (char)c;
    } else if (c < 0x20) {
        static const char digits[] = "0123456789ABCDEF";

        memcpy(text, "\\u00", 4);
        text[4] = digits[c >> 4];
        text[5] = digits[c & 15];
        n = 6;
    } else if (c < 0x80) {
        text[n++] = (char)c;
    } else {
        if (c < 0x800) {
            text[n++] = (char)(0xC0 | (c >> 6));
        } else {
            if (c < 0x10000) {
                text[n++] = (char)(0xE0 | (c >> 12));
            } else {
                text[n++] = (char)(0xF0 | (c >> 18));
                text[n++] = (char)(0x80 | ((c >> 12) & 63));
            }
            text[n++] = (char)(0x80 | ((c >> 6) & 63));
        }
        text[n++] = (char)(0x80 | (c & 63));
    }
    return put(r, text, n);
}

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Exactly n hexadecimal digits. */
static int read_hex(struct reader *r, int n, uint32_t *ret)
{
    uint32_t v = 0;

    for (int i = 0; i < n; i++) {
        int d = peek(r) < 0 ? -1 : hex_digit(peek(r));

        if (d < 0) {
            return refuse(r, "an escape wants more hexadecimal digits");
        }
        v = v * 16 + (uint32_t)d;
        r->at++;
    }
    *ret = v;
    return 0;
}

/* After \x, \u or \U: the character, a pair of surrogates as one. */
static int hex_escape(struct reader *r, int digits)
{
    uint32_t c = 0;
    uint32_t low = 0;

    if (read_hex(r, digits, &c) < 0) {
        return -1;
    }
    if (c >= 0xD800 && c <= 0xDBFF && starts(r, "\\u")) {
        r->at += 2;
        if (read_hex(r, 4, &low) < 0) {
            return -1;
        }
        if (low < 0xDC00 || low > 0xDFFF) {
            return refuse(r, "a surrogate stands alone");
        }
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    if (c >= 0xD800 && c <= 0xDFFF) {
        return refuse(r, "a surrogate stands alone");
    }
    if (c > CODE_POINT_MAX) {
        return refuse(r, "an escape is past U+10FFFF");
    }
    return put_char(r, c);
}

static int octal_escape(struct reader *r)
{
    uint32_t c = 0;

    for (int i = 0; i < 3 && peek(r) >= '0' && peek(r) <= '7'; i++) {
        c = c * 8 + (uint32_t)(*r->at++ - '0');
    }
    return put_char(r, c);
}

/* The backslash has been read. */
static int escape(struct reader *r)
{
    static const char from[] = "abfnrtv\\'\"";
    static const char to[] = "\a\b\f\n\r\t\v\\'\"";
    int c = peek(r);
    const char *known;

    if (c < 0) {
        return refuse(r, "the text does not end");
    }
    if (c >= '0' && c <= '7') {
        return octal_escape(r);
    }
    known = c != 0 ? strchr(from, c) : NULL;
    if (known != NULL) {
        r->at++;
        return put_char(r, (unsigned char)to[known - from]);
    }
    switch (c) {
    case '\n': /* the line goes on */
        r->at++;
        return 0;
    case '\r':
        r->at += r->end - r->at > 1 && r->at[1] == '\n' ? 2 : 1;
        return 0;
    case 'x':
        r->at++;
        return hex_escape(r, 2);
    case 'u':
        r->at++;
        return hex_escape(r, 4);
    case 'U':
        r->at++;
        return hex_escape(r, 8);
    case 'N':
        return refuse(r, "names of characters are not known here");
    default:
        return put_char(r, '\\'); /* as Python: both characters stand */
    }
}

/* In a raw text a backslash stands for itself and shields what follows. */
static int raw_escape(struct reader *r)
{
    if (put_char(r, '\\') < 0) {
        return -1;
    }
    if (peek(r) == '\'' || peek(r) == '"' || peek(r) == '\\') {
        return put_char(r, (unsigned char)*r->at++);
    }
    return 0;
}

/* The same in a JSON text. */
static bool is_plain(char c, char quote)
{
    return (unsigned char)c >= 0x20 && c != quote && c != '"' && c != '\\';
}

/* The characters up to the closing quotes, which are read too. */
static int text_body(struct reader *r, const char *quotes, bool raw)
{
    size_t n = strlen(quotes);
    const char *from;

    for (;;) {
        int c = peek(r);

        if (c < 0 || c == 0 || (n == 1 && (c == '\n' || c == '\r'))) {
            return refuse(r, "the text does not end");
        }
        if (c == quotes[0] && starts(r, quotes)) {
            r->at += n;
            return 0;
        }
        from = r->at;
        while (r->at < r->end && is_plain(*r->at, quotes[0])) {
            r->at++;
        }
        if (r->at > from) {
            if (put(r, from, (size_t)(r->at - from)) < 0) {
                return -1;
            }
            continue;
        }
        r->at++;
        if (c == '\\') {
            if ((raw ? raw_escape(r) : escape(r)) < 0) {
                return -1;
            }
        } else if (put_char(r, (uint32_t)c) < 0) {
            return -1;
        }
    }
}

/* Where a text begins: its prefix is 0 or 1 bytes long; -1: no text here. */
static int text_prefix(const struct reader *r)
{
    size_t left = (size_t)(r->end - r->at);

    if (left > 0 && (*r->at == '\'' || *r->at == '"')) {
        return 0;
    }
    if (left > 1 && memchr("rRuU", *r->at, 4) != NULL &&
        (r->at[1] == '\'' || r->at[1] == '"')) {
        return 1;
    }
    return -1;
}

/* A text and those that follow it side by side, as one JSON text. */
static int text(struct reader *r)
{
    if (put(r, "\"", 1) < 0) {
        return -1;
    }
    for (int prefix = text_prefix(r); prefix >= 0; prefix = text_prefix(r)) {
        bool raw = (*r->at | 0x20) == 'r';
        char quotes[4] = {0};

        r->at += prefix;
        quotes[0] = *r->at;
        if (r->end - r->at >= 3 && r->at[1] == quotes[0] &&
            r->at[2] == quotes[0]) {
            quotes[1] = quotes[0];
            quotes[2] = quotes[0];
        }
        r->at += strlen(quotes);
        if (text_body(r, quotes, raw) < 0) {
            return -1;
        }
        skip_blanks(r);
    }
    return put(r, "\"", 1);
}

static size_t digits(struct reader *r)
{
    const char *from = r->at;

    while (peek(r) >= '0' && peek(r) <= '9') {
        r->at++;
    }
    return (size_t)(r->at - from);
}

/* Decimal, as Python writes it; "1." and ".5" get JSON's zeros. */
static int number(struct reader *r)
{
    const char *from;
    size_t whole;
    size_t fraction = 0;

    if (peek(r) == '-') {
        r->at++;
        if (put(r, "-", 1) < 0) {
            return -1;
        }
    }
    from = r->at;
    whole = digits(r);
    if (whole > 1 && *from == '0' && peek(r) != '.' &&
        (peek(r) | 0x20) != 'e') {
        return refuse(r, "a whole number begins with 0");
    }
    while (whole > 1 && *from == '0') { /* 00.5 is a float */
        from++;
        whole--;
    }
    if (put(r, whole > 0 ? from : "0", whole > 0 ? whole : 1) < 0) {
        return -1;
    }
    if (peek(r) == '.') {
        from = r->at++;
        fraction = digits(r);
        if (put(r, from, 1 + fraction) < 0 ||
            (fraction == 0 && put(r, "0", 1) < 0)) {
            return -1;
        }
    }
    if (whole + fraction == 0) {
        return refuse(r, "expected a value");
    }
    if (peek(r) == 'e' || peek(r) == 'E') {
        from = r->at++;
        r->at += peek(r) == '+' || peek(r) == '-' ? 1 : 0;
        if (digits(r) == 0) {
            return refuse(r, "expected the digits of an exponent");
        }
        if (put(r, from, (size_t)(r->at - from)) < 0) {
            return -1;
        }
    }
    return 0;
}

static int key(struct reader *r)
{
    if (text_prefix(r) < 0) {
        return refuse(r, "expected a text as a key");
    }
    if (text(r) < 0) {
        return -1;
    }
    if (peek(r) != ':') {
        return refuse(r, "expected \":\" after a key");
    }
    r->at++;
    skip_blanks(r);
    return put(r, ":", 1);
}

/* The values of a dict, list or tuple up to `close`; its opening bracket has
 * been read.  *commas counts the commas that were read. */
static int members(struct reader *r, char close, size_t *commas)
{
    *commas = 0;
    skip_blanks(r);
    while (peek(r) != close) {
        if (*commas > 0 && put(r, ",", 1) < 0) {
            return -1;
        }
        if ((close == '}' && key(r) < 0) || value(r) < 0) {
            return -1;
        }
        skip_blanks(r);
        if (peek(r) == close) {
            break;
        }
        if (peek(r) != ',') {
            return refuse(r, "expected \",\" or the closing bracket");
        }
        r->at++;
        (*commas)++;
        skip_blanks(r);
    }
    r->at++;
    return 0;
}

/* (x) is x itself and (x,) a tuple, which is known only at its end. */
static int tuple(struct reader *r)
{
    size_t from = r->out->len;
    size_t commas;
    struct buf *b = r->out;

    if (put(r, "[", 1) < 0 || members(r, ')', &commas) < 0) {
        return -1;
    }
    if (commas == 0 && b->len > from + 1) {
        memmove(b->ptr + from, b->ptr + from + 1, b->len - from - 1);
        b->len--;
        return 0;
    }
    return put(r, "]", 1);
}

static int container(struct reader *r)
{
    char open = *r->at;
    size_t commas;

    if (r->depth == PYLITERAL_DEPTH_MAX) {
        return err_set(r->e, ERR_LIMIT,
                       "Python literal nests deeper than %d levels",
                       PYLITERAL_DEPTH_MAX);
    }
    r->depth++;
    r->at++;
    if (open == '(') {
        if (tuple(r) < 0) {
            return -1;
        }
    } else if (put(r, open == '{' ? "{" : "[", 1) < 0 ||
               members(r, open == '{' ? '}' : ']', &commas) < 0 ||
               put(r, open == '{' ? "}" : "]", 1) < 0) {
        return -1;
    }
    r->depth--;
    return 0;
}

/* None, True, False; what follows is checked by the caller. */
static int name(struct reader *r)
{
    static const struct {
        const char *python;
        const char *json;
    } names[] = {{"None", "null"}, {"True", "true"}, {"False", "false"}};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (starts(r, names[i].python)) {
            r->at += strlen(names[i].python);
            return put(r, names[i].json, strlen(names[i].json));
        }
    }
    return refuse(r, "expected a value");
}

static int value(struct reader *r)
{
    int c = peek(r);

    if (c == '{' || c == '[' || c == '(') {
        return container(r);
    }
    if (text_prefix(r) >= 0) {
        return text(r);
    }
    if (c == '-' || c == '.' || (c >= '0' && c <= '9')) {
        return number(r);
    }
    return name(r);
}

int pyliteral_to_json(struct buf *b, struct slice s, struct err *e)
{
    struct reader r = {s.ptr, s.ptr, s.ptr + s.len, 0, b, e};
    size_t before = b->len;
    int rc = 0;

    skip_blanks(&r);
    if (peek(&r) != '{' && peek(&r) != '[' && peek(&r) != '(') {
        return refuse(&r, "expected a dict, a list or a tuple");
    }
    rc = value(&r);
    skip_blanks(&r);
    if (rc == 0 && r.at != r.end) {
        rc = refuse(&r, "something follows the literal");
    }
    if (rc < 0) {
        b->len = before;
    }
    return rc;
}
