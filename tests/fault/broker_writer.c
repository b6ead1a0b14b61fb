/*
 * A process that stores records until it is killed.  Arguments: the folder,
 * the number of threads and how long to run in ms (0: for ever).
 * Every acknowledged record is one line on standard output, written after the
 * answer came:
 *
 *     THREAD SEQUENCE PARTITION OFFSET REPEATED
 *
 * The value of a record is "THREAD-SEQUENCE-" and some bytes that follow from
 * them; each request has the idempotency key "THREAD-SEQUENCE".  Standard
 * input holds, for each thread, the sequence number to begin at: the last one
 * that may have been sent before, which is sent again.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/broker.h"
#include "core/clock.h"
#include "core/num.h"
#include "core/stop.h"
#include "core/thread.h"

enum {
    THREADS_MAX = 16,
    VALUE_MAX = 4096,
    PARTITIONS = 3
};

struct worker {
    struct broker *b;
    struct thread thread;
    int no;
    int64_t from;
    int64_t until_us;
};

static size_t make_value(char *text, int thread, int64_t seq)
{
    size_t n =
        (size_t)snprintf(text, VALUE_MAX, "%d-%" PRId64 "-", thread, seq);
    size_t more = (size_t)((uint64_t)seq * 2654435761U % 2000);

    for (size_t i = 0; i < more; i++) {
        text[n + i] = (char)('a' + (i + (size_t)seq) % 26);
    }
    return n + more;
}

/* Two records a request, so that a half-stored request would be seen. */
static int put(struct worker *w, int64_t seq)
{
    char value[VALUE_MAX];
    char key[48];
    char line[128];
    size_t len = make_value(value, w->no, seq);
    struct broker_record r[2] = {
        {.partition = (int32_t)(seq % PARTITIONS),
         .has_value = true,
         .value = {value, len}},
        {.partition = (int32_t)((seq + 1) % PARTITIONS),
         .has_value = true,
         .value = {value, len}},
    };
    struct broker_report rep[2];
    struct err e;
    struct broker_produce p = {
        .topic = "t", .records = r, .n = 2, .reports = rep};
    int n;

    n = snprintf(key, sizeof(key), "%d-%" PRId64, w->no, seq);
    p.idempotency_key = (struct slice){key, (size_t)n};
    memcpy(p.body_digest, "sixteen bytes...", sizeof(p.body_digest));
    if (broker_produce(w->b, &p, &e) < 0) {
        (void)fprintf(stderr, "%s\n", e.msg);
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        n = snprintf(line, sizeof(line),
                     "%d %" PRId64 " %" PRId32 " %" PRId64 " %d\n", w->no, seq,
                     rep[i].partition, rep[i].offset, p.repeated);
        if (write(STDOUT_FILENO, line, (size_t)n) != n) {
            return -1;
        }
    }
    return 0;
}

static void work(void *arg)
{
    struct worker *w = arg;

    for (int64_t seq = w->from;
         !stop_asked() && (w->until_us == 0 || clock_mono_us() < w->until_us);
         seq++) {
        if (put(w, seq) < 0) {
            return;
        }
    }
}

int main(int argc, char **argv)
{
    static struct worker workers[THREADS_MAX];
    struct broker_conf conf = {.mode = BROKER_WRITE, .segment_bytes = 300000};
    struct broker_topic t = {.name = "t",
                             .partitions = PARTITIONS,
                             .retention_us = -1,
                             .retention_bytes = -1};
    struct broker *b = NULL;
    struct err e;
    int64_t threads = 0;
    int64_t ms = 0;

    if (argc != 4 || !num_i64(slice_of(argv[2]), &threads) ||
        !num_i64(slice_of(argv[3]), &ms) || threads > THREADS_MAX) {
        return 2;
    }
    stop_install();
    conf.dir = argv[1];
    if (broker_open(&b, &conf, &e) < 0 ||
        (broker_topic_create(b, &t, &e) < 0 && e.code != ERR_EXISTS)) {
        (void)fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    for (int i = 0; i < threads; i++) {
        struct worker *w = &workers[i];

        *w = (struct worker){.b = b, .no = i};
        w->until_us = ms ? clock_mono_us() + ms * 1000 : 0;
        if (scanf("%" SCNd64, &w->from) != 1 ||
            thread_start(&w->thread, "put", work, w, &e) < 0) {
            return 1;
        }
    }
    for (int i = 0; i < threads; i++) {
        thread_join(&workers[i].thread);
    }
    broker_close(b);
    return 0;
}
