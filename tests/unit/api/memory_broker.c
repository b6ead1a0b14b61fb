/* The broker of topics in memory in the place of the fake one. */
#include "fake_broker.h"

struct broker *fake_broker_new(void)
{
    static const struct broker_conf conf = {.url = "memory",
                                            .mode = BROKER_WRITE};
    struct broker *b = NULL;

    (void)!broker_open(&b, &conf, NULL);
    return b;
}

void fake_broker_free(struct broker *b)
{
    broker_close(b);
}

void fake_broker_set(struct broker *b, const struct fake_conf *c)
{
    (void)b;
    (void)c;
}
