/* One contract of group membership, every broker: argv[1] is the url. */
#include <inttypes.h>
#include <stdlib.h>

#include "test.h"

#include "brokers.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"

enum {
    HELD_MAX = 64,
    PATIENCE_US = 30000000,
};

static const char *url;
static struct err e;

/* A member, and what it was told it has. */
struct one {
    struct member *m;
    struct member_partition held[HELD_MAX];
    size_t n;
    size_t revoked, lost;
    bool settled;
};

static void join(struct one *o, struct broker *b, const char *group,
                 const char *topic, const char *pattern)
{
    struct member_conf conf = {.group = group,
                               .topics = &topic,
                               .ntopics = topic != NULL ? 1 : 0,
                               .pattern = pattern};

    *o = (struct one){.n = 0};
    CHECK_OK(member_join(&o->m, b, &conf, &e), &e);
    if (o->m == NULL) {
        exit(1);
    }
}

static bool same(const struct member_partition *a,
                 const struct member_partition *b)
{
    return a->partition == b->partition && strcmp(a->topic, b->topic) == 0;
}

static void forget(struct one *o, const struct member_partition *p)
{
    for (size_t i = 0; i < o->n; i++) {
        if (same(&o->held[i], p)) {
            o->held[i] = o->held[--o->n];
            return;
        }
    }
    test_fail(__FILE__, __LINE__, "told to give up what it did not have");
}

static void poll_one(struct one *o, int64_t timeout_us)
{
    struct member_change c;

    CHECK_OK(member_poll(o->m, timeout_us, &c, &e), &e);
    for (size_t i = 0; i < c.nlost; i++) {
        forget(o, &c.lost[i]);
    }
    for (size_t i = 0; i < c.nrevoked; i++) {
        forget(o, &c.revoked[i]);
    }
    for (size_t i = 0; i < c.nassigned && o->n < HELD_MAX; i++) {
        o->held[o->n++] = c.assigned[i];
    }
    o->revoked += c.nrevoked;
    o->lost += c.nlost;
    o->settled = c.settled;
}

/* Poll all until each has as many partitions as wanted, and is settled. */
static bool settle(struct one *const *all, size_t n, const size_t *want)
{
    int64_t until = clock_mono_us() + PATIENCE_US;
    bool ready = false;

    while (!ready && clock_mono_us() < until) {
        ready = true;
        for (size_t i = 0; i < n; i++) {
            poll_one(all[i], 10000);
        }
        for (size_t i = 0; i < n; i++) {
            ready = ready && all[i]->settled && all[i]->n == want[i];
        }
    }
    return ready;
}

static void one_member_has_every_partition(void)
{
    struct broker *b = brokers_open(url, true);
    struct broker_position pos;
    struct one o;
    struct one *const all[] = {&o};
    const size_t want[] = {3};
    char topic[80];
    char group[80];

    brokers_make(b, brokers_unique(topic, "t"), 3);
    join(&o, b, brokers_unique(group, "g"), topic, NULL);
    CHECK(settle(all, 1, want));
    for (size_t i = 0; i < o.n; i++) {
        CHECK_TEXT(slice_of(o.held[i].topic), topic);
        pos = brokers_at(&o.held[i], o.held[i].partition + 5);
        CHECK_OK(member_commit(o.m, &pos, 1, &e), &e);
    }
    member_leave(o.m);
    for (int32_t p = 0; p < 3; p++) {
        CHECK_OK(broker_group_get(b, group, topic, p, &pos, &e), &e);
        CHECK_INT(pos.offset, p + 5);
    }
    broker_close(b);
}

