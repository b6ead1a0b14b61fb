#include "net/http_head.h"

#include <string.h>

#include "core/num.h"
#include "core/text.h"

/* The next line without CR LF (or LF); false when it has not ended yet. */
static bool cut_line(struct slice *rest, struct slice *ret)
{
    if (memchr(rest->ptr, '\n', rest->len) == NULL) {
        return false;
    }
    (void)slice_cut(rest, '\n', ret);
    if (ret->len > 0 && ret->ptr[ret->len - 1] == '\r') {
        ret->len--;
    }
    return true;
}

/* "HTTP/1.1 200 OK" */
static int parse_status(struct slice line, struct http_head *h, struct err *e)
{
    uint64_t status = 0;

    if (line.len < 12 || !slice_starts(line, SLICE("HTTP/1.")) ||
        (line.ptr[7] != '0' && line.ptr[7] != '1') || line.ptr[8] != ' ' ||
        !num_u64((struct slice){line.ptr + 9, 3}, &status) || status < 100 ||
        status > 599 || (line.len > 12 && line.ptr[12] != ' ')) {
        return err_set(e, ERR_MALFORMED,
                       "the answer does not begin with an HTTP status");
    }
    h->status = (int)status;
    h->keep = line.ptr[7] == '1';
    return 0;
}

static int parse_field(struct slice line, struct http_head *h, struct err *e)
{
    struct slice value = line;
    struct slice name;

    if (!slice_cut(&value, ':', &name) || name.len == 0) {
        return err_set(e, ERR_MALFORMED,
                       "a line of the answer's head is no "
                       "header");
    }
    value = slice_trim(value);
    if (text_ascii_ieq(name, SLICE("Content-Length"))) {
        int64_t length = -1;

        if (!num_i64(value, &length) || length < 0 ||
            (h->length >= 0 && h->length != length)) {
            return err_set(e, ERR_MALFORMED,
                           "the answer's Content-Length is no length");
        }
        h->length = length;
    } else if (text_ascii_ieq(name, SLICE("Transfer-Encoding"))) {
        h->chunked = text_ascii_ieq(value, SLICE("chunked"));
        if (!h->chunked) {
            return err_set(e, ERR_MALFORMED,
                           "the answer's Transfer-Encoding is not known");
        }
    } else if (text_ascii_ieq(name, SLICE("Connection"))) {
        h->keep = text_ascii_ieq(value, SLICE("keep-alive")) ||
                  (h->keep && !text_ascii_ieq(value, SLICE("close")));
    }
    return 0;
}

int http_head_parse(struct slice bytes, struct http_head *ret, struct err *e)
{
    struct http_head h = {.length = -1};
    struct slice rest = bytes;
    struct slice line;

    if (!cut_line(&rest, &line)) {
        goto more;
    }
    if (parse_status(line, &h, e) != 0) {
        return -1;
    }
    for (;;) {
        if (!cut_line(&rest, &line)) {
            goto more;
        }
        if (line.len == 0) {
            break;
        }
        if (parse_field(line, &h, e) != 0) {
            return -1;
        }
    }
    h.len = bytes.len - rest.len;
    if (h.len > HTTP_HEAD_MAX) {
        goto too_long;
    }
    *ret = h;
    return 1;
more:
    if (bytes.len <= HTTP_HEAD_MAX) {
        return 0;
    }
too_long:
    return err_set(e, ERR_LIMIT, "the answer's head is longer than %d bytes",
                   HTTP_HEAD_MAX);
}

bool http_head_find(struct slice head, const char *name, struct slice *ret)
{
    struct slice line;

    while (cut_line(&head, &line)) {
        struct slice value = line;
        struct slice has;

        if (slice_cut(&value, ':', &has) &&
            text_ascii_ieq(has, slice_of(name))) {
            *ret = slice_trim(value);
            return true;
        }
    }
    return false;
}

/* Hex digits, then perhaps an extension. */
static bool parse_size(struct slice line, size_t *ret)
{
    size_t size = 0;
    size_t i = 0;

    for (; i < line.len; i++) {
        const char *digits = "0123456789abcdef";
        char c = line.ptr[i];
        const char *at;

        c = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
        at = c != '\0' ? strchr(digits, c) : NULL;
        if (at == NULL) {
            break;
        }
        if (size > SIZE_MAX >> 8) {
            return false;
        }
        size = size * 16 + (size_t)(at - digits);
    }
    if (i == 0 || (i < line.len && strchr("; \t", line.ptr[i]) == NULL)) {
        return false;
    }
    *ret = size;
    return true;
}

int http_head_unchunk(struct slice bytes, struct buf *b, size_t *ret_used,
                      struct err *e)
{
    struct slice rest = bytes;
    struct slice line;
    size_t size = 1;

    buf_clear(b);
    while (size > 0) {
        if (!cut_line(&rest, &line)) {
            return 0;
        }
        if (!parse_size(line, &size)) {
            return err_set(e, ERR_MALFORMED,
                           "a chunk of the answer has no size");
        }
        if (size > rest.len) {
            return size > b->max
                       ? err_set(e, ERR_LIMIT, "the answer is too large")
                       : 0;
        }
        if (buf_append(b, (struct slice){rest.ptr, size}, e) != 0) {
            return -1;
        }
        rest = slice_from(rest, size);
        if (size > 0) {
            if (!cut_line(&rest, &line)) {
                return 0;
            }
            if (line.len > 0) {
                return err_set(e, ERR_MALFORMED,
                               "a chunk of the answer has the wrong size");
            }
        }
    }
    do { /* trailers */
        if (!cut_line(&rest, &line)) {
            return 0;
        }
    } while (line.len > 0);
    *ret_used = bytes.len - rest.len;
    return 1;
}
