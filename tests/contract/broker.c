/* One contract, every broker: argv[1] is the url. */
#include <inttypes.h>
#include <stdlib.h>

#include "test.h"

#include "brokers.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/thread.h"

static const char *url;
static struct err e;

static struct broker_record text_record(const char *key, const char *value)
{
    struct broker_record r = {
        .partition = -1, .has_key = key != NULL, .has_value = value != NULL};

    r.key = key ? slice_of(key) : SLICE("");
    r.value = value ? slice_of(value) : SLICE("");
    return r;
}

static struct broker_report put(struct broker *b, const char *topic,
                                struct broker_record r)
{
    struct broker_report rep = {-7, -7, ERR_NONE};
    struct broker_produce p = {
        .topic = topic, .records = &r, .n = 1, .reports = &rep};

    CHECK_OK(broker_produce(b, &p, &e), &e);
    return rep;
}

static void check_message(struct broker *b, const char *topic, int32_t part,
                          int64_t offset, const char *value)
{
    struct broker_fetch f = {0};

    CHECK_OK(broker_fetch(b, topic, part, offset, 1, &f, &e), &e);
    CHECK(f.n >= 1);
    if (f.n >= 1) {
        CHECK_INT(f.messages[0].offset, offset);
        CHECK_TEXT(f.messages[0].value, value);
    }
    broker_fetch_release(b, &f);
}

static void records_come_back_in_order(void)
{
    struct broker *b = brokers_empty(url);
    struct broker_record r[100];
    struct broker_report rep[100];
    char values[100][16];
    struct broker_produce p = {
        .topic = "t", .records = r, .n = 100, .reports = rep};
    struct broker_fetch f = {0};
    int64_t begin = -1;
    int64_t end = -1;
    int64_t at = 0;

    brokers_make(b, "t", 1);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(values[i], sizeof(values[i]), "v%d", i);
        r[i] = text_record(i % 3 ? "k" : NULL, i % 5 ? values[i] : NULL);
        r[i].time_us = (1000 + i) * 1000; /* Kafka keeps milliseconds */
        r[i].headers = i % 2 ? SLICE("\1\0\0\0a\1\0\0\0b") : SLICE("");
    }
    for (int round = 0; round < 3; round++) {
        CHECK_OK(broker_produce(b, &p, &e), &e);
        for (int i = 0; i < 100; i++) {
            CHECK_INT(rep[i].code, ERR_NONE);
            CHECK_INT(rep[i].partition, 0);
            CHECK_INT(rep[i].offset, round * 100 + i);
        }
    }
    CHECK_OK(broker_offsets(b, "t", 0, &begin, &end, &e), &e);
    CHECK_INT(begin, 0);
    CHECK_INT(end, 300);
    do {
        CHECK_OK(broker_fetch(b, "t", 0, at, 500, &f, &e), &e);
        CHECK_INT(f.end, 300);
        for (size_t k = 0; k < f.n; k++) {
            const struct message *m = &f.messages[k];
            int64_t i = at % 100;

            CHECK_INT(m->offset, at);
            CHECK_INT(m->time_us, (1000 + i) * 1000);
            CHECK_INT(m->has_key, i % 3 != 0);
            CHECK_INT(m->has_value, i % 5 != 0);
            CHECK_TEXT(m->key, i % 3 ? "k" : "");
            CHECK_TEXT(m->value, i % 5 ? values[i] : "");
            CHECK(slice_eq(m->headers, r[i].headers));
            at++;
        }
        CHECK_INT(f.next, at);
    } while (f.n > 0 && at < 300);
    CHECK_INT(at, 300);
    CHECK_OK(broker_fetch(b, "t", 0, 300, 500, &f, &e), &e);
    CHECK_INT(f.n, 0);
    CHECK_INT(f.next, 300);
    CHECK(broker_fetch(b, "t", 0, 301, 500, &f, &e) < 0);
    CHECK_INT(e.code, ERR_INVALID);
    broker_fetch_release(b, &f);
    broker_close(b);
}

