/*
 * bench_kafka - the loop of bench_rdkafka through pinline's broker.
 *
 * argv: produce|consume BOOTSTRAP TOPIC COUNT.  Requests of 1,000 records, 64
 * under way, each answered when its records are replicated; read back with
 * broker_fetch() partition by partition.  Prints one JSON object.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_pin.h"
#include "broker/broker.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/thread.h"

enum {
    AHEAD = 64,
    BATCH = 1000,
    FETCH_BYTES = 4 << 20
};

static struct err e;

static void die(const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", what, e.msg);
    exit(1);
}

struct crowd {
    struct broker *b;
    struct mutex lock;
    struct cond idle;
    int64_t left, under_way, failed;
};

struct caller {
    struct crowd *crowd;
    struct broker_record r[BATCH];
    struct broker_report rep[BATCH];
    struct broker_produce p;
};

static void answered(struct broker_produce *p)
{
    struct caller *c = p->arg;
    struct crowd *all = c->crowd;
    struct err why;
    bool again;

    mutex_lock(&all->lock);
    all->failed += p->error.code != ERR_NONE;
    again = all->left > 0;
    all->left -= again;
    mutex_unlock(&all->lock);
    if (again && broker_produce_start(all->b, p, &why) == 0) {
        return;
    }
    mutex_lock(&all->lock);
    all->failed += again;
    all->under_way--;
    cond_signal(&all->idle);
    mutex_unlock(&all->lock);
}

static struct caller *begin(struct crowd *all, const char *topic, char *pool)
{
    struct caller *list = mem_zero(AHEAD, sizeof(*list));

    for (int k = 0; list && k < AHEAD; k++) {
        struct caller *c = &list[k];
        c->crowd = all;
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
                                       .done = answered,
                                       .arg = c};
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
    struct crowd all = {.b = b, .left = requests - AHEAD, .under_way = AHEAD};
    struct caller *list;
    int64_t began;

    mutex_init(&all.lock);
    cond_init(&all.idle);
    began = clock_mono_us();
    list = begin(&all, topic, pool);
    mutex_lock(&all.lock);
    while (all.under_way > 0) {
        cond_wait(&all.idle, &all.lock);
    }
    mutex_unlock(&all.lock);
    pin_report(requests * BATCH, clock_mono_us() - began);
    mem_free(list);
    free(pool);
    if (all.failed) {
        (void)err_set(&e, ERR_IO, "%" PRId64 " requests failed", all.failed);
        die("produce");
    }
}

static void consume(struct broker *b, const char *topic, int64_t count)
{
    struct broker_topic t;
    int64_t n = 0, bytes = 0, first = 0;

    if (broker_topic_get(b, topic, &t, &e) < 0) {
        die("topic");
    }
    for (int32_t p = 0; p < t.partitions && n < count; p++) {
        struct broker_fetch f = {0};
        do {
            if (broker_fetch(b, topic, p, f.next, FETCH_BYTES, &f, &e) < 0) {
                die("fetch");
            }
            first = first ? first : clock_mono_us();
            n += (int64_t)f.n;
            for (size_t i = 0; i < f.n; i++) {
                bytes += (int64_t)f.messages[i].value.len;
            }
        } while (f.n > 0 && n < count);
        broker_fetch_release(b, &f);
    }
    pin_report(n, clock_mono_us() - first);
    if (n < count || bytes < n * PIN_BYTES) {
        (void)err_set(&e, ERR_IO, "records are missing");
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
