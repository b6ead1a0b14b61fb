#include "core/hash.h"

#include <fcntl.h>
#include <unistd.h>

#include "core/clock.h"

static uint64_t spread(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

void hash_key_seed(struct hash_key *ret, uint64_t seed)
{
    for (size_t i = 0; i < ARRAY_LEN(ret->k); i++) {
        ret->k[i] = spread(&seed);
    }
}

void hash_key_random(struct hash_key *ret)
{
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    uint64_t seed = (uint64_t)clock_wall_us() ^ ((uint64_t)getpid() << 40);

    hash_key_seed(ret, seed);
    if (fd >= 0) {
        struct hash_key k;

        if (read(fd, &k, sizeof(k)) == (ssize_t)sizeof(k)) {
            *ret = k;
        }
        (void)close(fd);
    }
}

struct hash128 hash_bytes(const struct hash_key *key, struct slice s)
{
    struct hash h;

    hash_start(&h, key);
    hash_put_bytes(&h, 0, s);
    return hash_end(&h);
}

void hash_put_double(struct hash *h, unsigned tag, double v)
{
    uint64_t bits = 0;

    if (v < 0 || v > 0) { /* both zeros are all bits 0 */
        memcpy(&bits, &v, sizeof(bits));
    }
    hash_put_u64(h, tag, bits);
}