static void keys_choose_the_partition_as_kafka_does(void)
{
    static const struct {
        const char *key;
        int32_t of_10;
    } cases[] = {{"21", 0},   {"foobar", 0}, {"a-little-bit-long-string", 0},
                 {"key1", 0}, {"", 0},       {"pin", 0}};
    struct broker *b = brokers_empty(url);

    brokers_make(b, "t", 10);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct broker_report a = put(b, "t", text_record(cases[i].key, "x"));
        struct broker_report c = put(b, "t", text_record(cases[i].key, "y"));

        CHECK_INT(a.partition, c.partition);
        CHECK_INT(a.offset + 1, c.offset);
    }
    for (int32_t i = 0; i < 10; i++) {
        struct broker_record r = text_record("k", "z");

        r.partition = i;
        CHECK_INT(put(b, "t", r).partition, i);
    }
    broker_close(b);
}

static void a_request_over_many_partitions_reports_each_record(void)
{
    enum {
        N = 1000,
        PARTS = 7
    };
    struct broker *b = brokers_empty(url);
    struct broker_record r[N];
    static struct broker_report rep[N];
    static char keys[N][16];
    int64_t next[PARTS] = {0};
    struct broker_produce p = {
        .topic = "t", .records = r, .n = N, .reports = rep};

    brokers_make(b, "t", PARTS);
    for (int i = 0; i < N; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "%d", i * 7919);
        r[i] = text_record(keys[i], keys[i]);
    }
    r[5].partition = PARTS;
    CHECK_OK(broker_produce(b, &p, &e), &e);
    CHECK_INT(rep[5].code, ERR_NOTFOUND);
    for (int i = 0; i < N; i++) {
        if (i == 5) {
            continue;
        }
        CHECK_INT(rep[i].code, ERR_NONE);
        CHECK_INT(rep[i].offset, next[rep[i].partition]);
        next[rep[i].partition]++;
    }
    for (int i = 0; i < N; i += 37) {
        check_message(b, "t", rep[i].partition, rep[i].offset, keys[i]);
    }
    broker_close(b);
}

static void records_without_a_key_reach_every_partition(void)
{
    struct broker *b = brokers_empty(url);
    static char big[20000];
    bool seen[4] = {false};
    struct broker_record r = {
        .partition = -1, .has_value = true, .value = {big, sizeof(big)}};

    brokers_make(b, "t", 4);
    for (int i = 0; i < 8; i++) {
        seen[put(b, "t", r).partition] = true;
    }
    CHECK(seen[0] && seen[1] && seen[2] && seen[3]);
    broker_close(b);
}

