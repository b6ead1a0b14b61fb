#include "net/xml.h"

#include <string.h>

#include "core/num.h"

static int fail(const struct xml *x, const char *what, struct err *e)
{
    return err_set(e, ERR_MALFORMED, "the XML has %s at byte %zu", what,
                   x->all.len - x->rest.len);
}

void xml_init(struct xml *x, struct slice text, struct buf *scratch)
{
    *x = (struct xml){.all = text, .rest = text, .scratch = scratch};
    if (slice_starts(text, SLICE("\xef\xbb\xbf"))) {
        x->rest = slice_from(text, 3);
    }
    buf_clear(scratch);
}

/* --- text ------------------------------------------------------------------- */

static int put_code(struct buf *b, uint64_t c, struct err *e)
{
    char out[4];
    size_t n;

    if (c < 0x80) {
        out[0] = (char)c;
        n = 1;
    } else if (c < 0x800) {
        out[0] = (char)(0xc0 | (c >> 6));
        out[1] = (char)(0x80 | (c & 0x3f));
        n = 2;
    } else if (c < 0x10000) {
        out[0] = (char)(0xe0 | (c >> 12));
        out[1] = (char)(0x80 | ((c >> 6) & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        n = 3;
    } else {
        out[0] = (char)(0xf0 | (c >> 18));
        out[1] = (char)(0x80 | ((c >> 12) & 0x3f));
        out[2] = (char)(0x80 | ((c >> 6) & 0x3f));
        out[3] = (char)(0x80 | (c & 0x3f));
        n = 4;
    }
    return buf_append(b, (struct slice){out, n}, e);
}

static bool read_hex(struct slice s, uint64_t *ret)
{
    uint64_t n = 0;

    if (s.len == 0 || s.len > 8) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;

        if (digit < 0) {
            return false;
        }
        n = n * 16 + (uint64_t)digit;
    }
    *ret = n;
    return true;
}

/* What stands between & and ;. */
static bool read_entity(struct slice name, uint64_t *ret)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {
        {"amp", '&'}, {"apos", '\''}, {"gt", '>'}, {"lt", '<'}, {"quot", '"'}};

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (slice_is(name, known[i].name)) {
            *ret = (uint64_t)(unsigned char)known[i].c;
            return true;
        }
    }
    if (slice_starts(name, SLICE("#x"))) {
        if (!read_hex(slice_from(name, 2), ret)) {
            return false;
        }
    } else if (!slice_starts(name, SLICE("#")) ||
               !num_u64(slice_from(name, 1), ret)) {
        return false;
    }
    return *ret > 0 && *ret <= 0x10ffff && (*ret < 0xd800 || *ret > 0xdfff);
}

/* Text up to the next '<'. */
static int read_text(struct xml *x, struct xml_event *ret, struct err *e)
{
    buf_clear(x->scratch);
    while (x->rest.len > 0 && x->rest.ptr[0] != '<') {
        const char *stop = x->rest.ptr;
        const char *end = x->rest.ptr + x->rest.len;
        struct slice name;
        uint64_t c;

        while (stop < end && *stop != '<' && *stop != '&') {
            stop++;
        }
        if (stop > x->rest.ptr) {
            size_t n = (size_t)(stop - x->rest.ptr);

            if (buf_append(x->scratch, (struct slice){x->rest.ptr, n}, e) < 0) {
                return -1;
            }
            x->rest = slice_from(x->rest, n);
            continue;
        }
        name = slice_from(x->rest, 1);
        name.len = name.len < 12 ? name.len : 12;
        if (!slice_cut(&(struct slice){name.ptr, name.len}, ';', &name) ||
            !read_entity(name, &c)) {
            return fail(x, "an unknown entity", e);
        }
        if (put_code(x->scratch, c, e) < 0) {
            return -1;
        }
        x->rest = slice_from(x->rest, name.len + 2);
    }
    *ret = (struct xml_event){.kind = XML_TEXT, .text = buf_slice(x->scratch)};
    return 1;
}

/* --- tags ------------------------------------------------------------------- */

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' ||
           c == ':' || (unsigned char)c >= 0x80;
}

/* A name at the front, without its prefix. */
static struct slice take_name(struct xml *x)
{
    struct slice name = {x->rest.ptr, 0};
    struct slice local;
    struct slice rest;

    while (name.len < x->rest.len && is_name_byte(name.ptr[name.len])) {
        name.len++;
    }
    x->rest = slice_from(x->rest, name.len);
    rest = name;
    return slice_cut(&rest, ':', &local) && rest.len > 0 ? rest : name;
}

static const char *find(struct slice s, struct slice what)
{
    for (size_t i = 0; i + what.len <= s.len; i++) {
        if (memcmp(s.ptr + i, what.ptr, what.len) == 0) {
            return s.ptr + i;
        }
    }
    return NULL;
}

