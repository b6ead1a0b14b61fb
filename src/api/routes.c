/* routes.c - every route of the server; the first that fits is taken. */
#include "api/api_int.h"

const struct route api_routes[] = {
    {HTTP_GET, "/", FAMILY_KAFKA, 0, kafka_root, "that the server is there"},
    {HTTP_GET, "/brokers", FAMILY_KAFKA, 0, kafka_brokers, "ids of brokers"},
    {HTTP_GET, "/topics", FAMILY_KAFKA, 0, kafka_topics, "names of topics"},
    {HTTP_GET, "/topics/{topic}", FAMILY_KAFKA, 0, kafka_topic,
     "a topic, its settings and partitions"},
    {HTTP_POST, "/topics/{topic}", FAMILY_KAFKA, 0, kafka_produce,
     "store records"},
    {HTTP_GET, "/topics/{topic}/partitions", FAMILY_KAFKA, 0, kafka_partitions,
     "partitions of a topic"},
    {HTTP_GET, "/topics/{topic}/partitions/{partition}", FAMILY_KAFKA, 0,
     kafka_partition, "one partition"},
    {HTTP_POST, "/topics/{topic}/partitions/{partition}", FAMILY_KAFKA, 0,
     kafka_produce, "store records in one partition"},
    {HTTP_GET, "/topics/{topic}/partitions/{partition}/offsets", FAMILY_KAFKA,
     0, kafka_offsets, "first and next offset of a partition"},
    {HTTP_POST, "/send_data", FAMILY_FASTAPI, 0, fastapi_send_data,
     "store any JSON in ?topic="},
    {HTTP_GET, "/get_data", FAMILY_FASTAPI, 0, fastapi_get_data,
     "the next message of ?topic="},
    {HTTP_GET, "/healthz", FAMILY_PLAIN, ROUTE_OPEN, api_healthz,
     "that the server is well"},
    {HTTP_GET, "/metrics", FAMILY_PLAIN, ROUTE_METRICS, api_metrics,
     "counters for Prometheus"},
    {HTTP_POST, "/_noop", FAMILY_KAFKA, ROUTE_NOOP, api_noop,
     "nothing: what a benchmark compares with"},
    {HTTP_POST, "/{model}/", FAMILY_FASTAPI, 0, fastapi_model,
     "store one checked row of a table"},
};
const size_t api_n_routes = ARRAY_LEN(api_routes);
