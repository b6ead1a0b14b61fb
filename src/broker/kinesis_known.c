#include "broker/kinesis_known_int.h"

#include <string.h>

#include "core/clock.h"
#include "core/mem.h"

enum {
    GOOD_US = 1000000,
};

static struct kinesis_known *find(struct kinesis *k, const char *stream)
{
    for (size_t i = 0; k->known != NULL && i < KINESIS_KNOWN; i++) {
        if (strcmp(k->known[i].topic.name, stream) == 0) {
            return &k->known[i];
        }
    }
    return NULL;
}

/* The stream's place, or the one that was asked longest ago. */
static struct kinesis_known *place(struct kinesis *k, const char *stream)
{
    struct kinesis_known *x = find(k, stream);

    if (x != NULL) {
        return x;
    }
    x = &k->known[0];
    for (size_t i = 1; i < KINESIS_KNOWN; i++) {
        x = k->known[i].asked_us < x->asked_us ? &k->known[i] : x;
    }
    return x;
}

static void release(struct kinesis_known *x)
{
    mem_free(x->shards);
    *x = (struct kinesis_known){.good = false};
}

int kinesis_known_ask(struct kinesis *k, const char *stream,
                      const struct kinesis_known **ret, struct err *e)
{
    struct kinesis_known got = {.asked_us = clock_mono_us(), .good = true};
    struct kinesis_known *x;

    if (k->known == NULL) {
        k->known = mem_zero(KINESIS_KNOWN, sizeof(*k->known));
        if (k->known == NULL) {
            return err_nomem(e, KINESIS_KNOWN * sizeof(*k->known));
        }
    }
    (void)kinesis_known_forget(k, stream);
    if (kinesis_describe(k, stream, &got.topic, NULL, e) != 0 ||
        kinesis_shards(k, stream, &got.shards, &got.n, e) != 0) {
        return -1;
    }
    got.topic.partitions = got.n > 0 ? got.shards[got.n - 1].number + 1 : 0;
    x = place(k, stream);
    release(x);
    *x = got;
    *ret = x;
    return 0;
}

int kinesis_known_get(struct kinesis *k, const char *stream, int32_t partition,
                      const struct kinesis_known **ret, struct err *e)
{
    const struct kinesis_known *x = find(k, stream);

    if (x != NULL && x->good && partition < x->topic.partitions &&
        clock_mono_us() - x->asked_us < GOOD_US) {
        *ret = x;
        return 0;
    }
    return kinesis_known_ask(k, stream, ret, e);
}

bool kinesis_known_forget(struct kinesis *k, const char *stream)
{
    struct kinesis_known *x = find(k, stream);
    bool was = x != NULL && x->good;

    if (x != NULL) {
        x->good = false; /* somebody may still be reading it */
    }
    return was;
}

void kinesis_known_free(struct kinesis *k)
{
    for (size_t i = 0; k->known != NULL && i < KINESIS_KNOWN; i++) {
        release(&k->known[i]);
    }
    mem_free(k->known);
    k->known = NULL;
}
