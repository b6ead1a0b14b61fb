/*
 * kafka_api_int.h - the functions of librdkafka that the connector calls.  The
 * library is loaded when the first Kafka broker is opened, and stays.
 */
#ifndef BROKER_KAFKA_API_INT_H
#define BROKER_KAFKA_API_INT_H

#include "broker/kafka_api_map_int.h"
#include "broker/kafka_int.h"

struct kafka_api {
    struct dynlib lib;
#define XX(name) __typeof__(&rd_kafka_##name) name;
    KAFKA_API_MAP(XX)
#undef XX
};

#endif
