#include "test.h"

#include "broker/partition.h"

/* The vectors of Kafka's own UtilsTest.testMurmur2. */
static void murmur2_is_kafkas(void)
{
    static const struct {
        const char *key;
        int32_t hash;
    } cases[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CHECK_INT((int32_t)partition_murmur2(slice_of(cases[i].key)),
                  cases[i].hash);
    }
}

static void a_partition_is_never_negative(void)
{
    CHECK_INT(partition_of_key(SLICE("21"), 10),
              ((-973932308) & 0x7fffffff) % 10);
    CHECK_INT(partition_of_key(SLICE("abc"), 1), 0);
    CHECK_INT(partition_of_key(SLICE("abc"), 1024), 479470107 % 1024);
}

static void records_without_a_key_stay_for_16_kb(void)
{
    struct partition_sticky s = {0};

    CHECK_INT(partition_without_key(&s, 16000, 3), 0);
    CHECK_INT(partition_without_key(&s, 1000, 3), 0);
    CHECK_INT(partition_without_key(&s, 16384, 3), 1);
    CHECK_INT(partition_without_key(&s, 16384, 3), 2);
    CHECK_INT(partition_without_key(&s, 1, 3), 0);
}

int main(void)
{
    static const struct test tests[] = {
        {"murmur2 is Kafka's", murmur2_is_kafkas},
        {"a partition is never negative", a_partition_is_never_negative},
        {"records without a key stay for 16 kB",
         records_without_a_key_stay_for_16_kb},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
