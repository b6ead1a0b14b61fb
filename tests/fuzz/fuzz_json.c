/* What parses prints, and the print reads back as the same bytes, escaped or
 * not; the scanner finds the same end of a value as the parser; what is read
 * flat is what the parser reads. */
#include "fuzz.h"
#include "json/json_scan.h"

enum {
    OUT_MAX = 1 << 24
};

static void print(struct slice text, int flags, struct buf *out)
{
    struct json_doc d;
    struct err e;

    require(json_parse(&d, text, flags, NULL, &e) == 0);
    require(json_print(out, d.root, flags, &e) == 0);
    json_release(&d);
}

static void check_print(struct slice text, int flags)
{
    struct buf once;
    struct buf twice;

    buf_init(&once, OUT_MAX);
    buf_init(&twice, OUT_MAX);
    print(text, flags, &once);
    print(buf_slice(&once), flags, &twice);
    require(slice_eq(buf_slice(&once), buf_slice(&twice)));
    buf_clear(&once);
    print(text, flags | JSON_ESCAPE_ASTRAL, &once);
    buf_clear(&twice);
    print(buf_slice(&once), flags, &twice);
    buf_clear(&once);
    print(text, flags, &once);
    require(slice_eq(buf_slice(&once), buf_slice(&twice)));
    buf_release(&once);
    buf_release(&twice);
}

static void check_scan(struct slice text)
{
    struct json_scan whole;
    struct json_scan pieces;
    struct json_doc d;
    struct err e;
    enum json_scan_state state;

    json_scan_init(&whole);
    json_scan_init(&pieces);
    state = json_scan_step(&whole, text);
    for (size_t n = 1; n <= text.len; n++) {
        (void)json_scan_step(&pieces, (struct slice){text.ptr, n});
    }
    require(pieces.state == state && pieces.at == whole.at);
    if (json_parse(&d, text, JSON_PREFIX, NULL, &e) == 0) {
        require(state == JSON_SCAN_DONE && whole.at == d.read);
        json_release(&d);
    }
}

static void check_flat(struct json_flat *f, struct slice text)
{
    struct json_doc d;
    struct buf flat, parsed;
    struct err e;

    if (!json_read_flat(text, f)) {
        return;
    }
    buf_init(&flat, OUT_MAX);
    buf_init(&parsed, OUT_MAX);
    require(json_parse(&d, text, JSON_NUMBERS, NULL, &e) == 0);
    require(yyjson_equals(f->vals, d.root));
    require(json_print(&flat, f->vals, 0, &e) == 0);
    require(json_print(&parsed, d.root, 0, &e) == 0);
    require(slice_eq(buf_slice(&flat), buf_slice(&parsed)));
    json_release(&d);
    buf_release(&flat);
    buf_release(&parsed);
}

/* Whole, and its lines one behind another, whose names are known again. */
static void check_lines(struct slice text)
{
    struct json_flat f = {0};
    struct slice line;
    bool more = true;

    check_flat(&f, text);
    while (more) {
        more = slice_cut(&text, '\n', &line);
        check_flat(&f, line);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    struct json_doc d;
    struct err e = {0};

    if (size > 0 && (data[0] == '{' || data[0] == '[' || data[0] == '"')) {
        check_scan(text);
    }
    check_lines(text);
    if (json_parse(&d, text, 0, NULL, &e) < 0) {
        require(e.msg[0] != '\0');
        return 0;
    }
    json_release(&d);
    check_print(text, 0);
    check_print(text, JSON_NUMBERS);
    return 0;
}
