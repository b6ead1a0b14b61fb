/*
 * bench_kafka - the loop of bench_rdkafka through pinline's broker.
 *
 * argv: produce|consume BOOTSTRAP TOPIC COUNT.  Requests of 1,000 records, 64
 * under way, each answered when its records are replicated; read back as a
 * member of a group.  Prints one JSON object.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_crowd.h"
#include "bench_pin.h"
#include "broker/member.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/thread.h"

enum {
    AHEAD = 64,
    BATCH = 1000,
    FETCH_BYTES = 4 << 20,
    PARTS_MAX = 64,
    PREFETCH = 16 << 20, /* a pipeline's */
};

static struct err e;

static void die(const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", what, e.msg);
    exit(1);
}

struct caller {
    struct broker_record r[BATCH];
    struct broker_report rep[BATCH];
    struct broker_produce p;
};

static struct caller *begin(struct crowd *all, const char *topic, char *pool)
{
    struct caller *list = mem_zero(AHEAD, sizeof(*list));

    for (int k = 0; list && k < AHEAD; k++) {
        struct caller *c = &list[k];
        for (int i = 0; i < BATCH; i++) {
            size_t at = (size_t)((k * BATCH + i) % PIN_POOL);
            c->r[i] = (struct broker_record){
                .partition = -1,
                .has_value = true,
                .value = {pool + at * PIN_BYTES, PIN_BYTES}};
        }
        c->p = (struct broker_produce){.topic = topic,
                                       .records = c->r,
                                       .n = BATCH,
                                       .reports = c->rep,
                                       .done = crowd_answered,
                                       .arg = all};
        if (broker_produce_start(all->b, &c->p, &e) < 0) {
            die("produce");
        }
    }
    return list;
}

static void produce(struct broker *b, const char *topic, int64_t count)
{
    char *pool = pin_pool();
    int64_t requests = count / BATCH > AHEAD ? count / BATCH : AHEAD;
    struct crowd all;
    struct caller *list;
    int64_t began;

    crowd_init(&all, b, AHEAD, requests);
    began = clock_mono_us();
    list = begin(&all, topic, pool);
    crowd_wait(&all);
    pin_report(requests * BATCH, clock_mono_us() - began);
    mem_free(list);
    free(pool);
    if (all.failed) {
        (void)err_set(&e, ERR_IO, "%" PRId64 " requests failed", all.failed);
        die("produce");
    }
}

struct part {
    struct member_partition at;
    int64_t until;
    struct broker_fetch f;
};

/* As a pipeline reads: a member of a group of its own, all partitions over one
 * connection.  Their number. */
static size_t join(struct broker *b, const char *topic, struct member **m,
                   struct part parts[PARTS_MAX])
{
    struct member_conf conf = {
        .topics = &topic, .ntopics = 1, .prefetch_bytes = PREFETCH};
    struct member_change change;
    struct broker_topic t;
    char group[64];
    size_t n = 0;

    (void)snprintf(group, sizeof(group), "bench-%" PRId64, clock_wall_us());
    conf.group = group;
    if (broker_topic_get(b, topic, &t, &e) < 0 ||
        member_join(m, b, &conf, &e) < 0) {
        die("join");
    }
    while (n < (size_t)t.partitions) {
        if (member_poll(*m, 1000000, &change, &e) < 0) {
            die("poll");
        }
        for (size_t i = 0; i < change.nassigned && n < PARTS_MAX; i++) {
            struct part *p = &parts[n++];
            int64_t begin;

            p->at = change.assigned[i];
            if (broker_offsets(b, topic, p->at.partition, &begin, &p->until,
                               &e) < 0) {
                die("offsets");
            }
        }
    }
    return n;
}

/* Some records of one partition that has more; how many. */
static int64_t take(struct member *m, struct part *p, int64_t *bytes)
{
    if (p->f.next >= p->until) {
        return 0;
    }
    if (member_fetch(m, p->at.topic, p->at.partition, p->f.next, FETCH_BYTES,
                     &p->f, &e) < 0) {
        die("fetch");
    }
    for (size_t i = 0; i < p->f.n; i++) {
        *bytes += (int64_t)p->f.messages[i].value.len;
    }
    return (int64_t)p->f.n;
}

static void consume(struct broker *b, const char *topic, int64_t count)
{
    static struct part parts[PARTS_MAX];
    struct member_change change;
    struct member *m = NULL;
    size_t nparts = join(b, topic, &m, parts);
    int64_t n = 0, bytes = 0, first = 0;

    while (n < count) {
        for (size_t i = 0; i < nparts && n < count; i++) {
            n += take(m, &parts[i], &bytes);
            first = first || n == 0 ? first : clock_mono_us();
        }
        if (member_poll(m, 0, &change, &e) < 0) {
            die("poll");
        }
    }
    pin_report(n, clock_mono_us() - first);
    for (size_t i = 0; i < nparts; i++) {
        member_fetch_release(m, &parts[i].f);
    }
    member_leave(m);
    if (bytes < n * PIN_BYTES) {
        (void)err_set(&e, ERR_IO, "bytes are missing");
        die("consume");
    }
}

int main(int argc, char **argv)
{
    char url[512];
    struct broker_conf conf = {.url = url, .mode = BROKER_WRITE};
    struct broker *b = NULL;
    int64_t count;

    if (argc != 5 || !num_i64(slice_of(argv[4]), &count) || count < 1) {
        (void)fprintf(stderr, "usage: bench_kafka produce|consume BOOTSTRAP "
                              "TOPIC COUNT\n");
        return 2;
    }
    (void)snprintf(url, sizeof(url), "kafka://%s", argv[2]);
    if (broker_open(&b, &conf, &e) < 0) {
        die("open");
    }
    if (strcmp(argv[1], "produce") == 0) {
        produce(b, argv[3], count);
    } else {
        consume(b, argv[3], count);
    }
    broker_close(b);
    return 0;
}
