/* Every message gives at least one record or reject; a record has the key,
 * and its own JSON decodes to itself. */
#include "fuzz.h"
#include "record/decode.h"

enum {
    OUT_MAX = 1 << 26
};

static void check_record(struct decoder *again, const struct decoded *r)
{
    struct decode_result plain;
    struct buf once;
    struct buf twice;
    struct err e;

    buf_init(&once, OUT_MAX);
    buf_init(&twice, OUT_MAX);
    require(json_get(r->object, "ind") != NULL ||
            json_get(r->object, "index") != NULL);
    require(json_print(&once, r->object, 0, &e) == 0);
    require(decoder_decode(again, buf_slice(&once), true, &plain, &e) == 0);
    require(plain.n == 1 && plain.how == 1u << DECODE_PLAIN);
    require(json_print(&twice, plain.records[0].object, 0, &e) == 0);
    require(slice_eq(buf_slice(&once), buf_slice(&twice)));
    buf_release(&once);
    buf_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"index", "ind"};
    struct decoder *d = NULL;
    struct decoder *again = NULL;
    struct decode_result r;
    struct err e;

    require(decoder_new(&d, keys, 2, &e) == 0);
    require(decoder_new(&again, keys, 2, &e) == 0);
    require(decoder_decode(d, (struct slice){(const char *)data, size}, true,
                           &r, &e) == 0);
    require(r.n >= 1);
    for (size_t i = 0; i < r.n; i++) {
        const struct decoded *one = &r.records[i];

        require(one->sub == (int32_t)i);
        require((one->object == NULL) == (one->reject != DECODE_REJECT_NONE));
        if (one->object != NULL) {
            check_record(again, one);
        }
    }
    decoder_free(d);
    decoder_free(again);
    return 0;
}
