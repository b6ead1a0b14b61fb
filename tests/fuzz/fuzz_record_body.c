/*
 * fuzz_record_body.c - bodies of Kafka REST v3 produce requests.
 *
 * The first byte chooses a stream or a batch.  Property: the lengths of the
 * items make up the text, the records point into it, stored JSON parses, an
 * item with an error has words, and what is refused has a status and words.
 */
#include <stdlib.h>
#include <string.h>

#include "api/record_body.h"
#include "core/mem.h"
#include "fuzz.h"

enum {
    RECORDS_MAX = 200
};

static void check_part(const struct record_body_part *p, struct slice bytes)
{
    struct json_doc doc;

    if (!p->has && bytes.len > 0) {
        abort();
    }
    if (p->has && strcmp(p->type, "JSON") == 0) {
        if (json_parse(&doc, bytes, 0, NULL, NULL) != 0) {
            abort();
        }
        json_release(&doc);
    }
}

static void check_records(const struct record_body *b)
{
    struct broker_record *recs = mem_zero(b->n + 1, sizeof(*recs));
    size_t bytes = 0;
    size_t at = 0;
    size_t n;

    if (recs == NULL) {
        abort();
    }
    n = record_body_records(b, 1, recs);
    for (size_t i = 0; i < b->n; i++) {
        const struct record_body_item *it = &b->items[i];

        if (it->code != 0) {
            if (it->words == NULL || it->words[0] == '\0') {
                abort();
            }
            continue;
        }
        check_part(&it->key, recs[at].key);
        check_part(&it->value, recs[at].value);
        bytes += recs[at].key.len + recs[at].value.len + recs[at].headers.len;
        at++;
    }
    if (at != n || bytes != b->text.len) {
        abort();
    }
    mem_free(recs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct produce_fault f = {.status = 0};
    struct record_body b;
    struct slice body;
    bool ok;

    if (size == 0) {
        return 0;
    }
    body = (struct slice){(const char *)data + 1, size - 1};
    ok = data[0] % 2 == 0 ? record_body_stream(&b, body, RECORDS_MAX, &f)
                          : record_body_batch(&b, body, RECORDS_MAX, &f);
    if (ok) {
        if (b.n == 0 || b.n > RECORDS_MAX) {
            abort();
        }
        check_records(&b);
    } else if (f.status < 400 || f.text[0] == '\0') {
        abort();
    }
    record_body_release(&b);
    return 0;
}
