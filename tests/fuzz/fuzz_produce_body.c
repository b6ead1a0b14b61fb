/*
 * fuzz_produce_body.c - bodies of Kafka REST v2 produce requests.
 *
 * The first byte chooses the format.  Property: what is taken is told with
 * as many records as it has, every stored JSON value parses again and prints
 * to the same bytes; what is refused has a status and words.
 */
#include <stdlib.h>
#include <string.h>

#include "api/produce_body.h"
#include "core/mem.h"
#include "fuzz.h"

enum {
    RECORDS_MAX = 1000
};

static void same_again(struct slice value)
{
    struct json_doc doc;
    struct buf b;

    buf_init(&b, SIZE_MAX);
    if (json_parse(&doc, value, 0, NULL, NULL) != 0 ||
        json_print(&b, doc.root, 0, NULL) != 0 ||
        !slice_eq(buf_slice(&b), value)) {
        abort();
    }
    json_release(&doc);
    buf_release(&b);
}

static void read_records(const struct produce_body *body, enum media_format fmt)
{
    struct broker_record *recs = mem_zero(body->n, sizeof(*recs));
    struct produce_fault f = {.status = 0};
    struct buf text;

    buf_init(&text, SIZE_MAX);
    if (recs == NULL) {
        abort();
    }
    if (!produce_body_records(body, fmt, -1, recs, &text, &f)) {
        if (f.status < 400 || f.text[0] == '\0') {
            abort();
        }
    } else if (fmt == MEDIA_JSON_VALUES) {
        for (size_t i = 0; i < body->n; i++) {
            if (recs[i].has_value) {
                same_again(recs[i].value);
            }
            if (recs[i].has_key) {
                same_again(recs[i].key);
            }
        }
    }
    buf_release(&text);
    mem_free(recs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct produce_fault f = {.status = 0};
    struct produce_body body;
    enum media_format format;

    if (size == 0) {
        return 0;
    }
    format = (enum media_format)(data[0] % MEDIA_NO_FORMAT);
    if (!produce_body_parse(&body,
                            (struct slice){(const char *)data + 1, size - 1},
                            format, RECORDS_MAX, &f)) {
        if (f.status < 400 || f.text[0] == '\0') {
            abort();
        }
        return 0;
    }
    if (body.n == 0 || body.n > RECORDS_MAX) {
        abort();
    }
    read_records(&body, format);
    produce_body_release(&body);
    return 0;
}
