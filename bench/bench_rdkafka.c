/*
 * bench_rdkafka - the bare loop: librdkafka and nothing else.
 *
 * argv: produce|consume BOOTSTRAP TOPIC COUNT.  Records are the 744 bytes of
 * bench_pin.h; produced idempotent with acks=all, consumed from the start of
 * every partition by one client without a group.  Prints one JSON object.
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_pin.h"
#include "core/clock.h"
#include "core/num.h"

enum {
    SLICE = 10000
};

static int64_t delivered, failed;

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *arg)
{
    (void)rk;
    (void)arg;
    if (m->err) {
        failed++;
    } else {
        delivered++;
    }
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *bootstrap)
{
    static const char *const pairs[][2] = {
        {"linger.ms", "20"},
        {"batch.size", "1000000"},
        {"batch.num.messages", "10000"},
        {"queue.buffering.max.messages", "500000"},
        {"queue.buffering.max.kbytes", "524288"},
        {"enable.idempotence", "true"},
        {"acks", "all"},
    };
    static const char *const readers[][2] = {
        {"group.id", "none"},
        {"enable.auto.commit", "false"},
        {"queued.min.messages", "200000"},
        {"fetch.message.max.bytes", "4194304"},
    };
    rd_kafka_conf_t *c = rd_kafka_conf_new();
    bool sends = type == RD_KAFKA_PRODUCER;
    size_t n = sends ? sizeof(pairs) / sizeof(*pairs)
                     : sizeof(readers) / sizeof(*readers);
    char why[256];
    rd_kafka_t *rk;

    for (size_t i = 0; i < n; i++) {
        const char *const *pair = sends ? pairs[i] : readers[i];
        if (rd_kafka_conf_set(c, pair[0], pair[1], why, sizeof(why)) !=
            RD_KAFKA_CONF_OK) {
            die(pair[0], why);
        }
    }
    if (rd_kafka_conf_set(c, "bootstrap.servers", bootstrap, why,
                          sizeof(why)) != RD_KAFKA_CONF_OK) {
        die("bootstrap.servers", why);
    }
    if (sends) {
        rd_kafka_conf_set_dr_msg_cb(c, on_delivery);
    }
    rk = rd_kafka_new(type, c, why, sizeof(why));
    if (rk == NULL) {
        die("librdkafka", why);
    }
    return rk;
}

static void send_one(rd_kafka_t *rk, rd_kafka_topic_t *to, char *pin)
{
    while (rd_kafka_produce(to, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, pin,
                            PIN_BYTES, NULL, 0, NULL) < 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            die("produce", rd_kafka_err2str(rd_kafka_last_error()));
        }
        (void)rd_kafka_poll(rk, 10);
    }
}

static void produce(const char *bootstrap, const char *topic, int64_t count)
{
    char *pool = pin_pool();
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, bootstrap);
    rd_kafka_topic_t *to = rd_kafka_topic_new(rk, topic, NULL);
    const struct rd_kafka_metadata *seen;
    int64_t began;

    if (rd_kafka_metadata(rk, 0, to, &seen, 10000) ==
        RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_metadata_destroy(seen); /* the connection stands */
    }
    began = clock_mono_us();
    for (int64_t i = 0; i < count; i++) {
        send_one(rk, to, pool + i % PIN_POOL * PIN_BYTES);
        if (i % 1024 == 0) {
            (void)rd_kafka_poll(rk, 0);
        }
    }
    (void)rd_kafka_flush(rk, 120000);
    pin_report(count, clock_mono_us() - began);
    if (failed || delivered != count) {
        die("produce", "not all records were stored");
    }
    rd_kafka_topic_destroy(to);
    rd_kafka_destroy(rk);
    free(pool);
}

static void assign_all(rd_kafka_t *rk, const char *topic)
{
    rd_kafka_topic_t *t = rd_kafka_topic_new(rk, topic, NULL);
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(1);
    const struct rd_kafka_metadata *seen;
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, t, &seen, 10000);

    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        die("metadata", rd_kafka_err2str(err));
    }
    for (int i = 0; i < seen->topics[0].partition_cnt; i++) {
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = 0;
    }
    rd_kafka_metadata_destroy(seen);
    (void)rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_topic_destroy(t);
}

static void consume(const char *bootstrap, const char *topic, int64_t count)
{
    static rd_kafka_message_t *m[SLICE];
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, bootstrap);
    rd_kafka_queue_t *q;
    int64_t got = 0, bytes = 0, first = 0;

    (void)rd_kafka_poll_set_consumer(rk);
    q = rd_kafka_queue_get_consumer(rk);
    assign_all(rk, topic);
    while (got < count) {
        ssize_t n = rd_kafka_consume_batch_queue(q, 20000, m, SLICE);
        if (n <= 0) {
            die("consume", "nothing came for 20 s");
        }
        first = first ? first : clock_mono_us();
        for (ssize_t i = 0; i < n; i++) {
            got += m[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR;
            bytes += (int64_t)m[i]->len;
            rd_kafka_message_destroy(m[i]);
        }
    }
    pin_report(got, clock_mono_us() - first);
    if (bytes < got * PIN_BYTES) {
        die("consume", "bytes are missing");
    }
    rd_kafka_queue_destroy(q);
    (void)rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
}

int main(int argc, char **argv)
{
    int64_t count;

    if (argc != 5 || !num_i64(slice_of(argv[4]), &count) || count < 1) {
        (void)fprintf(stderr, "usage: bench_rdkafka produce|consume BOOTSTRAP "
                              "TOPIC COUNT\n");
        return 2;
    }
    if (strcmp(argv[1], "produce") == 0) {
        produce(argv[2], argv[3], count);
    } else {
        consume(argv[2], argv[3], count);
    }
    return 0;
}
