#include "api/kinesis_shard.h"

#include <string.h>

#include "test.h"

static void known_hashes_fall_into_known_shards(void)
{
    char text[KINESIS_HASH_TEXT];
    kinesis_hash h;

    /* MD5("a") = 0cc175b9c0f1b6a831c399e269772661 */
    kinesis_hash_print(kinesis_hash_of(SLICE("a")), text);
    CHECK_TEXT(slice_of(text), "16955237001963240173058271559858726497");
    CHECK_INT(kinesis_place(kinesis_hash_of(SLICE("a")), 4), 0);
    /* MD5("b") = 92eb5ffee6ae2fec3ad71c777531578f */
    CHECK_INT(kinesis_place(kinesis_hash_of(SLICE("b")), 4), 2);
    CHECK(kinesis_hash_parse(SLICE("0"), &h) && h == 0);
    CHECK(kinesis_hash_parse(SLICE("340282366920938463463374607431768211455"),
                             &h) &&
          h == ~(kinesis_hash)0);
    CHECK(!kinesis_hash_parse(SLICE("340282366920938463463374607431768211456"),
                              &h));
    CHECK(!kinesis_hash_parse(SLICE("00"), &h));
    CHECK(!kinesis_hash_parse(SLICE("-1"), &h));
    CHECK(!kinesis_hash_parse(SLICE(""), &h));
}

static void ranges_cover_every_key_once(void)
{
    for (int32_t n = 1; n <= 1024; n++) {
        kinesis_hash want = 0;

        for (int32_t i = 0; i < n; i++) {
            kinesis_hash first;
            kinesis_hash last;

            kinesis_range(i, n, &first, &last);
            CHECK(first == want && last >= first);
            CHECK_INT(kinesis_place(first, n), i);
            CHECK_INT(kinesis_place(last, n), i);
            want = last + 1;
        }
        CHECK(want == 0); /* past 2^128-1 */
    }
}

static void sequence_numbers_keep_the_order_of_offsets(void)
{
    static const int64_t offsets[] = {-1,           0, 1, 9, 10, 4000000000,
                                      INT64_MAX - 1};
    char before[KINESIS_SEQUENCE_TEXT] = "";
    char text[KINESIS_SEQUENCE_TEXT];
    int64_t offset;

    for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
        kinesis_sequence_print(77, 3, offsets[i], text);
        CHECK_INT(strlen(text), 56);
        CHECK(strcmp(before, text) < 0);
        CHECK(kinesis_sequence_parse(slice_of(text), 77, 3, &offset) ==
              KINESIS_SEQUENCE_GOOD);
        CHECK_INT(offset, offsets[i]);
        memcpy(before, text, sizeof(text));
    }
    CHECK(kinesis_sequence_parse(slice_of(text), 77, 2, &offset) ==
          KINESIS_SEQUENCE_NEIGHBOUR);
    CHECK_INT(offset, 3);
    CHECK(kinesis_sequence_parse(slice_of(text), 78, 3, &offset) ==
          KINESIS_SEQUENCE_OTHER);
    CHECK(kinesis_sequence_parse(SLICE("49"), 1, 0, &offset) ==
          KINESIS_SEQUENCE_BAD);
    text[10] = 'x';
    CHECK(kinesis_sequence_parse(slice_of(text), 77, 3, &offset) ==
          KINESIS_SEQUENCE_BAD);
    kinesis_sequence_print(-5, 0, 0, text); /* epochs of Kafka are hashes */
    CHECK(kinesis_sequence_parse(slice_of(text), -5, 0, &offset) ==
          KINESIS_SEQUENCE_GOOD);
}

static void iterators_come_back_as_they_were(void)
{
    struct kinesis_iterator it = {"streaming-12aa-pin", -3, 12, 99, 1234567};
    struct kinesis_iterator got;
    struct buf b;
    struct err e;

    buf_init(&b, 1000);
    CHECK_OK(kinesis_iterator_print(&it, &b, &e), &e);
    CHECK(b.len <= 512);
    CHECK(kinesis_iterator_parse(buf_slice(&b), &got));
    CHECK_TEXT(slice_of(got.stream), "streaming-12aa-pin");
    CHECK_INT(got.epoch, -3);
    CHECK_INT(got.shard, 12);
    CHECK_INT(got.offset, 99);
    CHECK_INT(got.time_us, 1234567);
    b.ptr[3] ^= 1;
    CHECK(!kinesis_iterator_parse(buf_slice(&b), &got));
    CHECK(!kinesis_iterator_parse(SLICE(""), &got));
    CHECK(!kinesis_iterator_parse(SLICE("cGlubGluZS8xLzEvMS8tMS81L3M="), &got));
    buf_release(&b);
}

static void shard_ids_are_strict(void)
{
    char text[KINESIS_SHARD_TEXT];
    int32_t n;

    kinesis_shard_print(7, text);
    CHECK_TEXT(slice_of(text), "shardId-000000000007");
    CHECK(kinesis_shard_parse(slice_of(text), &n) && n == 7);
    CHECK(!kinesis_shard_parse(SLICE("shardId-"), &n));
    CHECK(!kinesis_shard_parse(SLICE("shardId-0000000000007"), &n));
    CHECK(!kinesis_shard_parse(SLICE("shardId-999999999999"), &n));
    CHECK(!kinesis_shard_parse(SLICE("7"), &n));
}

int main(void)
{
    static const struct test tests[] = {
        {"known hashes fall into known shards",
         known_hashes_fall_into_known_shards},
        {"ranges cover every key once", ranges_cover_every_key_once},
        {"sequence numbers keep the order of offsets",
         sequence_numbers_keep_the_order_of_offsets},
        {"iterators come back as they were", iterators_come_back_as_they_were},
        {"shard ids are strict", shard_ids_are_strict},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
