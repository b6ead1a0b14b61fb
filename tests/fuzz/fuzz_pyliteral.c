/* What is taken as a Python literal is JSON afterwards. */
#include "core/text.h"
#include "fuzz.h"
#include "record/pyliteral.h"
#include "json/json.h"

enum {
    OUT_MAX = 1 << 24
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    struct json_doc d;
    struct err e = {0};
    struct buf b;

    if (!text_utf8_valid(text, NULL)) {
        return 0;
    }
    buf_init(&b, OUT_MAX);
    if (pyliteral_to_json(&b, text, &e) == 0) {
        require(json_parse(&d, buf_slice(&b), 0, NULL, &e) == 0);
        json_release(&d);
    } else {
        require(b.len == 0 && e.msg[0] != '\0');
    }
    buf_release(&b);
    return 0;
}
