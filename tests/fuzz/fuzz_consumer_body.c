/*
 * fuzz_consumer_body.c - bodies of the consumer routes of Kafka REST v2.
 *
 * The first byte chooses the route.  Property: what is taken has names that
 * can be, partitions and offsets that are not negative; what is refused has a
 * status and words.
 */
#include <stdlib.h>

#include "api/consumer_body.h"
#include "fuzz.h"

enum {
    ARENA_BYTES = 1 << 20
};

static void check_places(const struct consumer_place *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i].topic == NULL || p[i].topic[0] == '\0' || p[i].partition < 0) {
            abort();
        }
    }
}

static bool take(unsigned route, struct slice body, struct arena *a,
                 struct produce_fault *f)
{
    struct consumer_body_create create;
    struct consumer_place *places = NULL;
    struct member_conf subscription;
    size_t n = 0;

    switch (route % 3) {
    case 0:
        return consumer_body_create(body, a, &create, f);
    case 1:
        if (!consumer_body_subscription(body, a, &subscription, f)) {
            return false;
        }
        for (size_t i = 0; i < subscription.ntopics; i++) {
            if (!broker_topic_name_ok(slice_of(subscription.topics[i]))) {
                abort();
            }
        }
        return true;
    default:
        if (!consumer_body_places(body, route / 3 % 8, a, &places, &n, f)) {
            return false;
        }
        check_places(places, n);
        return true;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct produce_fault f = {.status = 0};
    struct arena a;

    if (size == 0) {
        return 0;
    }
    arena_init(&a, ARENA_BYTES);
    if (!take(data[0], (struct slice){(const char *)data + 1, size - 1}, &a,
              &f) &&
        (f.status < 400 || f.text[0] == '\0')) {
        abort();
    }
    arena_release(&a);
    return 0;
}
