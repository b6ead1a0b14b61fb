/* Heads of answers: a head that was read is read the same without what
 * follows, and no part of it is enough.  Chunks: what was put into chunks
 * comes out. */
#include <string.h>

#include "fuzz.h"
#include "net/http_head.h"

static void check_head(struct slice bytes)
{
    struct http_head h = {0};
    struct http_head again = {0};
    struct slice value;
    struct err e;
    int rc = http_head_parse(bytes, &h, &e);

    if (rc != 1) {
        require(h.len == 0);
        return;
    }
    require(h.len > 0 && h.len <= bytes.len && h.status >= 100 &&
            h.status < 600);
    bytes.len = h.len;
    require(http_head_parse(bytes, &again, &e) == 1);
    require(again.len == h.len && again.status == h.status &&
            again.length == h.length && again.keep == h.keep &&
            again.chunked == h.chunked);
    require((h.length >= 0) == http_head_find(bytes, "content-length", &value));
    bytes.len--;
    require(http_head_parse(bytes, &again, &e) == 0);
}

static void check_chunks(struct slice bytes)
{
    struct buf chunked;
    struct buf text;
    struct err e;
    size_t used = 0;
    size_t step = bytes.len > 0 ? (unsigned char)bytes.ptr[0] % 17 + 1 : 1;

    buf_init(&chunked, 64 * bytes.len + 100);
    buf_init(&text, bytes.len + 1);
    if (http_head_unchunk(bytes, &text, &used, &e) == 1) {
        require(used <= bytes.len && text.len < used);
    }
    for (size_t i = 0; i < bytes.len; i += step) {
        size_t n = bytes.len - i < step ? bytes.len - i : step;

        require(buf_putf(&chunked, &e, "%zX;a=b\r\n", n) == 0);
        require(buf_append(&chunked, (struct slice){bytes.ptr + i, n}, &e) ==
                0);
        require(buf_puts(&chunked, "\r\n", &e) == 0);
    }
    require(buf_puts(&chunked, "0\r\nX: y\r\n\r\n", &e) == 0);
    require(http_head_unchunk(buf_slice(&chunked), &text, &used, &e) == 1);
    require(used == chunked.len && slice_eq(buf_slice(&text), bytes));
    chunked.len--;
    require(http_head_unchunk(buf_slice(&chunked), &text, &used, &e) == 0);
    buf_release(&chunked);
    buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = {(const char *)data, size};

    check_head(bytes);
    check_chunks(bytes);
    return 0;
}
