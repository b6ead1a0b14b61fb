#include "api/kinesis_shard.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/digest.h"
#include "core/num.h"

enum {
    EPOCH_DIGITS = 10,
    SHARD_DIGITS = 10,
    OFFSET_DIGITS = 34,
    ITERATOR_MAX = 512,
};

#define HASH_MAX   (~(kinesis_hash)0)
#define EPOCHS     10000000000u
#define SEQ_PREFIX "49" /* as AWS's begin nowadays */
#define IT_PREFIX  "pinline/1/"

kinesis_hash kinesis_hash_of(struct slice partition_key)
{
    uint8_t digest[DIGEST_MD5];
    kinesis_hash h = 0;

    digest_md5(partition_key, digest);
    for (size_t i = 0; i < sizeof(digest); i++) {
        h = h << 8 | digest[i];
    }
    return h;
}

bool kinesis_hash_parse(struct slice text, kinesis_hash *ret)
{
    kinesis_hash h = 0;

    if (text.len == 0 || text.len >= KINESIS_HASH_TEXT ||
        (text.len > 1 && text.ptr[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(unsigned char)text.ptr[i] - '0';

        if (digit > 9 || h > (HASH_MAX - digit) / 10) {
            return false;
        }
        h = h * 10 + digit;
    }
    *ret = h;
    return true;
}

void kinesis_hash_print(kinesis_hash h, char text[KINESIS_HASH_TEXT])
{
    char digits[KINESIS_HASH_TEXT];
    size_t n = 0;

    do {
        digits[n++] = (char)('0' + (int)(h % 10));
        h /= 10;
    } while (h > 0);
    for (size_t i = 0; i < n; i++) {
        text[i] = digits[n - 1 - i];
    }
    text[n] = '\0';
}

/* Keys of each shard but the last, which takes the rest; n > 1. */
static kinesis_hash share(int32_t n)
{
    kinesis_hash by = (kinesis_hash)(uint32_t)n;

    return HASH_MAX / by + (HASH_MAX % by == by - 1 ? 1 : 0);
}

void kinesis_range(int32_t i, int32_t n, kinesis_hash *ret_first,
                   kinesis_hash *ret_last)
{
    *ret_first = 0;
    *ret_last = HASH_MAX;
    if (n > 1) {
        kinesis_hash q = share(n);

        *ret_first = q * (kinesis_hash)(uint32_t)i;
        if (i < n - 1) {
            *ret_last = *ret_first + q - 1;
        }
    }
}

int32_t kinesis_place(kinesis_hash h, int32_t n)
{
    kinesis_hash i = n > 1 ? h / share(n) : 0;

    return i >= (kinesis_hash)(uint32_t)n ? n - 1 : (int32_t)i;
}

void kinesis_shard_print(int32_t shard, char text[KINESIS_SHARD_TEXT])
{
    (void)snprintf(text, KINESIS_SHARD_TEXT, "shardId-%012" PRId32, shard);
}

bool kinesis_shard_parse(struct slice text, int32_t *ret)
{
    struct slice head = SLICE("shardId-");
    uint64_t n;

    if (!slice_starts(text, head) || text.len > head.len + 12 ||
        !num_u64(slice_from(text, head.len), &n) || n > INT32_MAX) {
        return false;
    }
    *ret = (int32_t)n;
    return true;
}

void kinesis_sequence_print(int64_t epoch, int32_t shard, int64_t offset,
                            char text[KINESIS_SEQUENCE_TEXT])
{
    (void)snprintf(text, KINESIS_SEQUENCE_TEXT,
                   SEQ_PREFIX "%0*" PRIu64 "%0*" PRId32 "%0*" PRIu64,
                   EPOCH_DIGITS, (uint64_t)epoch % EPOCHS, SHARD_DIGITS, shard,
                   OFFSET_DIGITS, (uint64_t)offset + 1);
}

enum kinesis_sequence kinesis_sequence_parse(struct slice text, int64_t epoch,
                                             int32_t shard, int64_t *ret)
{
    struct slice prefix = SLICE(SEQ_PREFIX);
    struct slice part = slice_from(text, prefix.len);
    uint64_t was_epoch;
    uint64_t was_shard;
    uint64_t number;

    if (text.len != KINESIS_SEQUENCE_TEXT - 1 || !slice_starts(text, prefix) ||
        !num_u64((struct slice){part.ptr, EPOCH_DIGITS}, &was_epoch) ||
        !num_u64((struct slice){part.ptr + EPOCH_DIGITS, SHARD_DIGITS},
                 &was_shard) ||
        was_shard > INT32_MAX ||
        !num_u64(slice_from(part, EPOCH_DIGITS + SHARD_DIGITS), &number) ||
        number > (uint64_t)INT64_MAX) {
        return KINESIS_SEQUENCE_BAD;
    }
    if ((int32_t)was_shard != shard) {
        *ret = (int64_t)was_shard;
        return KINESIS_SEQUENCE_NEIGHBOUR;
    }
    if (was_epoch != (uint64_t)epoch % EPOCHS) {
        return KINESIS_SEQUENCE_OTHER;
    }
    *ret = (int64_t)number - 1;
    return KINESIS_SEQUENCE_GOOD;
}

int kinesis_iterator_print(const struct kinesis_iterator *it, struct buf *b,
                           struct err *e)
{
    char text[ITERATOR_MAX];
    int n =
        snprintf(text, sizeof(text),
                 IT_PREFIX "%" PRId64 "/%" PRId32 "/%" PRId64 "/%" PRId64 "/%s",
                 it->epoch, it->shard, it->offset, it->time_us, it->stream);

    return digest_base64((struct slice){text, (size_t)n}, b, e);
}

static bool next_number(struct slice *text, int64_t *ret)
{
    struct slice head;

    return slice_cut(text, '/', &head) && num_i64(head, ret);
}

static bool parse_text(struct slice text, struct kinesis_iterator *ret)
{
    struct slice prefix = SLICE(IT_PREFIX);
    int64_t shard;

    if (!slice_starts(text, prefix)) {
        return false;
    }
    text = slice_from(text, prefix.len);
    if (!next_number(&text, &ret->epoch) || !next_number(&text, &shard) ||
        !next_number(&text, &ret->offset) ||
        !next_number(&text, &ret->time_us) || shard < 0 || shard > INT32_MAX ||
        ret->offset < 0 || text.len == 0 || text.len > KINESIS_NAME_MAX ||
        memchr(text.ptr, '\0', text.len) != NULL) {
        return false;
    }
    ret->shard = (int32_t)shard;
    memcpy(ret->stream, text.ptr, text.len);
    ret->stream[text.len] = '\0';
    return true;
}

bool kinesis_iterator_parse(struct slice text, struct kinesis_iterator *ret)
{
    struct buf b;
    bool good;

    if (text.len > ITERATOR_MAX) {
        return false;
    }
    buf_init(&b, ITERATOR_MAX);
    good =
        digest_unbase64(text, &b, NULL) == 0 && parse_text(buf_slice(&b), ret);
    buf_release(&b);
    return good;
}
