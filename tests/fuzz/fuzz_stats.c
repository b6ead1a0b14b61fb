/* Statistics of data files as any writer left them, one a line: their sum is
 * JSON, and summed once more by itself it is the same. */
#include <string.h>

#include "fuzz.h"
#include "lake/stats_sum.h"
#include "json/json.h"

enum {
    FILES_MAX = 8,
    BYTES_MAX = 1 << 14
};

static void check_sum(const char *const *files, size_t n)
{
    struct json_doc doc;
    struct buf one;
    struct buf two;
    struct err e = {0};
    const char *text;

    buf_init(&one, 1 << 20);
    buf_init(&two, 1 << 20);
    if (stats_sum(files, n, &one, &e) == 0) {
        require(json_parse(&doc, buf_slice(&one), JSON_NUMBERS, NULL, &e) == 0);
        json_release(&doc);
        require(buf_text(&one, &text, &e) == 0);
        require(stats_sum(&text, 1, &two, &e) == 0);
        require(slice_eq(slice_of(text), buf_slice(&two)));
    }
    buf_release(&one);
    buf_release(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[BYTES_MAX + 1];
    const char *files[FILES_MAX];
    char *at = text;
    size_t n = 0;

    if (size > BYTES_MAX) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    while (at != NULL && n < FILES_MAX) {
        char *end = strchr(at, '\n');

        files[n++] = at;
        if (end != NULL) {
            *end++ = '\0';
        }
        at = end;
    }
    check_sum(files, n);
    return 0;
}
