/* librdkafka, loaded when the first Kafka broker is opened. */
#include "broker/kafka_api_int.h"

#define XX(name) {"rd_kafka_" #name, offsetof(struct kafka_api, name)},
static const struct dynlib_symbol symbols[] = {KAFKA_API_MAP(XX)};
#undef XX

int kafka_api_load(struct kafka_api *api, struct err *e)
{
    static const char *const files[] = {"librdkafka.so.1", "librdkafka.so",
                                        NULL};

    return dynlib_load(&api->lib, files, symbols, ARRAY_LEN(symbols), api,
                       "apt-get install librdkafka1", e);
}
