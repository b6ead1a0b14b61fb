/*
 * into_kafka.h - the topic of Apache Kafka that a cleaned table goes to, by the
 * project's settings kafka.*, and the transactions that fill it.
 */
#ifndef FLOW_INTO_KAFKA_H
#define FLOW_INTO_KAFKA_H

#include "broker/broker.h"
#include "clean/spec.h"
#include "flow/project.h"
#include "sink/kafka.h"
#include "sink/sink.h"

struct into_kafka; /* opaque */

/* Take over the table's topic, which is made if need be, and fill outbox and
 * key of *conf; texts live in the project's arena, the outbox until
 * into_kafka_close().  ERR_INVALID where the topics lie elsewhere. */
int into_kafka_open(struct into_kafka **ret, struct project *p,
                    const struct spec *spec, const struct spec_table *t,
                    struct broker *b, struct sink_conf *conf,
                    struct err *e) MUST_USE;
/* After the sink; NULL is fine. */
void into_kafka_close(struct into_kafka *k);

#endif
