/* XML: starts and ends pair up, and text that is escaped reads the same. */
#include <string.h>

#include "fuzz.h"
#include "net/xml.h"

static void read_all(struct slice text)
{
    struct buf scratch;
    struct xml_event v;
    struct xml x;
    int64_t open = 0;
    int rc;

    buf_init(&scratch, 1 << 20);
    xml_init(&x, text, &scratch);
    while ((rc = xml_next(&x, &v, NULL)) == 1) {
        open += v.kind == XML_OPEN ? 1 : v.kind == XML_CLOSE ? -1 : 0;
        require(open >= 0 && (size_t)open <= XML_DEPTH_MAX);
        require(v.kind != XML_TEXT || v.text.len > 0);
    }
    require(rc < 0 || open == 0);
    buf_release(&scratch);
}

static void escape_and_read(struct slice text)
{
    struct buf scratch;
    struct buf b;
    struct xml_event v;
    struct xml x;

    buf_init(&scratch, 1 << 20);
    buf_init(&b, 1 << 20);
    if (text.len > 0 && buf_puts(&b, "<a>", NULL) == 0 &&
        xml_escape(&b, text, NULL) == 0 && buf_puts(&b, "</a>", NULL) == 0) {
        xml_init(&x, buf_slice(&b), &scratch);
        require(xml_next(&x, &v, NULL) == 1 && v.kind == XML_OPEN);
        require(xml_next(&x, &v, NULL) == 1 && v.kind == XML_TEXT);
        require(slice_eq(v.text, text));
        require(xml_next(&x, &v, NULL) == 1 && v.kind == XML_CLOSE);
        require(xml_next(&x, &v, NULL) == 0);
    }
    buf_release(&b);
    buf_release(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    union {
        const uint8_t *in;
        const char *out;
    } p = {.in = bytes};
    struct slice text = {p.out, n};

    read_all(text);
    escape_and_read(text);
    return 0;
}
