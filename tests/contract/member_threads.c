/* Members that come and go while others read: argv[1] is the url. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "test.h"

#include "brokers.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/thread.h"

enum {
    PATIENCE_US = 200000000,
    STAY_US = 20000000, /* of one that gets nothing */
    PARTS = 4,
    EACH = 2000,
    READERS = 4
};

static const char *url;
static struct err e;

struct crowd {
    struct broker *b;
    char topic[80], group[80];
    atomic_int taken[PARTS][EACH];
    atomic_bool stop;
};

struct cursor {
    struct member_partition at;
    int64_t next;
    bool on;
};

static void begin(struct crowd *c, struct cursor *cur,
                  const struct member_partition *p)
{
    struct broker_position pos;
    struct err why;

    cur->at = *p;
    cur->on = true;
    cur->next = broker_group_get(c->b, c->group, p->topic, p->partition, &pos,
                                 &why) == 0
                    ? pos.offset
                    : 0;
}

/* Read a little, and count it only when its commit was accepted. */
static void take(struct crowd *c, struct member *m, struct cursor *cur)
{
    struct broker_fetch f = {0};
    struct broker_position pos;
    struct err why = {.code = ERR_NONE};
    int64_t from = cur->next;
    int64_t to;

    if (member_fetch(m, cur->at.topic, cur->at.partition, from, 100, &f,
                     &why) != 0) {
        test_fail(__FILE__, __LINE__, "%s", why.msg);
        return;
    }
    to = f.n > 0 ? f.next : from;
    member_fetch_release(m, &f);
    if (to == from) {
        return;
    }
    pos = brokers_at(&cur->at, to);
    if (member_commit(m, &pos, 1, &why) != 0) {
        cur->on = false;
        CHECK_INT(why.code, ERR_FENCED);
        return;
    }
    cur->next = to;
    for (int64_t i = from; i < to && i < EACH; i++) {
        atomic_fetch_add(&c->taken[cur->at.partition][i], 1);
    }
}

/* Rounds count in which it had something: a slow cluster takes longer to share
 * than some stay, and then nobody would ever read. */
static void read_for_a_while(struct crowd *c, unsigned rounds)
{
    int64_t until = clock_mono_us() + STAY_US;
    const char *const topics[] = {c->topic};
    struct member_conf conf = {
        .group = c->group, .topics = topics, .ntopics = 1};
    struct cursor cur[PARTS] = {{.on = false}};
    struct member_change change;
    struct member *m = NULL;
    struct err why;

    if (member_join(&m, c->b, &conf, &why) != 0) {
        test_fail(__FILE__, __LINE__, "%s", why.msg);
        return;
    }
    while (rounds > 0 && clock_mono_us() < until && !atomic_load(&c->stop)) {
        bool had = false;

        if (member_poll(m, 1000, &change, &why) != 0) {
            test_fail(__FILE__, __LINE__, "%s", why.msg);
            break;
        }
        for (size_t i = 0; i < change.nlost; i++) {
            cur[change.lost[i].partition].on = false;
        }
        for (size_t i = 0; i < change.nrevoked; i++) {
            cur[change.revoked[i].partition].on = false;
        }
        for (size_t i = 0; i < change.nassigned; i++) {
            begin(c, &cur[change.assigned[i].partition], &change.assigned[i]);
        }
        for (size_t i = 0; i < PARTS; i++) {
            if (cur[i].on) {
                take(c, m, &cur[i]);
                had = true;
            }
        }
        rounds -= had;
    }
    member_leave(m);
}

static void reader(void *arg)
{
    struct crowd *c = arg;

    for (unsigned i = 0; !atomic_load(&c->stop); i++) {
        read_for_a_while(c, 20 + i % 7 * 15);
    }
}

static bool all_taken(struct crowd *c)
{
    for (int p = 0; p < PARTS; p++) {
        for (int i = 0; i < EACH; i++) {
            if (atomic_load(&c->taken[p][i]) == 0) {
                return false;
            }
        }
    }
    return true;
}

static void fill(struct crowd *c)
{
    static struct broker_record r[PARTS * EACH];
    static struct broker_report rep[PARTS * EACH];
    struct broker_produce p = {
        .topic = c->topic, .records = r, .n = ARRAY_LEN(r), .reports = rep};

    for (size_t i = 0; i < ARRAY_LEN(r); i++) {
        r[i] = (struct broker_record){.partition = (int32_t)(i % PARTS),
                                      .value = SLICE("a record"),
                                      .has_value = true};
    }
    CHECK_OK(broker_produce(c->b, &p, &e), &e);
}

static void i4_group_members_come_and_go_and_each_offset_is_committed_once(void)
{
    static struct crowd c;
    struct thread t[READERS];
    int64_t until = clock_mono_us() + PATIENCE_US;

    c.b = brokers_open(url, true);
    brokers_make(c.b, brokers_unique(c.topic, "t"), PARTS);
    (void)brokers_unique(c.group, "g");
    fill(&c);
    for (int i = 0; i < READERS; i++) {
        CHECK_OK(thread_start(&t[i], "reader", reader, &c, &e), &e);
    }
    while (!all_taken(&c) && clock_mono_us() < until) {
        clock_sleep_us(5000);
    }
    atomic_store(&c.stop, true);
    for (int i = 0; i < READERS; i++) {
        thread_join(&t[i]);
    }
    for (int p = 0; p < PARTS; p++) {
        for (int i = 0; i < EACH; i++) {
            CHECK_INT(atomic_load(&c.taken[p][i]), 1);
        }
    }
    broker_close(c.b);
}

static const struct test tests[] = {
    {"I4 group: members come and go, and each offset is committed once",
     i4_group_members_come_and_go_and_each_offset_is_committed_once},
};

int main(int argc, char **argv)
{
    url = argc > 1 ? argv[1] : "memory";
    return test_main(tests, ARRAY_LEN(tests));
}