static void members_share_evenly_and_nobody_has_what_another_has(void)
{
    struct broker *b = brokers_open(url, true);
    struct one o[3];
    struct one *const all[] = {&o[0], &o[1], &o[2]};
    const size_t first[] = {6};
    const size_t shared[] = {2, 2, 2};
    bool seen[6] = {false};
    char topic[80];
    char group[80];

    brokers_make(b, brokers_unique(topic, "t"), 6);
    (void)brokers_unique(group, "g");
    join(&o[0], b, group, topic, NULL);
    CHECK(settle(all, 1, first));
    join(&o[1], b, group, topic, NULL);
    join(&o[2], b, group, topic, NULL);
    CHECK(settle(all, 3, shared));
    CHECK_INT(o[0].lost, 0);
    CHECK_INT(o[0].revoked, 4);
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < o[i].n; k++) {
            CHECK(!seen[o[i].held[k].partition]);
            seen[o[i].held[k].partition] = true;
        }
        member_leave(o[i].m);
    }
    broker_close(b);
}

static void who_leaves_gives_everything_to_the_others(void)
{
    struct broker *b = brokers_open(url, true);
    struct one o[2];
    struct one *const all[] = {&o[0], &o[1]};
    const size_t shared[] = {2, 2};
    const size_t alone[] = {4};
    char topic[80];
    char group[80];

    brokers_make(b, brokers_unique(topic, "t"), 4);
    (void)brokers_unique(group, "g");
    join(&o[0], b, group, topic, NULL);
    join(&o[1], b, group, topic, NULL);
    CHECK(settle(all, 2, shared));
    member_leave(o[1].m);
    CHECK(settle(all, 1, alone));
    CHECK_INT(o[0].lost, 0);
    member_leave(o[0].m);
    broker_close(b);
}

/* I4 group: what was revoked may be committed once more, and not later. */
static void i4_group_a_revoked_partition_is_committed_before_the_next_poll(void)
{
    struct broker *b = brokers_open(url, true);
    struct one o[2];
    struct one *const all[] = {&o[0], &o[1]};
    const size_t first[] = {2};
    const size_t shared[] = {1, 1};
    struct broker_position mine;
    struct broker_position other;
    char topic[80];
    char group[80];
    int64_t until = clock_mono_us() + PATIENCE_US;

    brokers_make(b, brokers_unique(topic, "t"), 2);
    (void)brokers_unique(group, "g");
    join(&o[0], b, group, topic, NULL);
    CHECK(settle(all, 1, first));
    mine = brokers_at(&o[0].held[0], 7);
    other = brokers_at(&o[0].held[1], 7);
    join(&o[1], b, group, topic, NULL);
    while (o[0].revoked == 0 && clock_mono_us() < until) {
        poll_one(&o[0], 10000);
        if (o[0].revoked == 0) {
            poll_one(&o[1], 10000);
        }
    }
    CHECK_INT(o[0].revoked, 1);
    CHECK_INT(o[1].n, 0);
    CHECK_OK(member_commit(o[0].m, &mine, 1, &e), &e);
    CHECK_OK(member_commit(o[0].m, &other, 1, &e), &e);
    CHECK(settle(all, 2, shared));
    mine = brokers_at(&o[1].held[0], 9); /* what o[0] had */
    CHECK(member_commit(o[0].m, &mine, 1, &e) < 0);
    CHECK_INT(e.code, ERR_FENCED);
    CHECK_OK(member_commit(o[1].m, &mine, 1, &e), &e);
    member_leave(o[0].m);
    member_leave(o[1].m);
    broker_close(b);
}

static void a_pattern_finds_topics_that_come_later(void)
{
    struct broker *b = brokers_open(url, true);
    struct one o;
    struct one *const all[] = {&o};
    const size_t before[] = {1};
    const size_t after[] = {3};
    char stem[80];
    char name[100];
    char pattern[100];
    char group[80];

    (void)brokers_unique(stem, "p");
    (void)snprintf(name, sizeof(name), "%s.pin", stem);
    brokers_make(b, name, 1);
    (void)snprintf(name, sizeof(name), "not-%s.pin", stem);
    brokers_make(b, name, 1);
    (void)snprintf(pattern, sizeof(pattern), "%s\\.(pin|geo)", stem);
    join(&o, b, brokers_unique(group, "g"), NULL, pattern);
    CHECK(settle(all, 1, before));
    (void)snprintf(name, sizeof(name), "%s.geo", stem);
    brokers_make(b, name, 2);
    (void)snprintf(name, sizeof(name), "%s.geography", stem);
    brokers_make(b, name, 2);
    CHECK(settle(all, 1, after));
    member_leave(o.m);
    broker_close(b);
}

