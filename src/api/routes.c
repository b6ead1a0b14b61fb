/* routes.c - every route of the server; the first that fits is taken. */
#include "api/api_int.h"

/* chapters of the documentation */
#define V2     "Kafka REST v2"
#define TABLES "FastAPI"
#define SERVER "Server"

const struct route api_routes[] = {
    {HTTP_GET, "/", FAMILY_KAFKA, 0, kafka_root, "that the server is there", V2,
     NULL, NULL, "KafkaRoot"},
    {HTTP_GET, "/brokers", FAMILY_KAFKA, 0, kafka_brokers, "ids of brokers", V2,
     NULL, NULL, "KafkaBrokers"},
    {HTTP_GET, "/topics", FAMILY_KAFKA, 0, kafka_topics, "names of topics", V2,
     NULL, NULL, "KafkaTopics"},
    {HTTP_GET, "/topics/{topic}", FAMILY_KAFKA, 0, kafka_topic,
     "a topic, its settings and partitions", V2, NULL, NULL, "KafkaTopic"},
    {HTTP_POST, "/topics/{topic}", FAMILY_KAFKA, 0, kafka_produce,
     "store records", V2, "Idempotency-Key", "KafkaProduce", "KafkaOffsets"},
    {HTTP_GET, "/topics/{topic}/partitions", FAMILY_KAFKA, 0, kafka_partitions,
     "partitions of a topic", V2, NULL, NULL, "KafkaPartitions"},
    {HTTP_GET, "/topics/{topic}/partitions/{partition}", FAMILY_KAFKA, 0,
     kafka_partition, "one partition", V2, NULL, NULL, "KafkaPartition"},
    {HTTP_POST, "/topics/{topic}/partitions/{partition}", FAMILY_KAFKA, 0,
     kafka_produce, "store records in one partition", V2, "Idempotency-Key",
     "KafkaProduce", "KafkaOffsets"},
    {HTTP_GET, "/topics/{topic}/partitions/{partition}/offsets", FAMILY_KAFKA,
     0, kafka_offsets, "first and next offset of a partition", V2, NULL, NULL,
     "KafkaEnds"},
    {HTTP_POST, "/send_data", FAMILY_FASTAPI, 0, fastapi_send_data,
     "store any JSON in ?topic=", TABLES, "topic! Idempotency-Key", "AnyJson",
     "Sent"},
    {HTTP_GET, "/get_data", FAMILY_FASTAPI, 0, fastapi_get_data,
     "the next message of ?topic=", TABLES, "topic!", NULL, "Message"},
    {HTTP_GET, "/docs", FAMILY_PLAIN, ROUTE_OPEN, api_docs,
     "this page: every route, and a line to try it", SERVER, NULL, NULL,
     "DocsPage"},
    {HTTP_GET, "/openapi.json", FAMILY_PLAIN, ROUTE_OPEN, api_openapi,
     "every route as an OpenAPI 3.1 document", SERVER, NULL, NULL, "OpenApi"},
    {HTTP_GET, "/healthz", FAMILY_PLAIN, ROUTE_OPEN, api_healthz,
     "that the server is well", SERVER, NULL, NULL, "Health"},
    {HTTP_GET, "/metrics", FAMILY_PLAIN, ROUTE_METRICS, api_metrics,
     "counters for Prometheus", SERVER, NULL, NULL, "Metrics"},
    {HTTP_POST, "/_noop", FAMILY_KAFKA, ROUTE_NOOP, api_noop,
     "nothing: what a benchmark compares with", SERVER, NULL, NULL,
     "KafkaOffsets"},
    {HTTP_POST, "/{model}/", FAMILY_FASTAPI, 0, fastapi_model,
     "store one checked row of a table", TABLES, "Idempotency-Key", "{model}",
     "{model}"},
};
const size_t api_n_routes = ARRAY_LEN(api_routes);
