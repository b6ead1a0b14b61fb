/*
 * fuzz_kinesis.c - iterators, sequence numbers, hash keys and shard ids as
 * clients send them.
 *
 * Property: what is read is printed to a text that reads the same.
 */
#include <stdlib.h>
#include <string.h>

#include "api/kinesis_shard.h"
#include "fuzz.h"

static void iterator(struct slice s)
{
    struct kinesis_iterator it;
    struct kinesis_iterator again;
    struct buf b;

    if (!kinesis_iterator_parse(s, &it)) {
        return;
    }
    buf_init(&b, 4096);
    if (kinesis_iterator_print(&it, &b, NULL) != 0 ||
        !kinesis_iterator_parse(buf_slice(&b), &again) ||
        strcmp(it.stream, again.stream) != 0 || it.epoch != again.epoch ||
        it.shard != again.shard || it.offset != again.offset ||
        it.time_us != again.time_us) {
        abort();
    }
    buf_release(&b);
}

static void numbers(struct slice s)
{
    char hash[KINESIS_HASH_TEXT];
    char sequence[KINESIS_SEQUENCE_TEXT];
    int64_t offset;
    kinesis_hash h;

    if (kinesis_hash_parse(s, &h)) {
        kinesis_hash_print(h, hash);
        if (!slice_is(s, hash) || kinesis_place(h, 3) > 2) {
            abort();
        }
    }
    if (kinesis_sequence_parse(s, 1, 0, &offset) == KINESIS_SEQUENCE_GOOD) {
        kinesis_sequence_print(1, 0, offset, sequence);
        if (!slice_is(s, sequence)) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice s = {(const char *)data, size};
    int32_t shard;

    if (size > 4096) {
        return 0;
    }
    iterator(s);
    numbers(s);
    if (kinesis_shard_parse(s, &shard) && shard < 0) {
        abort();
    }
    return 0;
}