static void another_subscription_changes_what_is_read(void)
{
    struct broker *b = brokers_open(url, true);
    struct one o;
    struct one *const all[] = {&o};
    const size_t two[] = {2};
    const size_t one[] = {1};
    char a[80];
    char c[80];
    char group[80];
    const char *names_now[] = {c};
    struct member_conf conf = {
        .group = group, .topics = names_now, .ntopics = 1};

    brokers_make(b, brokers_unique(a, "a"), 2);
    brokers_make(b, brokers_unique(c, "c"), 1);
    join(&o, b, brokers_unique(group, "g"), a, NULL);
    CHECK(settle(all, 1, two));
    CHECK_OK(member_subscribe(o.m, &conf, &e), &e);
    CHECK(settle(all, 1, one));
    CHECK_TEXT(slice_of(o.held[0].topic), c);
    member_leave(o.m);
    broker_close(b);
}

static void owners_are_listed(void)
{
    struct broker *b = brokers_open(url, true);
    struct one o;
    struct one *const all[] = {&o};
    const size_t want[] = {2};
    struct member_owner *rows = NULL;
    size_t n = 7;
    char topic[80];
    char group[80];

    brokers_make(b, brokers_unique(topic, "t"), 2);
    CHECK_OK(member_list(b, brokers_unique(group, "g"), &rows, &n, &e), &e);
    CHECK_INT(n, 0);
    mem_free(rows);
    join(&o, b, group, topic, NULL);
    CHECK(settle(all, 1, want));
    CHECK_OK(member_list(b, group, &rows, &n, &e), &e);
    CHECK_INT(n, 2);
    if (n == 2) {
        CHECK_TEXT(slice_of(rows[0].topic), topic);
        CHECK(rows[0].partition != rows[1].partition);
        CHECK_TEXT(slice_of(rows[0].client), "pinline");
        CHECK(rows[0].member[0] != '\0');
    }
    mem_free(rows);
    member_leave(o.m);
    broker_close(b);
}

