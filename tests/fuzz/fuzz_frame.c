/* What the log's decoders accept is what writing it again gives: records,
 * headers of frames, idempotency keys.  What they refuse they leave alone. */
#include <string.h>

#include "broker/codec.h"
#include "core/mem.h"
#include "fuzz.h"

static void check_records(struct slice body)
{
    char *again = mem_zero(body.len + 1, 1);

    require(again != NULL);
    while (body.len > 0) {
        struct slice before = body;
        struct message m = {.offset = 5};
        struct broker_record r;
        size_t size;

        if (!codec_take_record(&body, &m)) {
            require(body.ptr == before.ptr && body.len == before.len);
            break;
        }
        r = (struct broker_record){.key = m.key,
                                   .value = m.value,
                                   .headers = m.headers,
                                   .has_key = m.has_key,
                                   .has_value = m.has_value};
        size = before.len - body.len;
        require(codec_record_size(&r, m.time_us) == size);
        require(codec_put_record(again, &r, m.time_us) == again + size);
        require(memcmp(again, before.ptr, size) == 0);
    }
    mem_free(again);
}

static void check_frame(struct slice s)
{
    char again[CODEC_HEADER];
    struct codec_frame f;

    if (s.len < CODEC_HEADER || !codec_get_header(s.ptr, &f)) {
        return;
    }
    codec_put_header(&f, again);
    codec_put_crc(again, f.crc);
    require(memcmp(again, s.ptr, CODEC_HEADER) == 0);
    if (codec_frame_size(&f) <= s.len) {
        (void)codec_frame_ok(&f, s.ptr);
    }
}

static void check_keys(struct slice s)
{
    struct buf b;

    buf_init(&b, s.len + 1);
    while (s.len > 0) {
        struct slice before = s;
        struct codec_run runs[64];
        struct codec_key k;
        struct err e;

        if (!codec_take_key(&s, &k) || k.runs > ARRAY_LEN(runs)) {
            break;
        }
        for (uint32_t i = 0; i < k.runs; i++) {
            runs[i] = codec_get_run(&k, i);
        }
        buf_clear(&b);
        require(codec_put_key(&b, &k, runs, &e) == 0);
        require(b.len == before.len - s.len &&
                memcmp(b.ptr, before.ptr, b.len) == 0);
    }
    buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice s = {(const char *)data, size};

    check_records(s);
    check_frame(s);
    check_keys(s);
    return 0;
}
