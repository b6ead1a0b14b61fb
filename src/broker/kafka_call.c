/* Requests of the admin client: begin, wait for the event, end. */
#include "broker/kafka_api_int.h"

int kafka_call_begin(struct kafka *k, struct kafka_call *c,
                     rd_kafka_admin_op_t op, struct err *e)
{
    char why[128];

    *c = (struct kafka_call){0};
    c->queue = k->rd->queue_new(k->admin);
    c->options = k->rd->AdminOptions_new(k->admin, op);
    if (c->queue == NULL || c->options == NULL) {
        kafka_call_end(k, c);
        return err_nomem(e, sizeof(*c));
    }
    if (k->rd->AdminOptions_set_request_timeout(c->options, KAFKA_CALL_MS, why,
                                                sizeof(why)) !=
            RD_KAFKA_RESP_ERR_NO_ERROR ||
        ((op == RD_KAFKA_ADMIN_OP_CREATETOPICS ||
          op == RD_KAFKA_ADMIN_OP_DELETETOPICS) &&
         k->rd->AdminOptions_set_operation_timeout(
             c->options, KAFKA_CALL_MS / 2, why, sizeof(why)) !=
             RD_KAFKA_RESP_ERR_NO_ERROR)) {
        kafka_call_end(k, c);
        return err_set(e, ERR_INVALID, "cannot ask Kafka: %s", why);
    }
    return 0;
}

int kafka_call_wait(struct kafka *k, struct kafka_call *c, const char *what,
                    struct err *e)
{
    c->event = k->rd->queue_poll(c->queue, KAFKA_CALL_MS + 1000);
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