static void topics_are_made_listed_and_deleted(void)
{
    struct broker *b = brokers_empty(url);
    struct broker_topic t = {.name = "b", .partitions = 1};
    struct broker_topic *list = NULL;
    size_t n = 0;
    int64_t first_epoch;

    brokers_make(b, "b", 2);
    brokers_make(b, "a", 1);
    brokers_make(b, "c.d_e-F", 3);
    CHECK(broker_topic_create(b, &t, &e) < 0);
    CHECK_INT(e.code, ERR_EXISTS);
    CHECK_OK(broker_topic_list(b, &list, &n, &e), &e);
    CHECK_INT(n, 3);
    CHECK_TEXT(slice_of(list[0].name), "a");
    CHECK_TEXT(slice_of(list[1].name), "b");
    CHECK_TEXT(slice_of(list[2].name), "c.d_e-F");
    CHECK_INT(list[1].partitions, 2);
    mem_free(list);
    (void)put(b, "b", text_record("k", "old"));
    CHECK_OK(broker_topic_get(b, "b", &t, &e), &e);
    first_epoch = t.epoch;
    CHECK_OK(broker_topic_delete(b, "b", &e), &e);
    CHECK(broker_topic_delete(b, "b", &e) < 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK(broker_topic_get(b, "b", &t, &e) < 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    brokers_make(b, "b", 1);
    CHECK_OK(broker_topic_get(b, "b", &t, &e), &e);
    CHECK(t.epoch > first_epoch);
    CHECK_INT(put(b, "b", text_record(NULL, "new")).offset, 0);
    check_message(b, "b", 0, 0, "new");
    broker_close(b);
}

static void names_that_cannot_be_are_refused(void)
{
    struct broker *b = brokers_empty(url);
    char longest[TOPIC_NAME_MAX + 1];
    struct broker_topic t = {.partitions = 1};
    static const char *const bad[] = {"",    ".",        "..",   "a/b",
                                      "a b", "\303\274", "a\nb", "../x"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        memset(&t.name, 0, sizeof(t.name));
        (void)snprintf(t.name, sizeof(t.name), "%s", bad[i]);
        CHECK(broker_topic_create(b, &t, &e) < 0);
        CHECK_INT(e.code, ERR_INVALID);
    }
    memset(longest, 'x', TOPIC_NAME_MAX);
    longest[TOPIC_NAME_MAX] = '\0';
    brokers_make(b, longest, 1);
    CHECK_INT(put(b, longest, text_record(NULL, "v")).offset, 0);
    memset(t.name, 'y', sizeof(t.name)); /* one byte over, and no end */
    CHECK(broker_topic_create(b, &t, &e) < 0);
    CHECK_INT(e.code, ERR_INVALID);
    memset(t.name, 0, sizeof(t.name));
    t.name[0] = 'p';
    t.partitions = 1025;
    CHECK(broker_topic_create(b, &t, &e) < 0);
    CHECK_INT(e.code, ERR_INVALID);
    t.partitions = 0;
    CHECK(broker_topic_create(b, &t, &e) < 0);
    t.partitions =
        brokers_is_cluster(url) ? 64 : 1024; /* a small cluster takes long */
    CHECK_OK(broker_topic_create(b, &t, &e), &e);
    broker_close(b);
}

static void what_is_not_there_is_said(void)
{
    struct broker *b = brokers_empty(url);
    struct broker_record r = text_record(NULL, "x");
    struct broker_report rep;
    struct broker_produce p = {
        .topic = "none", .records = &r, .n = 1, .reports = &rep};
    struct broker_fetch f = {0};
    int64_t begin = -5;
    int64_t end = -5;

    CHECK(broker_produce(b, &p, &e) < 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK(strstr(e.msg, "\"none\"") != NULL);
    CHECK(broker_fetch(b, "none", 0, 0, 1, &f, &e) < 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    brokers_make(b, "t", 2);
    CHECK(broker_offsets(b, "t", 2, &begin, &end, &e) < 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK_INT(begin, -5);
    p.topic = "t";
    p.n = 0;
    CHECK(broker_produce(b, &p, &e) < 0);
    CHECK_INT(e.code, ERR_LIMIT);
    broker_fetch_release(b, &f);
    broker_close(b);
}

static void records_have_a_largest_size(void)
{
    struct broker *b = brokers_empty(url);
    size_t max =
        brokers_is_cluster(url) ? 1000000 : 64 << 20; /* as topics are made */
    char *big = mem_zero(max + 50000, 1);
    struct broker_record r = {
        .partition = 0, .has_value = true, .value = {big, max}};
    struct broker_fetch f = {0};

    brokers_make(b, "t", 1);
    if (big == NULL) {
        return;
    }
    big[max - 1] = 'e';
    CHECK_INT(put(b, "t", r).offset, 0);
    r.value.len = brokers_is_cluster(url) ? max + 50000 : max + 1;
    CHECK_INT(put(b, "t", r).code, ERR_LIMIT);
    CHECK_INT(put(b, "t", text_record(NULL, "after")).offset, 1);
    CHECK_OK(broker_fetch(b, "t", 0, 0, 1000, &f, &e), &e);
    CHECK_INT(f.n, 1);
    CHECK(f.n == 1 && f.messages[0].value.len == max &&
          f.messages[0].value.ptr[max - 1] == 'e');
    broker_fetch_release(b, &f);
    check_message(b, "t", 0, 1, "after");
    mem_free(big);
    broker_close(b);
}

static struct broker_position position(const char *topic, int32_t part,
                                       int64_t offset)
{
    struct broker_position p = {.partition = part, .offset = offset};

    (void)snprintf(p.topic, sizeof(p.topic), "%s", topic);
    return p;
}

static void groups_keep_positions_and_are_fenced(void)
{
    struct broker *b = brokers_empty(url);
    struct broker_position p[2];
    struct broker_position got = {.offset = -3};
    struct broker_position *list = NULL;
    struct broker_group *groups = NULL;
    int64_t expect[2] = {-1, -1};
    size_t n = 0;

    brokers_make(b, "t", 2);
    p[0] = position("t", 0, 5);
    p[1] = position("t", 1, 7);
    (void)snprintf(p[1].metadata, sizeof(p[1].metadata), "to=9");
    CHECK(broker_group_get(b, "g", "t", 0, &got, &e) < 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK_INT(got.offset, -3);
    CHECK_OK(broker_group_commit(b, "g", p, 2, expect, &e), &e);
    CHECK_OK(broker_group_get(b, "g", "t", 1, &got, &e), &e);
    CHECK_INT(got.offset, 7);
    CHECK_TEXT(slice_of(got.metadata), "to=9");
    expect[0] = 5;
    expect[1] = 6; /* wrong: nothing of it may be stored */
    p[0].offset = 50;
    CHECK(broker_group_commit(b, "g", p, 2, expect, &e) < 0);
    CHECK_INT(e.code, ERR_FENCED);
    CHECK_OK(broker_group_get(b, "g", "t", 0, &got, &e), &e);
    CHECK_INT(got.offset, 5);
    CHECK_OK(broker_group_commit(b, "g", p, 2, NULL, &e), &e);
    CHECK_OK(broker_group_commit(b, "f", p, 1, NULL, &e), &e);
    CHECK_OK(broker_group_list(b, &groups, &n, &e), &e);
    CHECK_INT(n, 2);
    if (n != 2) {
        return;
    }
    CHECK_TEXT(slice_of(groups[0].name), "f");
    CHECK_TEXT(slice_of(groups[1].name), "g");
    mem_free(groups);
    CHECK_OK(broker_group_positions(b, "g", &list, &n, &e), &e);
    CHECK_INT(n, 2);
    CHECK_INT(list[0].offset, 50);
    CHECK_INT(list[1].partition, 1);
    mem_free(list);
    p[0] = position("none", 0, 1);
    CHECK(broker_group_commit(b, "g", p, 1, NULL, &e) < 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK(broker_group_commit(b, "", p, 1, NULL, &e) < 0);
    CHECK_INT(e.code, ERR_INVALID);
    CHECK_OK(broker_topic_delete(b, "t", &e), &e);
    brokers_make(b, "t", 2);
    CHECK(broker_group_get(b, "g", "t", 0, &got, &e) < 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK(broker_group_delete(b, "zzz", &e) < 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    broker_close(b);
}

static int put_key(struct broker *b, const char *who, const char *key,
                   uint8_t digest, struct broker_report *rep, bool *repeated)
{
    static char values[20][8];
    struct broker_record r[20];
    struct broker_produce p = {.topic = "t",
                               .records = r,
                               .n = 20,
                               .reports = rep,
                               .idempotency_key = slice_of(key),
                               .principal = slice_of(who)};
    int rc;

    memset(p.body_digest, digest, sizeof(p.body_digest));
    for (size_t i = 0; i < 20; i++) {
        (void)snprintf(values[i], sizeof(values[i]), "%zu", i);
        r[i] = text_record(i % 2 ? values[i] : NULL, "v");
    }
    rc = broker_produce(b, &p, &e);
    *repeated = p.repeated;
    return rc;
}

static void a_repeated_request_stores_once(void)
{
    struct broker *b = brokers_empty(url);
    struct broker_report one[20];
    struct broker_report two[20];
    bool repeated = true;
    int64_t sum = 0;

    brokers_make(b, "t", 3);
    CHECK_OK(put_key(b, "me", "k1", 1, one, &repeated), &e);
    CHECK(!repeated);
    CHECK_OK(put_key(b, "me", "k2", 1, two, &repeated), &e);
    memset(two, 0, sizeof(two));
    CHECK_OK(put_key(b, "me", "k1", 1, two, &repeated), &e);
    CHECK(repeated);
    for (int i = 0; i < 20; i++) {
        CHECK_INT(two[i].partition, one[i].partition);
        CHECK_INT(two[i].offset, one[i].offset);
        CHECK_INT(two[i].code, ERR_NONE);
    }
    CHECK(put_key(b, "me", "k1", 2, two, &repeated) < 0);
    CHECK_INT(e.code, ERR_CONFLICT);
    CHECK_OK(put_key(b, "you", "k1", 2, two, &repeated), &e);
    CHECK(!repeated);
    for (int32_t p = 0; p < 3; p++) {
        int64_t begin = 0;
        int64_t end = 0;

        CHECK_OK(broker_offsets(b, "t", p, &begin, &end, &e), &e);
        sum += end;
    }
    CHECK_INT(sum, 60);
    broker_close(b);
}

static void times_find_offsets(void)
{
    struct broker *b = brokers_empty(url);
    int64_t at = -1;

    brokers_make(b, "t", 1);
    CHECK_OK(broker_offset_at(b, "t", 0, 5, &at, &e), &e);
    CHECK_INT(at, 0);
    for (int i = 0; i < 10; i++) {
        struct broker_record r = text_record(NULL, "x");

        r.time_us = (1000 + 10 * i) * 1000; /* in whole milliseconds */
        (void)put(b, "t", r);
    }
    CHECK_OK(broker_offset_at(b, "t", 0, 0, &at, &e), &e);
    CHECK_INT(at, 0);
    CHECK_OK(broker_offset_at(b, "t", 0, 1031000, &at, &e), &e);
    CHECK_INT(at, 4);
    CHECK_OK(broker_offset_at(b, "t", 0, 1040000, &at, &e), &e);
    CHECK_INT(at, 4);
    CHECK_OK(broker_offset_at(b, "t", 0, 1091000, &at, &e), &e);
    CHECK_INT(at, 10);
    broker_close(b);
}

static void later(void *arg)
{
    clock_sleep_us(50000);
    (void)put(arg, "t", text_record(NULL, "x"));
}

static void waiting_ends_when_a_record_comes(void)
{
    struct broker *b = brokers_empty(url);
    struct thread t = {.running = false};
    int64_t best = INT64_MAX;
    int64_t began;
    int64_t took;

    brokers_make(b, "t", 1);
    began = clock_mono_us();
    CHECK(!broker_wait(b, "t", 0, 0, 20000));
    CHECK(clock_mono_us() - began >= 20000);
    for (int64_t i = 0; i < 3; i++) {
        began = clock_mono_us();
        CHECK_OK(thread_start(&t, "later", later, b, &e), &e);
        CHECK(broker_wait(b, "t", 0, i, 60000000));
        took = clock_mono_us() - began;
        best = took < best ? took : best;
        thread_join(&t);
    }
    CHECK(best < 4000000); /* a stall of the machine is not ours */
    CHECK(broker_wait(b, "t", 0, 0, 0));
    broker_close(b);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"records come back in order", records_come_back_in_order},
        {"keys choose the partition as Kafka does",
         keys_choose_the_partition_as_kafka_does},
        {"a request over many partitions reports each record",
         a_request_over_many_partitions_reports_each_record},
        {"records without a key reach every partition",
         records_without_a_key_reach_every_partition},
        {"topics are made, listed and deleted",
         topics_are_made_listed_and_deleted},
        {"names that cannot be are refused", names_that_cannot_be_are_refused},
        {"what is not there is said", what_is_not_there_is_said},
        {"records have a largest size", records_have_a_largest_size},
        {"groups keep positions and are fenced",
         groups_keep_positions_and_are_fenced},
        {"a repeated request stores once", a_repeated_request_stores_once},
        {"times find offsets", times_find_offsets},
        {"waiting ends when a record comes", waiting_ends_when_a_record_comes},
    };

    if (argc != 2) {
        return 2;
    }
    url = argv[1];
    return test_main(tests, ARRAY_LEN(tests));
}
