/*
 * fake_broker.h - a broker in memory that fails when a test says so.
 *
 * It defines the functions of broker/broker.h that the api calls, for what
 * the real ones cannot be made to show: refused records, errors of every
 * code, answers that come late or never.  One at a time.
 */
#ifndef TESTS_FAKE_BROKER_H
#define TESTS_FAKE_BROKER_H

#include "broker/broker.h"

struct fake_conf {
    enum err_code fail;        /* every produce fails so */
    enum err_code fail_record; /* the last record of each produce */
    int64_t delay_us;          /* before done() */
    int64_t ask_us;            /* of every question about topics, at most */
    bool sick;                 /* broker_health() says so */
    bool hold;                 /* done() only with fake_let_go() */
};

struct broker *fake_broker_new(void);
void fake_broker_free(struct broker *b);
void fake_broker_set(struct broker *b, const struct fake_conf *c);
void fake_let_go(struct broker *b);
/* Requests that are held. */
int fake_broker_waiting(struct broker *b);
/* The value at an offset; false when there is none. */
bool fake_broker_value(struct broker *b, const char *topic, int32_t partition,
                       int64_t offset, struct slice *ret);

#endif
