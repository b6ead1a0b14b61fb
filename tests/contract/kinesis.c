/*
 * kinesis.c - the broker's contract as far as a stream can keep it.  argv[1]
 * is the url; "reshard" as argv[2] on servers that split shards.
 *
 * Not here, as Kinesis has none of it: offsets in the report of a produce,
 * tombstones, headers, times of the producer's own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "brokers.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "test.h"

enum {
    MANY = 1200,
};

static const char *url;
static struct err e;

/* A stream of its own for each test. */
static const char *make(struct broker *b, int32_t shards)
{
    static char name[BROKERS_NAME_MAX];

    brokers_make(b, brokers_unique(name, "s"), shards);
    return name;
}

static struct broker_report put(struct broker *b, const char *topic,
                                int32_t partition, const char *key,
                                const char *value)
{
    struct broker_record r = {.partition = partition,
                              .has_key = key != NULL,
                              .has_value = true,
                              .value = slice_of(value)};
    struct broker_report rep = {-7, -7, ERR_NONE};
    struct broker_produce p = {
        .topic = topic, .records = &r, .n = 1, .reports = &rep};

    r.key = key != NULL ? slice_of(key) : SLICE("");
    CHECK_OK(broker_produce(b, &p, &e), &e);
    return rep;
}

/* The value at an offset, as text; "" when there is none. */
static void value_at(struct broker *b, const char *topic, int32_t partition,
                     int64_t offset, char text[80])
{
    struct broker_fetch f = {0};

    text[0] = '\0';
    CHECK_OK(broker_fetch(b, topic, partition, offset, 1, &f, &e), &e);
    if (f.n > 0) {
        CHECK_INT(f.messages[0].offset, offset);
        (void)snprintf(text, 80, "%.*s", SLICE_FMT(f.messages[0].value));
    }
    broker_fetch_release(b, &f);
}

static void records_come_back_in_order(void)
{
    struct broker *b = brokers_open(url, true);
    const char *s = make(b, 1);
    struct broker_record *r = mem_zero(MANY, sizeof(*r));
    struct broker_report *rep = mem_zero(MANY, sizeof(*rep));
    struct broker_produce p = {
        .topic = s, .records = r, .n = MANY, .reports = rep};
    struct broker_fetch f = {0};
    char(*values)[24] = mem_zero(MANY, sizeof(*values));
    int64_t begin;
    int64_t end;
    int64_t at = 0;

    for (int i = 0; i < MANY; i++) {
        (void)snprintf(values[i], sizeof(values[i]), "value %d", i);
        r[i] =
            (struct broker_record){.partition = -1,
                                   .has_key = i % 2 == 0,
                                   .key = i % 2 == 0 ? SLICE("k") : SLICE(""),
                                   .has_value = true,
                                   .value = slice_of(values[i])};
    }
    CHECK_OK(broker_produce(b, &p, &e), &e);
    for (int i = 0; i < MANY; i++) {
        CHECK_INT(rep[i].code, ERR_NONE);
        CHECK_INT(rep[i].partition, 0);
        CHECK_INT(rep[i].offset, -1);
    }
    CHECK_OK(broker_offsets(b, s, 0, &begin, &end, &e), &e);
    CHECK_INT(begin, 0);
    CHECK_INT(end, MANY);
    do {
        CHECK_OK(broker_fetch(b, s, 0, at, 500, &f, &e), &e);
        for (size_t k = 0; k < f.n; k++) {
            CHECK_INT(f.messages[k].offset, at);
            CHECK_TEXT(f.messages[k].value, values[at]);
            CHECK_INT(f.messages[k].has_key, at % 2 == 0);
            at++;
        }
        CHECK_INT(f.next, at);
    } while (f.n > 0 && at < MANY);
    CHECK_INT(at, MANY);
    CHECK(broker_fetch(b, s, 0, MANY + 1, 500, &f, &e) < 0);
    CHECK_INT(e.code, ERR_INVALID);
    broker_fetch_release(b, &f);
    CHECK_OK(broker_topic_delete(b, s, &e), &e);
    broker_close(b);
    mem_free(values);
    mem_free(r);
    mem_free(rep);
}

static void offsets_are_the_same_in_another_process(void)
{
    struct broker *b = brokers_open(url, true);
    const char *s = make(b, 1);
    char text[80];
    int64_t begin;
    int64_t end;

    for (int i = 0; i < 5; i++) {
        char value[16];

        (void)snprintf(value, sizeof(value), "v%d", i);
        (void)put(b, s, -1, "k", value);
    }
    value_at(b, s, 0, 3, text);
    CHECK_TEXT(slice_of(text), "v3");
    broker_close(b);
    b = brokers_open(url, false);
    (void)put(b, s, -1, "k", "v5");
    value_at(b, s, 0, 4, text);
    CHECK_TEXT(slice_of(text), "v4");
    value_at(b, s, 0, 1, text);
    CHECK_TEXT(slice_of(text), "v1");
    CHECK_OK(broker_offsets(b, s, 0, &begin, &end, &e), &e);
    CHECK_INT(end, 6);
    CHECK_OK(broker_topic_delete(b, s, &e), &e);
    broker_close(b);
}

