#include "test.h"

#include "broker/codec.h"
#include "core/digest.h"
#include "core/rand.h"

static size_t put_all(const struct broker_record *r, size_t n, char *mem)
{
    char *at = mem;

    for (size_t i = 0; i < n; i++) {
        size_t size = codec_record_size(&r[i], r[i].time_us);
        char *end = codec_put_record(at, &r[i], r[i].time_us);

        CHECK_INT(end - at, size);
        at = end;
    }
    return (size_t)(at - mem);
}

static void records_come_back_as_they_were(void)
{
    static char mem[1 << 16];
    static char text[300];
    struct broker_record r[] = {
        {.time_us = 0},
        {.time_us = -1, .has_key = true, .key = SLICE("")},
        {.time_us = INT64_MAX, .has_value = true, .value = SLICE("v")},
        {.time_us = INT64_MIN,
         .has_key = true,
         .key = SLICE("k\0k"),
         .has_value = true,
         .value = {text, sizeof(text)},
         .headers = SLICE("h")},
    };
    struct slice body = {mem, put_all(r, ARRAY_LEN(r), mem)};

    for (size_t i = 0; i < ARRAY_LEN(r); i++) {
        struct message m = {.offset = 7};

        CHECK(codec_take_record(&body, &m));
        CHECK_INT(m.offset, 7);
        CHECK(m.time_us == r[i].time_us);
        CHECK_INT(m.has_key, r[i].has_key);
        CHECK_INT(m.has_value, r[i].has_value);
        CHECK_INT(m.key.len, r[i].key.len);
        CHECK(r[i].key.len == 0 || slice_eq(m.key, r[i].key));
        CHECK(r[i].value.len == 0 || slice_eq(m.value, r[i].value));
        CHECK(r[i].headers.len == 0 || slice_eq(m.headers, r[i].headers));
    }
    CHECK_INT(body.len, 0);
}

static void records_that_are_cut_off_are_refused(void)
{
    static char mem[1024];
    struct broker_record r = {.time_us = 1700000000000000,
                              .has_key = true,
                              .key = SLICE("key"),
                              .has_value = true,
                              .value = SLICE("value"),
                              .headers = SLICE("headers")};
    size_t n = put_all(&r, 1, mem);

    for (size_t i = 0; i < n; i++) {
        struct slice cut = {mem, i};
        struct message m = {.offset = 1};

        CHECK(!codec_take_record(&cut, &m));
        CHECK_INT(cut.len, i);
    }
    for (int flags = 8; flags < 256; flags++) {
        struct slice whole = {mem, n};
        struct message m = {.offset = 1};

        mem[0] = (char)(unsigned char)flags;
        CHECK(!codec_take_record(&whole, &m));
    }
}

static void a_frame_comes_back_and_every_changed_bit_is_seen(void)
{
    char frame[CODEC_HEADER + 5 + 20];
    struct codec_frame f = {.epoch = 3,
                            .first = INT64_C(1) << 40,
                            .at_us = 5,
                            .min_us = -6,
                            .max_us = 7,
                            .partition = 1023,
                            .count = 9,
                            .body_len = 20,
                            .keys_len = 5,
                            .more = 2};
    struct codec_frame got;
    struct slice keys = {frame + CODEC_HEADER, 5};
    struct slice body = {frame + CODEC_HEADER + 5, 20};

    memset(frame, 'x', sizeof(frame));
    codec_put_header(&f, frame);
    codec_put_crc(frame, codec_crc(frame, keys, digest_crc32c(0, body)));
    CHECK(codec_get_header(frame, &got));
    CHECK_INT(got.epoch, f.epoch);
    CHECK_INT(got.first, f.first);
    CHECK_INT(got.at_us, f.at_us);
    CHECK_INT(got.min_us, f.min_us);
    CHECK_INT(got.max_us, f.max_us);
    CHECK_INT(got.partition, f.partition);
    CHECK_INT(got.count, f.count);
    CHECK_INT(got.body_len, f.body_len);
    CHECK_INT(got.keys_len, f.keys_len);
    CHECK_INT(got.more, f.more);
    CHECK_INT(codec_frame_size(&got), sizeof(frame));
    CHECK(codec_frame_ok(&got, frame));
    for (size_t bit = 0; bit < sizeof(frame) * 8; bit++) {
        frame[bit / 8] = (char)(frame[bit / 8] ^ (1 << bit % 8));
        CHECK(!codec_get_header(frame, &got) ||
              codec_frame_size(&got) != sizeof(frame) ||
              !codec_frame_ok(&got, frame));
        frame[bit / 8] = (char)(frame[bit / 8] ^ (1 << bit % 8));
    }
}

static void keys_come_back(void)
{
    struct codec_run runs[] = {{0, 5, 100}, {-12, 1, -1}, {7, 2, 0}};
    struct codec_key k = {
        .hash = "0123456789abcde", .digest = "fedcba987654321", .runs = 3};
    struct codec_key got;
    struct slice s;
    struct buf b;
    struct err e;

    buf_init(&b, 1000);
    CHECK_OK(codec_put_key(&b, &k, runs, &e), &e);
    k.runs = 0;
    CHECK_OK(codec_put_key(&b, &k, runs, &e), &e);
    s = buf_slice(&b);
    CHECK(codec_take_key(&s, &got));
    CHECK(memcmp(got.hash, k.hash, sizeof(k.hash)) == 0);
    CHECK(memcmp(got.digest, k.digest, sizeof(k.digest)) == 0);
    CHECK_INT(got.runs, 3);
    for (uint32_t i = 0; i < 3; i++) {
        struct codec_run r = codec_get_run(&got, i);

        CHECK_INT(r.partition, runs[i].partition);
        CHECK_INT(r.count, runs[i].count);
        CHECK_INT(r.first, runs[i].first);
    }
    CHECK(codec_take_key(&s, &got));
    CHECK_INT(got.runs, 0);
    CHECK(!codec_take_key(&s, &got));
    s = (struct slice){b.ptr, CODEC_KEY_ENTRY + 3 * 16 - 1};
    CHECK(!codec_take_key(&s, &got));
    buf_release(&b);
}

int main(void)
{
    static const struct test tests[] = {
        {"records come back as they were", records_come_back_as_they_were},
        {"records that are cut off are refused",
         records_that_are_cut_off_are_refused},
        {"a frame comes back and every changed bit is seen",
         a_frame_comes_back_and_every_changed_bit_is_seen},
        {"keys come back", keys_come_back},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