/* Pass over what begins with `from` and ends with `to`; *ret what is between. */
static int pass(struct xml *x, struct slice from, struct slice to,
                struct slice *ret, struct err *e)
{
    struct slice rest = slice_from(x->rest, from.len);
    const char *end = find(rest, to);

    if (end == NULL) {
        return fail(x, "an open end", e);
    }
    *ret = (struct slice){rest.ptr, (size_t)(end - rest.ptr)};
    x->rest = slice_from(rest, ret->len + to.len);
    return 1;
}

/* Attributes, up to > or />; values may hold either. */
static int pass_attributes(struct xml *x, struct err *e)
{
    char quote = '\0';

    for (size_t i = 0; i < x->rest.len; i++) {
        char c = x->rest.ptr[i];

        if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '<') {
            break;
        } else if (c == '>') {
            x->closes = i > 0 && x->rest.ptr[i - 1] == '/';
            x->rest = slice_from(x->rest, i + 1);
            return 1;
        }
    }
    return fail(x, "a tag without an end", e);
}

static int open_tag(struct xml *x, struct xml_event *ret, struct err *e)
{
    struct slice name;

    x->rest = slice_from(x->rest, 1);
    name = take_name(x);
    if (name.len == 0) {
        return fail(x, "no name behind \"<\"", e);
    }
    if (x->depth == 0 && x->seen) {
        return fail(x, "a second outermost element", e);
    }
    if (x->depth == XML_DEPTH_MAX) {
        return err_set(e, ERR_LIMIT, "the XML is nested over %d deep",
                       XML_DEPTH_MAX);
    }
    if (pass_attributes(x, e) < 0) {
        return -1;
    }
    x->seen = true;
    x->open[x->depth++] = name;
    *ret = (struct xml_event){.kind = XML_OPEN, .name = name};
    return 1;
}

static int close_tag(struct xml *x, struct xml_event *ret, struct err *e)
{
    struct slice name;

    x->rest = slice_from(x->rest, 2);
    name = take_name(x);
    while (x->rest.len > 0 && strchr(" \t\r\n", x->rest.ptr[0]) != NULL) {
        x->rest = slice_from(x->rest, 1);
    }
    if (x->depth == 0 || !slice_eq(x->open[x->depth - 1], name) ||
        x->rest.len == 0 || x->rest.ptr[0] != '>') {
        return fail(x, "an end tag that does not fit", e);
    }
    x->rest = slice_from(x->rest, 1);
    x->depth--;
    *ret = (struct xml_event){.kind = XML_CLOSE, .name = name};
    return 1;
}

int xml_next(struct xml *x, struct xml_event *ret, struct err *e)
{
    struct slice text;

    if (x->closes) {
        x->closes = false;
        *ret =
            (struct xml_event){.kind = XML_CLOSE, .name = x->open[--x->depth]};
        return 1;
    }
    while (x->rest.len > 0) {
        if (x->rest.ptr[0] != '<') {
            return read_text(x, ret, e);
        }
        if (slice_starts(x->rest, SLICE("</"))) {
            return close_tag(x, ret, e);
        }
        if (slice_starts(x->rest, SLICE("<![CDATA["))) {
            if (pass(x, SLICE("<![CDATA["), SLICE("]]>"), &text, e) < 0) {
                return -1;
            }
            if (text.len > 0) {
                *ret = (struct xml_event){.kind = XML_TEXT, .text = text};
                return 1;
            }
        } else if (slice_starts(x->rest, SLICE("<!--"))) {
            if (pass(x, SLICE("<!--"), SLICE("-->"), &text, e) < 0) {
                return -1;
            }
        } else if (slice_starts(x->rest, SLICE("<?"))) {
            if (pass(x, SLICE("<?"), SLICE("?>"), &text, e) < 0) {
                return -1;
            }
        } else if (slice_starts(x->rest, SLICE("<!"))) {
            return fail(x, "a document type", e);
        } else {
            return open_tag(x, ret, e);
        }
    }
    if (x->depth > 0 || !x->seen) {
        return fail(x, "an early end", e);
    }
    return 0;
}

bool xml_is_at(const struct xml *x, const char *path)
{
    struct slice rest = slice_of(path);

    for (size_t i = 0; i < x->depth; i++) {
        struct slice part;
        bool more = slice_cut(&rest, '/', &part);

        if ((!slice_eq(part, x->open[i]) && !slice_is(part, "*")) ||
            more != (i + 1 < x->depth)) {
            return false;
        }
    }
    return x->depth > 0;
}

int xml_escape(struct buf *b, struct slice text, struct err *e)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        const char *word = c == '&'    ? "&amp;"
                           : c == '<'  ? "&lt;"
                           : c == '>'  ? "&gt;"
                           : c == '"'  ? "&quot;"
                           : c == '\'' ? "&apos;"
                                       : NULL;
        int rc = word != NULL ? buf_puts(b, word, e) : buf_putc(b, c, e);

        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}