static void what_cannot_be_is_refused(void)
{
    struct broker *b = brokers_open(url, true);
    const char *const topics[] = {"a/b"};
    const char *const good[] = {"t"};
    struct member *m = NULL;
    const struct member_conf bad[] = {
        {.group = "", .topics = good, .ntopics = 1},
        {.group = "g"},
        {.group = "g", .topics = good, .ntopics = 1, .pattern = "t"},
        {.group = "g", .topics = topics, .ntopics = 1},
        {.group = "g", .pattern = "("},
        {.group = "g", .pattern = "(a)\\1"},
        {.group = "g", .pattern = "((((a{9}){9}){9}){9}){9}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK(member_join(&m, b, &bad[i], &e) < 0);
        CHECK_INT(e.code, ERR_INVALID);
        CHECK(m == NULL);
    }
    broker_close(b);
}

/* ---- the session; a far side's own is too long for a quick test ---- */

static void who_does_not_poll_loses_its_partitions(void)
{
    struct broker *b;
    struct one o[2];
    struct one *const second[] = {&o[1]};
    const size_t all_of_it[] = {2};
    const char *names_now[1];
    struct member_conf conf = {
        .topics = names_now, .ntopics = 1, .session_us = 200000};
    struct broker_position pos;
    char topic[80];
    char group[80];
    int64_t until = clock_mono_us() + PATIENCE_US;

    if (strncmp(url, "kafka", 5) == 0) {
        test_skip("a session of Kafka takes seconds");
        return;
    }
    b = brokers_open(url, true);
    brokers_make(b, brokers_unique(topic, "t"), 2);
    names_now[0] = topic;
    conf.group = brokers_unique(group, "g");
    for (size_t i = 0; i < 2; i++) {
        o[i] = (struct one){.n = 0};
        CHECK_OK(member_join(&o[i].m, b, &conf, &e), &e);
        while (i == 0 && o[0].n < 2 && clock_mono_us() < until) {
            poll_one(&o[0], 10000);
        }
    }
    CHECK(settle(second, 1, all_of_it));
    pos = brokers_at(&o[1].held[0], 3);
    CHECK(member_commit(o[0].m, &pos, 1, &e) < 0);
    CHECK_INT(e.code, ERR_FENCED);
    CHECK_OK(member_commit(o[1].m, &pos, 1, &e), &e);
    poll_one(&o[0], 0);
    CHECK_INT(o[0].lost, 2);
    member_leave(o[0].m);
    member_leave(o[1].m);
    broker_close(b);
}

static void a_topic_made_anew_is_a_new_one(void)
{
    struct broker *b;
    struct one o;
    struct one *const all[] = {&o};
    const size_t want[] = {1};
    int64_t until = clock_mono_us() + PATIENCE_US;
    int64_t epoch;
    char topic[80];
    char group[80];

    if (strncmp(url, "kafka", 5) == 0) {
        test_skip("Kafka deletes a topic in its own time");
        return;
    }
    b = brokers_open(url, true);
    brokers_make(b, brokers_unique(topic, "t"), 1);
    join(&o, b, brokers_unique(group, "g"), topic, NULL);
    CHECK(settle(all, 1, want));
    epoch = o.held[0].epoch;
    CHECK_OK(broker_topic_delete(b, topic, &e), &e);
    brokers_make(b, topic, 1);
    while ((o.lost == 0 || o.n == 0) && clock_mono_us() < until) {
        poll_one(&o, 10000);
    }
    CHECK_INT(o.lost, 1);
    CHECK(o.n == 1 && o.held[0].epoch != epoch);
    member_leave(o.m);
    broker_close(b);
}

static void a_failed_allocation_leaves_a_member_that_goes_on(void)
{
    struct broker *b;
    struct member_change c;
    struct one o;
    struct one *const all[] = {&o};
    const size_t want[] = {2};
    char topic[80];
    char group[80];
    const char *names_now[1];
    struct member_conf conf = {.topics = names_now, .ntopics = 1};
    unsigned n = 0;
    int rc = -1;

    if (strncmp(url, "kafka", 5) == 0) {
        test_skip("librdkafka has its own memory");
        return;
    }
    b = brokers_open(url, true);
    brokers_make(b, brokers_unique(topic, "t"), 2);
    names_now[0] = topic;
    conf.group = brokers_unique(group, "g");
    while (rc != 0 && n < 100) {
        struct member *m = NULL;

        mem_fail_after(++n);
        rc = member_join(&m, b, &conf, &e);
        rc = rc != 0 ? rc : member_poll(m, 0, &c, &e);
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        member_leave(m);
    }
    CHECK(n > 3 && n < 100);
    join(&o, b, group, topic, NULL);
    CHECK(settle(all, 1, want));
    member_leave(o.m);
    broker_close(b);
}

static const struct test tests[] = {
    {"one member has every partition", one_member_has_every_partition},
    {"members share evenly, and nobody has what another has",
     members_share_evenly_and_nobody_has_what_another_has},
    {"who leaves gives everything to the others",
     who_leaves_gives_everything_to_the_others},
    {"a revoked partition is committed before the next poll, not later",
     i4_group_a_revoked_partition_is_committed_before_the_next_poll},
    {"a pattern finds topics that come later",
     a_pattern_finds_topics_that_come_later},
    {"another subscription changes what is read",
     another_subscription_changes_what_is_read},
    {"owners are listed", owners_are_listed},
    {"what cannot be is refused", what_cannot_be_is_refused},
    {"who does not poll loses its partitions",
     who_does_not_poll_loses_its_partitions},
    {"a topic made anew is a new one", a_topic_made_anew_is_a_new_one},
    {"a failed allocation leaves a member that goes on",
     a_failed_allocation_leaves_a_member_that_goes_on},
};

int main(int argc, char **argv)
{
    url = argc > 1 ? argv[1] : "memory";
    return test_main(tests, ARRAY_LEN(tests));
}
