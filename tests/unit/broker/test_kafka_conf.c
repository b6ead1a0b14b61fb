/* The url and the options of Kafka; no cluster is needed to refuse them. */
#include "test.h"

#include "broker/broker.h"
#include "core/clock.h"

static struct err e;

/* Opening fails; true when the message has the words. */
static bool refused(const char *url, const char *option, enum err_code code,
                    const char *words)
{
    struct broker_conf conf = {
        .url = url, .options = &option, .noptions = option != NULL};
    struct broker *b = NULL;

    if (broker_open(&b, &conf, &e) == 0) {
        broker_close(b);
        return false;
    }
    if (e.code == ERR_UNAVAILABLE) {
        test_skip("librdkafka is not installed");
    }
    CHECK_INT(e.code, code);
    return strstr(e.msg, words) != NULL;
}

static void an_unknown_option_is_told_with_the_nearest(void)
{
    CHECK(refused("kafka://127.0.0.1:1", "linger.mss=5", ERR_INVALID,
                  "did you mean \"linger.ms\""));
    CHECK(refused("kafka://127.0.0.1:1?sasl.usernam=x", NULL, ERR_INVALID,
                  "did you mean \"sasl.username\""));
    CHECK(refused("kafka://127.0.0.1:1", "no_equals_sign", ERR_INVALID,
                  "NAME=VALUE"));
}

static void a_value_that_cannot_be_is_told(void)
{
    CHECK(refused("kafka://127.0.0.1:1", "linger.ms=soon", ERR_INVALID,
                  "linger.ms"));
    CHECK(refused("kafka://127.0.0.1:1", "security.protocol=MAGIC", ERR_INVALID,
                  "security.protocol"));
}

static void what_promises_rest_on_cannot_be_set(void)
{
    static const char *const names[] = {"acks=0", "enable.idempotence=false",
                                        "group.id=mine",
                                        "bootstrap.servers=x:1"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        CHECK(refused("kafka://127.0.0.1:1", names[i], ERR_INVALID,
                      "promises rest on it"));
    }
}

static void secrets_are_not_repeated(void)
{
    char plain[64];

    CHECK(refused("kafka://127.0.0.1:1?ssl.key.pem=hunter2&linger.ms=x", NULL,
                  ERR_INVALID, "broker option"));
    CHECK(strstr(e.msg, "hunter2") == NULL);
    broker_url_plain("kafka://h:9092?sasl.password=hunter2", plain,
                     sizeof(plain));
    CHECK_TEXT(slice_of(plain), "kafka://h:9092?...");
    broker_url_plain("kafka://h:9092", plain, sizeof(plain));
    CHECK_TEXT(slice_of(plain), "kafka://h:9092");
    broker_url_plain(NULL, plain, sizeof(plain));
    CHECK_TEXT(slice_of(plain), "embedded");
}

static void nobody_there_is_told_soon(void)
{
    int64_t began = clock_mono_us();

    CHECK(refused("kafka://127.0.0.1:1", NULL, ERR_CONNECT,
                  "could not reach Kafka at \"127.0.0.1:1\""));
    CHECK(clock_mono_us() - began < 20000000);
}

int main(void)
{
    static const struct test tests[] = {
        {"an unknown option is told with the nearest",
         an_unknown_option_is_told_with_the_nearest},
        {"a value that cannot be is told", a_value_that_cannot_be_is_told},
        {"what promises rest on cannot be set",
         what_promises_rest_on_cannot_be_set},
        {"secrets are not repeated", secrets_are_not_repeated},
        {"nobody there is told soon", nobody_there_is_told_soon},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
