#include "broker/partition.h"

enum {
    STICKY_BYTES = 16384 /* batch.size of Kafka's producer */
};

uint32_t partition_murmur2(struct slice key)
{
    const uint32_t m = 0x5bd1e995;
    const unsigned char *p = (const unsigned char *)key.ptr;
    uint32_t h = 0x9747b28cU ^ (uint32_t)key.len;
    size_t n = key.len;

    for (; n >= 4; n -= 4, p += 4) {
        uint32_t k = (uint32_t)p[0] | (uint32_t)p[1] << 8 |
                     (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;

        k *= m;
        k ^= k >> 24;
        k *= m;
        h = h * m ^ k;
    }
    if (n >= 3) {
        h ^= (uint32_t)p[2] << 16;
    }
    if (n >= 2) {
        h ^= (uint32_t)p[1] << 8;
    }
    if (n >= 1) {
        h = (h ^ p[0]) * m;
    }
    h ^= h >> 13;
    h *= m;
    return h ^ h >> 15;
}

int32_t partition_of_key(struct slice key, int32_t partitions)
{
    return (int32_t)((partition_murmur2(key) & 0x7fffffffU) %
                     (uint32_t)partitions);
}

int32_t partition_without_key(struct partition_sticky *s, size_t bytes,
                              int32_t partitions)
{
    int32_t now = (int32_t)(s->next % (uint32_t)partitions);

    s->bytes += bytes;
    if (s->bytes >= STICKY_BYTES) {
        s->next++;
        s->bytes = 0;
    }
    return now;
}
