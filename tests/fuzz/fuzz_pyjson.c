/*
 * fuzz_pyjson.c - where Python says that a text is no JSON.
 *
 * Property: text that we parse has no fault; a fault lies within the text.
 */
#include <stdlib.h>

#include "api/pyjson.h"
#include "fuzz.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice s = {(const char *)data, size};
    const char *words = NULL;
    struct json_doc doc;
    int64_t at = -1;
    bool faulty = pyjson_fault(s, &at, &words);

    if (faulty && (at < 0 || (size_t)at > size || words == NULL)) {
        abort();
    }
    if (json_parse(&doc, s, 0, NULL, NULL) == 0) {
        if (faulty) {
            abort();
        }
        json_release(&doc);
    }
    return 0;
}