static void partitions_are_chosen_and_keys_keep_theirs(void)
{
    struct broker *b = brokers_open(url, true);
    const char *s = make(b, 3);
    struct broker_topic t;
    int32_t of_key = -1;
    int seen[3] = {0, 0, 0};

    CHECK_OK(broker_topic_get(b, s, &t, &e), &e);
    CHECK_INT(t.partitions, 3);
    for (int32_t p = 0; p < 3; p++) {
        CHECK_INT(put(b, s, p, "same", "x").partition, p);
    }
    for (int i = 0; i < 4; i++) {
        struct broker_report rep = put(b, s, -1, "key", "x");

        CHECK(of_key < 0 || of_key == rep.partition);
        of_key = rep.partition;
    }
    for (int i = 0; i < 3; i++) {
        seen[put(b, s, -1, NULL, "x").partition]++;
    }
    CHECK(seen[0] == 1 && seen[1] == 1 && seen[2] == 1);
    CHECK_INT(put(b, s, 3, "k", "x").code, ERR_NOTFOUND);
    CHECK_OK(broker_topic_delete(b, s, &e), &e);
    broker_close(b);
}

static void topics_are_made_listed_and_deleted(void)
{
    struct broker *b = brokers_open(url, true);
    const char *s = make(b, 2);
    struct broker_topic t = {.partitions = 1};
    struct broker_topic *list = NULL;
    bool found = false;
    size_t n = 0;

    (void)snprintf(t.name, sizeof(t.name), "%s", s);
    CHECK(broker_topic_create(b, &t, &e) != 0);
    CHECK_INT(e.code, ERR_EXISTS);
    CHECK_OK(broker_topic_list(b, &list, &n, &e), &e);
    for (size_t i = 0; i < n; i++) {
        found =
            found || (strcmp(list[i].name, s) == 0 && list[i].partitions == 2);
    }
    CHECK(found);
    mem_free(list);
    CHECK_OK(broker_topic_delete(b, s, &e), &e);
    CHECK(broker_topic_get(b, s, &t, &e) != 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK(broker_topic_delete(b, s, &e) != 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    broker_close(b);
}

static void groups_keep_fenced_positions(void)
{
    struct broker *b = brokers_open(url, true);
    const char *s = make(b, 1);
    struct broker_position p = {.offset = 7, .metadata = "m"};
    struct broker_position got;
    struct broker_topic t;
    int64_t none = -1;
    int64_t other = 3;

    CHECK_OK(broker_topic_get(b, s, &t, &e), &e);
    p.epoch = t.epoch;
    (void)snprintf(p.topic, sizeof(p.topic), "%s", s);
    CHECK(broker_group_get(b, "g", s, 0, &got, &e) != 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK_OK(broker_group_commit(b, "g", &p, 1, &none, &e), &e);
    p.offset = 9;
    CHECK(broker_group_commit(b, "g", &p, 1, &other, &e) != 0);
    CHECK_INT(e.code, ERR_FENCED);
    broker_close(b);
    b = brokers_open(url, false);
    CHECK_OK(broker_group_get(b, "g", s, 0, &got, &e), &e);
    CHECK_INT(got.offset, 7);
    CHECK_TEXT(slice_of(got.metadata), "m");
    CHECK_OK(broker_group_delete(b, "g", &e), &e);
    CHECK(broker_group_get(b, "g", s, 0, &got, &e) != 0);
    CHECK_OK(broker_topic_delete(b, s, &e), &e);
    broker_close(b);
}

static void repeated_keys_store_once(void)
{
    struct broker *b = brokers_open(url, true);
    const char *s = make(b, 1);
    struct broker_record r = {
        .partition = -1, .has_value = true, .value = SLICE("once")};
    int64_t begin;
    int64_t end;

    for (int i = 0; i < 2; i++) {
        struct broker_report rep = {-7, -7, ERR_NONE};
        struct broker_produce p = {.topic = s,
                                   .records = &r,
                                   .n = 1,
                                   .reports = &rep,
                                   .idempotency_key = SLICE("key")};

        CHECK_OK(broker_produce(b, &p, &e), &e);
        CHECK_INT(p.repeated, i == 1);
        CHECK_INT(rep.partition, 0);
    }
    CHECK_OK(broker_offsets(b, s, 0, &begin, &end, &e), &e);
    CHECK_INT(end, 1);
    CHECK_OK(broker_topic_delete(b, s, &e), &e);
    broker_close(b);
}

static void what_a_stream_cannot_hold_is_refused(void)
{
    struct broker *b = brokers_open(url, true);
    const char *s = make(b, 1);
    struct broker_record r[2] = {
        {.partition = -1,
         .has_value = true,
         .value = SLICE("x"),
         .headers = SLICE("\1\0\0\0a\1\0\0\0b")},
        {.partition = -1, .has_value = true, .value = SLICE("good")}};
    struct broker_report rep[2];
    struct broker_produce p = {
        .topic = s, .records = r, .n = 2, .reports = rep};

    CHECK_OK(broker_produce(b, &p, &e), &e);
    CHECK_INT(rep[0].code, ERR_INVALID);
    CHECK_INT(rep[1].code, ERR_NONE);
    p.topic = "there-is-no-such-stream";
    CHECK(broker_produce(b, &p, &e) != 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK_OK(broker_topic_delete(b, s, &e), &e);
    broker_close(b);
}

static void times_find_offsets_and_ends_are_waited_for(void)
{
    struct broker *b = brokers_open(url, true);
    const char *s = make(b, 1);
    int64_t offset = -1;
    int64_t between;

    (void)put(b, s, -1, "k", "old");
    clock_sleep_us(1100000); /* some servers keep whole seconds */
    between = clock_wall_us() - 50000;
    clock_sleep_us(1100000);
    (void)put(b, s, -1, "k", "new");
    CHECK_OK(broker_offset_at(b, s, 0, 0, &offset, &e), &e);
    CHECK_INT(offset, 0);
    CHECK_OK(broker_offset_at(b, s, 0, between, &offset, &e), &e);
    CHECK_INT(offset, 1);
    CHECK_OK(broker_offset_at(b, s, 0, clock_wall_us() + 9000000, &offset, &e),
             &e);
    CHECK_INT(offset, 2);
    CHECK(broker_wait(b, s, 0, 1, 1000000));
    CHECK(!broker_wait(b, s, 0, 2, 200000));
    CHECK_OK(broker_topic_delete(b, s, &e), &e);
    broker_close(b);
}

/* argv[3] is a program that splits the only shard of a stream. */
static const char *split;

static void parents_come_before_children(void)
{
    struct broker *b = brokers_open(url, true);
    const char *s;
    struct broker_fetch f = {0};
    struct broker_topic t;
    char command[400];
    char text[80];

    if (split == NULL) {
        test_skip("this server is not resharded here");
        broker_close(b);
        return;
    }
    s = make(b, 1);
    (void)put(b, s, -1, "k", "of the parent");
    (void)snprintf(command, sizeof(command), "%s %s", split, s);
    CHECK_INT(system(command), 0);
    CHECK_OK(broker_topic_get(b, s, &t, &e), &e);
    CHECK_INT(t.partitions, 3);
    CHECK_INT(put(b, s, 0, "k", "x").code, ERR_NOTFOUND); /* closed */
    CHECK_INT(put(b, s, 1, "k", "of a child").code, ERR_NONE);
    CHECK_OK(broker_fetch(b, s, 1, 0, 1, &f, &e), &e);
    CHECK_INT(f.n, 0); /* the parent was not read yet */
    value_at(b, s, 0, 0, text);
    CHECK_TEXT(slice_of(text), "of the parent");
    for (int i = 0; i < 50; i++) { /* some servers close with a delay */
        value_at(b, s, 0, 1, text);
        CHECK_TEXT(slice_of(text), "");
        value_at(b, s, 1, 0, text);
        if (text[0] != '\0') {
            break;
        }
        clock_sleep_us(200000);
    }
    CHECK_TEXT(slice_of(text), "of a child");
    broker_fetch_release(b, &f);
    CHECK_OK(broker_topic_delete(b, s, &e), &e);
    broker_close(b);
}

static void wrong_keys_are_told(void)
{
    struct broker *b;
    struct broker_topic t;

    (void)setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret-at-all", 1);
    b = brokers_open(url, true);
    if (broker_topic_get(b, "none", &t, &e) != 0 && e.code == ERR_NOTFOUND) {
        test_skip("this server does not check signatures");
    } else {
        CHECK_INT(e.code, ERR_DENIED);
        CHECK(strstr(e.msg, "not-the-secret") == NULL);
    }
    broker_close(b);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"records come back in order", records_come_back_in_order},
        {"offsets are the same in another process",
         offsets_are_the_same_in_another_process},
        {"partitions are chosen and keys keep theirs",
         partitions_are_chosen_and_keys_keep_theirs},
        {"topics are made, listed and deleted",
         topics_are_made_listed_and_deleted},
        {"groups keep fenced positions", groups_keep_fenced_positions},
        {"repeated keys store once", repeated_keys_store_once},
        {"what a stream cannot hold is refused",
         what_a_stream_cannot_hold_is_refused},
        {"times find offsets and ends are waited for",
         times_find_offsets_and_ends_are_waited_for},
        {"parents come before children", parents_come_before_children},
        {"wrong keys are told", wrong_keys_are_told},
    };

    url = argc > 1 ? argv[1] : "";
    split = argc > 2 ? argv[2] : NULL;
    return test_main(tests, ARRAY_LEN(tests));
}
