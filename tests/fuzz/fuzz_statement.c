/* Parameters of a statement: whatever a value holds, outside of quoted texts
 * the SQL is the same.  The first line is the value of :a, the rest the SQL. */
#include <string.h>

#include "api/statement.h"
#include "core/buf.h"
#include "fuzz.h"
#include "json/json.h"

enum {
    BYTES_MAX = 4096
};

/* [{"name":"a","value":...},{"name":"b","value":"x"},{"name":"c"}] */
static bool parameters(struct slice value, struct json_doc *ret)
{
    struct buf b;
    bool ok;

    buf_init(&b, 1 << 16);
    ok = buf_puts(&b, "[{\"name\":\"a\",\"value\":", NULL) == 0 &&
         json_print_text(&b, value, NULL) == 0 &&
         buf_puts(&b,
                  "},{\"name\":\"b\",\"value\":\"x\",\"type\":\"INT\"},"
                  "{\"name\":\"c\"}]",
                  NULL) == 0 &&
         json_parse(ret, buf_slice(&b), 0, NULL, NULL) == 0;
    buf_release(&b);
    return ok;
}

/* What stands outside of quoted texts. */
static void strip(struct slice s, struct buf *out)
{
    char quote = '\0';

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (quote == '\0' && (c == '\'' || c == '"' || c == '`')) {
            quote = c;
        } else if (quote == c) {
            quote = '\0';
        } else if (quote == '\0') {
            require(buf_putc(out, c, NULL) == 0);
        }
    }
}

static int bind(struct slice sql, struct slice value, struct buf *out)
{
    struct json_doc doc;
    struct buf b;
    struct err e = {0};
    int rc;

    if (!parameters(value, &doc)) {
        return -1;
    }
    buf_init(&b, 1 << 22);
    rc = statement_bind(sql, doc.root, &b, &e);
    if (rc == 0) {
        strip(buf_slice(&b), out);
    } else {
        require(e.msg[0] != '\0');
    }
    buf_release(&b);
    json_release(&doc);
    return rc;
}

static bool has_comment(struct slice s)
{
    for (size_t i = 0; i + 1 < s.len; i++) {
        if ((s.ptr[i] == '-' && s.ptr[i + 1] == '-') ||
            (s.ptr[i] == '/' && s.ptr[i + 1] == '*')) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice sql = {(const char *)data, size};
    struct slice value;
    struct buf one;
    struct buf two;

    if (size > BYTES_MAX) {
        return 0;
    }
    (void)slice_cut(&sql, '\n', &value);
    buf_init(&one, 1 << 22);
    buf_init(&two, 1 << 22);
    if (bind(sql, value, &one) == 0 && !has_comment(sql)) {
        require(bind(sql, SLICE("1"), &two) == 0);
        require(slice_eq(buf_slice(&one), buf_slice(&two)));
    }
    buf_release(&one);
    buf_release(&two);
    return 0;
}
