/* One contract for records and positions in one; argv[1] is the broker's url:
 * on one without transactions it is refused. */
#include <stdlib.h>

#include "test.h"

#include "broker/outbox.h"
#include "brokers.h"
#include "core/clock.h"

enum {
    TEXT = 64,
    SEEN_US = 20000000, /* a commit is seen after this at the latest */
};

static const char *url;
static struct err e;
static char from[BROKERS_NAME_MAX], to[BROKERS_NAME_MAX];
static char group[BROKERS_NAME_MAX], name[BROKERS_NAME_MAX];

static struct broker *fresh(void)
{
    struct broker *b = brokers_open(url, true);

    (void)brokers_unique(from, "from");
    (void)brokers_unique(to, "to");
    (void)brokers_unique(group, "group");
    (void)brokers_unique(name, "box");
    brokers_make(b, from, 1);
    brokers_make(b, to, 1);
    return b;
}

static struct outbox *open_box(struct broker *b)
{
    struct outbox_conf conf = {.name = name, .group = group};
    struct outbox *o = NULL;

    CHECK_OK(outbox_open(&o, b, &conf, &e), &e);
    if (o == NULL) {
        exit(1);
    }
    return o;
}

static int put(struct outbox *o, const char *text)
{
    struct broker_record r = {.partition = -1,
                              .key = SLICE("k"),
                              .has_key = true,
                              .value = slice_of(text),
                              .has_value = true};

    return outbox_put(o, to, &r, 1, &e);
}

static int commit(struct broker *b, struct outbox *o, int64_t offset)
{
    struct broker_position at = {.offset = offset};
    struct broker_topic t;

    CHECK_OK(broker_topic_get(b, from, &t, &e), &e);
    (void)snprintf(at.topic, sizeof(at.topic), "%s", from);
    at.epoch = t.epoch;
    return outbox_commit(o, &at, 1, &e);
}

static int64_t stands(struct broker *b)
{
    struct broker_position at;

    return broker_group_get(b, group, from, 0, &at, &e) == 0 ? at.offset : -1;
}

/* The values that a reader of committed records gets, one behind the other;
 * waits until there are as many. */
static void check_read(struct broker *b, const char *want)
{
    int64_t until = clock_mono_us() + SEEN_US;
    char got[TEXT] = "";

    do {
        struct broker_fetch f = {0};
        int64_t begin = 0;
        int64_t end = 0;

        got[0] = '\0';
        CHECK_OK(broker_offsets(b, to, 0, &begin, &end, &e), &e);
        for (int64_t at = begin; at < end;) {
            size_t len = strlen(got);

            CHECK_OK(broker_fetch(b, to, 0, at, 1 << 16, &f, &e), &e);
            for (size_t i = 0; i < f.n; i++, len = strlen(got)) {
                (void)snprintf(got + len, sizeof(got) - len, "%.*s",
                               SLICE_FMT(f.messages[i].value));
            }
            at = f.next > at ? f.next : end;
        }
        broker_fetch_release(b, &f);
    } while (strlen(got) < strlen(want) && clock_mono_us() < until);
    CHECK(strcmp(got, want) == 0);
}

static void records_and_positions_come_together(void)
{
    struct broker *b = fresh();
    struct outbox *o = open_box(b);

    CHECK_INT(stands(b), -1);
    CHECK_OK(put(o, "a"), &e);
    CHECK_OK(put(o, "b"), &e);
    CHECK_OK(commit(b, o, 2), &e);
    check_read(b, "ab");
    CHECK_INT(stands(b), 2);
    CHECK_OK(put(o, "c"), &e);
    CHECK_OK(commit(b, o, 3), &e);
    check_read(b, "abc");
    CHECK_OK(commit(b, o, 7), &e);
    CHECK_INT(stands(b), 7);
    check_read(b, "abc");
    outbox_close(o);
    broker_close(b);
}

static void what_is_not_committed_is_never_seen(void)
{
    struct broker *b = fresh();
    struct outbox *o = open_box(b);

    CHECK_OK(put(o, "a"), &e);
    CHECK_OK(commit(b, o, 1), &e);
    CHECK_OK(put(o, "x"), &e);
    outbox_close(o);
    o = open_box(b);
    CHECK_INT(stands(b), 1);
    CHECK_OK(put(o, "b"), &e);
    CHECK_OK(commit(b, o, 2), &e);
    check_read(b, "ab");
    CHECK_INT(stands(b), 2);
    outbox_close(o);
    broker_close(b);
}

static void who_opens_last_goes_on_alone(void)
{
    struct broker *b = fresh();
    struct outbox *first = open_box(b);
    struct outbox *second;

    CHECK_OK(put(first, "a"), &e);
    CHECK_OK(commit(b, first, 1), &e);
    CHECK_OK(put(first, "x"), &e);
    second = open_box(b);
    CHECK_INT(stands(b), 1);
    CHECK_OK(put(second, "b"), &e);
    CHECK_OK(commit(b, second, 2), &e);
    CHECK(put(first, "y") < 0 || commit(b, first, 9) < 0);
    CHECK_INT(e.code, ERR_FENCED);
    outbox_close(first);
    CHECK_OK(put(second, "c"), &e);
    CHECK_OK(commit(b, second, 3), &e);
    check_read(b, "abc");
    CHECK_INT(stands(b), 3);
    outbox_close(second);
    broker_close(b);
}

static void names_are_checked(void)
{
    struct broker *b = fresh();
    struct outbox_conf conf = {.name = "no name", .group = group};
    struct outbox *o = NULL;

    CHECK(outbox_open(&o, b, &conf, &e) < 0);
    CHECK_INT(e.code, ERR_INVALID);
    broker_close(b);
}

static void a_broker_without_transactions_says_so(void)
{
    struct broker *b = fresh();
    struct outbox_conf conf = {.name = name, .group = group};
    struct outbox *o = NULL;

    CHECK(outbox_open(&o, b, &conf, &e) < 0);
    CHECK_INT(e.code, ERR_UNAVAILABLE);
    CHECK(strstr(e.msg, "has no transactions") != NULL);
    broker_close(b);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"records and positions come together",
         records_and_positions_come_together},
        {"what is not committed is never seen",
         what_is_not_committed_is_never_seen},
        {"who opens last goes on alone", who_opens_last_goes_on_alone},
        {"names are checked", names_are_checked},
    };
    static const struct test refused[] = {
        {"a broker without transactions says so",
         a_broker_without_transactions_says_so},
    };

    if (argc != 2) {
        return 2;
    }
    url = argv[1];
    return brokers_is_cluster(url) ? test_main(tests, ARRAY_LEN(tests))
                                   : test_main(refused, ARRAY_LEN(refused));
}
