/* Requests of the admin client: begin, wait for the event, end. */
#include "broker/kafka_api_int.h"
#include "core/stop.h"

enum {
    CALL_MS = 10000, /* of a request to the cluster */
    /* Brokers write files to make or delete a topic: on a slow disk one that
     * is well takes longer than for all else, and what was given up would be
     * there all the same. */
    CHANGE_MS = 30000,
    LATER_MS = 1000
};

static bool is_there(struct kafka *k)
{
    struct broker_health now;

    kafka_health(&k->base, &now);
    return now.brokers > 0;
}

bool kafka_pointless(struct kafka *k)
{
    return stop_asked() && !is_there(k);
}

int kafka_call_ms(struct kafka *k)
{
    return kafka_pointless(k) ? LATER_MS : CALL_MS;
}

static bool changes(rd_kafka_admin_op_t op)
{
    return op == RD_KAFKA_ADMIN_OP_CREATETOPICS ||
           op == RD_KAFKA_ADMIN_OP_DELETETOPICS;
}

int kafka_call_begin(struct kafka *k, struct kafka_call *c,
                     rd_kafka_admin_op_t op, struct err *e)
{
    char why[128];

    *c = (struct kafka_call){.ms = kafka_call_ms(k)};
    c->more_ms = changes(op) ? CHANGE_MS - c->ms : 0;
    c->queue = k->rd->queue_new(k->admin);
    c->options = k->rd->AdminOptions_new(k->admin, op);
    if (c->queue == NULL || c->options == NULL) {
        kafka_call_end(k, c);
        return err_nomem(e, sizeof(*c));
    }
    if (k->rd->AdminOptions_set_request_timeout(c->options, c->ms + c->more_ms,
                                                why, sizeof(why)) !=
            RD_KAFKA_RESP_ERR_NO_ERROR ||
        (changes(op) && k->rd->AdminOptions_set_operation_timeout(
                            c->options, (c->ms + c->more_ms) / 2, why,
                            sizeof(why)) != RD_KAFKA_RESP_ERR_NO_ERROR)) {
        kafka_call_end(k, c);
        return err_set(e, ERR_INVALID, "cannot ask Kafka: %s", why);
    }
    return 0;
}

int kafka_call_wait(struct kafka *k, struct kafka_call *c, const char *what,
                    struct err *e)
{
    c->event = k->rd->queue_poll(c->queue, c->ms + LATER_MS);
    while (c->event == NULL && c->more_ms > 0 && is_there(k) && !stop_asked()) {
        c->event = k->rd->queue_poll(c->queue, LATER_MS);
        c->more_ms -= LATER_MS;
    }
    if (c->event == NULL) {
        return kafka_fail(k, e, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL, "%s", what);
    }
    if (k->rd->event_error(c->event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_fail(k, e, k->rd->event_error(c->event),
                          k->rd->event_error_string(c->event), "%s", what);
    }
    kafka_alive(k);
    return 0;
}

void kafka_call_end(struct kafka *k, struct kafka_call *c)
{
    if (c->event != NULL) {
        k->rd->event_destroy(c->event);
    }
    if (c->options != NULL) {
        k->rd->AdminOptions_destroy(c->options);
    }
    if (c->queue != NULL) {
        k->rd->queue_destroy(c->queue);
    }
    *c = (struct kafka_call){0};
}
